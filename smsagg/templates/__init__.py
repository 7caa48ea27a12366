"""Texts that are written once and sent often: typed parameters, languages, versions, approval. Pure."""

from smsagg.templates.locales import is_locale
from smsagg.templates.parameters import Parameter
from smsagg.templates.preview import Preview, preview
from smsagg.templates.records import template_from_record, template_record
from smsagg.templates.template import (
    BadStep,
    BadValues,
    Step,
    Template,
    Version,
    VersionState,
    check_version,
)
from smsagg.templates.wording import BadWording

__all__ = [
    "BadStep",
    "BadValues",
    "BadWording",
    "Parameter",
    "Preview",
    "Step",
    "Template",
    "Version",
    "VersionState",
    "check_version",
    "is_locale",
    "preview",
    "template_from_record",
    "template_record",
]
