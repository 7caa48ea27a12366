"""Templates as the API shows them, and what it says when one cannot be changed or used."""

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import attrs

from smsagg.api.v1.asking import asked
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.problem import Problem
from smsagg.errors import RegisterFull, StaleValue
from smsagg.templates import BadStep, BadValues, BadWording, Template, Version

Done = TypeVar("Done")


async def changed(change: Awaitable[Done]) -> Done:
    """What it gives, when it can be; raises :class:`Problem`."""
    try:
        return await asked(change)
    except BadWording as error:
        raise Problem(422, "invalid-template", str(error), [{"path": "texts", "detail": str(error)}]) from error
    except BadStep as error:
        raise Problem(409, "wrong-state", f"That cannot be done: {error}.") from error
    except StaleValue as error:
        raise Problem(409, "changed-meanwhile", "Somebody else changed this meanwhile; look and try again.") from error
    except RegisterFull as error:
        raise Problem(409, "too-many-templates", f"No more templates: {error}.") from error


def view_of(template: Template) -> dict[str, Any]:
    """The document of a template."""
    usable, approved = template.in_force(needs_approval=False), template.in_force(needs_approval=True)
    return {
        "name": template.name,
        "in_force": None if usable is None else usable.number,
        "in_force_approved": None if approved is None else approved.number,
        "versions": [version_of(version) for version in template.versions],
    }


def version_of(version: Version) -> dict[str, Any]:
    """The document of one version."""
    return {
        "version": version.number,
        "state": version.state,
        "reason": version.reason,
        "texts": version.texts,
        "default_locale": version.default_locale,
        "parameters": {name: attrs.asdict(parameter) for name, parameter in version.parameters.items()},
        "message_type": version.message_type,
        "created_at": instant(version.created_at),
    }


def written(version: Version, params: Mapping[str, object], locale: str) -> str:
    """The text of a message; raises :class:`Problem` that names each value that is wrong."""
    try:
        return version.write(params, locale)
    except BadValues as error:
        raise bad_values(error) from error


def bad_values(error: BadValues) -> Problem:
    """What is said of values that a template does not take: of each what it takes, and nothing of the value."""
    errors = [
        {"path": f"params.{name}" if name else "params", "detail": reason} for name, reason in error.reasons.items()
    ]
    return Problem(422, "invalid-params", "The template does not take these parameters.", errors)
