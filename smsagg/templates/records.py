"""Templates as JSON keeps them."""

from collections.abc import Mapping
from typing import Any

import attrs

from smsagg.templates.parameters import Parameter
from smsagg.templates.template import Template, Version, VersionState


def template_record(template: Template) -> dict[str, Any]:
    """As JSON keeps it."""
    return {"versions": [_record(version) for version in template.versions]}


def template_from_record(name: str, record: Mapping[str, Any]) -> Template:
    return Template(name, tuple(_version_from(kept) for kept in record["versions"]))


def _record(version: Version) -> dict[str, Any]:
    record = attrs.asdict(version, filter=lambda attribute, _: attribute.name != "wordings")
    return record | {"texts": dict(version.texts), "state": str(version.state)}


def _version_from(record: Mapping[str, Any]) -> Version:
    parameters = {name: _parameter_from(kept) for name, kept in record["parameters"].items()}
    return Version(**{**record, "parameters": parameters, "state": VersionState(record["state"])})


def _parameter_from(record: Mapping[str, Any]) -> Parameter:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in record.items()}
    return Parameter(**values)
