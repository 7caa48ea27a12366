"""A template: versions that never change, of which the latest that may be used is in force.

Theory of operation. A version is made once, with all its texts. What changes is its state, by :data:`STEPS`; what is
absent there is illegal::

    draft ──submit──▶ pending ──approve──▶ approved
      │                  ├────reject────▶ rejected
      └──────retire──────┴─────retire (approved too)──────▶ retired

A version that is *pending* is used where nobody asks for approval; where the country does, only an *approved* one is.
Of those that may be used the latest is in force, so that retiring it goes back to the one before.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs
from attrs import define, field

from smsagg.templates.locales import fallbacks
from smsagg.templates.parameters import BadValue, Parameter
from smsagg.templates.wording import BadWording, Wording, read_wording

VERSIONS_MAX = 50
"""Kept of a template; beyond, the oldest that is rejected or retired is forgotten."""
TEXTS_CHARACTERS_MAX = 200_000
"""Of all texts of all versions; beyond, likewise."""
TEXT_CHARACTERS_MAX = 2_000
RENDERED_CHARACTERS_MAX = 4_000


class VersionState(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"


class Step(StrEnum):
    """What may be done to a version."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    RETIRE = "retire"


STEPS: Mapping[tuple[VersionState, Step], VersionState] = {
    (VersionState.DRAFT, Step.SUBMIT): VersionState.PENDING,
    (VersionState.DRAFT, Step.RETIRE): VersionState.RETIRED,
    (VersionState.PENDING, Step.APPROVE): VersionState.APPROVED,
    (VersionState.PENDING, Step.REJECT): VersionState.REJECTED,
    (VersionState.PENDING, Step.RETIRE): VersionState.RETIRED,
    (VersionState.APPROVED, Step.RETIRE): VersionState.RETIRED,
}
_OVER = (VersionState.REJECTED, VersionState.RETIRED)


class BadStep(ValueError):
    """What cannot be done to a version as it stands."""


@define(frozen=True)
class Version:
    """One wording of a template in all its languages."""

    number: int
    texts: Mapping[str, str]
    """By locale."""
    default_locale: str
    """Whose text stands in for a language that is not there."""
    parameters: Mapping[str, Parameter]
    message_type: str | None
    created_at: int
    """UTC milliseconds."""
    state: VersionState
    reason: str = ""
    """Why it was rejected."""
    wordings: Mapping[str, Wording] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "wordings", {locale: read_wording(text) for locale, text in self.texts.items()})

    def locale_for(self, wanted: str) -> str:
        """The locale of the text that ``wanted`` (``""``: any) gets."""
        return next(locale for locale in fallbacks(wanted, self.default_locale) if locale in self.texts)

    def write(self, values: Mapping[str, object], locale: str) -> str:
        """The text for ``locale`` with ``values``; raises :class:`BadValues` that names every one that is wrong."""
        found = self.locale_for(locale)
        reasons = {name: "the template has no such parameter" for name in values if name not in self.parameters}
        written: dict[str, str] = {}
        for name, parameter in self.parameters.items():
            if name not in values:
                reasons[name] = "is missing"
                continue
            try:
                written[name] = parameter.write(values[name], found)
            except BadValue as error:
                reasons[name] = str(error)
        if reasons:
            raise BadValues(reasons)
        text = self.wordings[found].filled(written)
        if len(text) > RENDERED_CHARACTERS_MAX:
            raise BadValues({"": f"the text would have more than {RENDERED_CHARACTERS_MAX} characters"})
        return text

    def stepped(self, step: Step, reason: str = "") -> "Version":
        """After ``step``; raises :class:`BadStep`."""
        state = STEPS.get((self.state, step))
        if state is None:
            raise BadStep(f"version {self.number} is {self.state}")
        return attrs.evolve(self, state=state, reason=reason)

    def is_like(self, other: "Version") -> bool:
        """Whether both say the same."""
        return _said(self) == _said(other)


class BadValues(ValueError):
    """Values that a template does not take."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        """``reasons``: by parameter; ``""``: all together."""
        super().__init__("; ".join(f"{name}: {reason}" if name else reason for name, reason in reasons.items()))
        self.reasons = reasons


@define(frozen=True)
class Template:
    """All versions of one name, the oldest first; at least one."""

    name: str
    versions: tuple[Version, ...]

    @cached_property
    def characters(self) -> int:
        """Of all texts of all versions."""
        return _characters(self.versions)

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    def in_force(self, needs_approval: bool) -> Version | None:
        """The version that messages are written with."""
        usable = (VersionState.APPROVED,) if needs_approval else (VersionState.APPROVED, VersionState.PENDING)
        return next((version for version in reversed(self.versions) if version.state in usable), None)

    def version(self, number: int) -> Version | None:
        return next((version for version in self.versions if version.number == number), None)

    def with_version(self, version: Version) -> "Template":
        """With one version more; raises :class:`BadStep` when there are too many that are still of use."""
        versions = list(self.versions)
        while len(versions) >= VERSIONS_MAX or _characters([*versions, version]) > TEXTS_CHARACTERS_MAX:
            over = next((old for old in versions if old.state in _OVER), None)
            if over is None:
                raise BadStep(f"it has {len(versions)} versions, and no room for one more; retire one")
            versions.remove(over)
        return attrs.evolve(self, versions=(*versions, version))

    def stepped(self, number: int, step: Step, reason: str = "") -> "Template":
        """After ``step`` of its version ``number``, which there is; raises :class:`BadStep`."""
        versions = (v.stepped(step, reason) if v.number == number else v for v in self.versions)
        return attrs.evolve(self, versions=tuple(versions))


def check_version(texts: Mapping[str, str], default_locale: str, parameters: Mapping[str, Parameter]) -> None:
    """Whether these make a version: raises :class:`BadWording` that says what is wrong."""
    if default_locale not in texts:
        raise BadWording(f"there is no text for {default_locale}, the default locale")
    for locale, text in texts.items():
        try:
            names = read_wording(text).names
        except BadWording as error:
            raise BadWording(f"{locale}: {error}") from error
        unknown = sorted(names - parameters.keys())
        if unknown:
            raise BadWording(f'{locale}: "{{{unknown[0]}}}" is none of the parameters')
        unused = sorted(parameters.keys() - names)
        if unused:
            raise BadWording(f"{locale}: the parameter {unused[0]} has no place")
    for name, parameter in parameters.items():
        if parameter.type == "choice" and not parameter.choices:
            raise BadWording(f"the parameter {name} has no choices")


def _characters(versions: Sequence[Version]) -> int:
    return sum(len(text) for version in versions for text in version.texts.values())


def _said(version: Version) -> tuple[Any, ...]:
    return dict(version.texts), version.default_locale, dict(version.parameters), version.message_type
