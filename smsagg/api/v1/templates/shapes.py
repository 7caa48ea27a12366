"""What requests and answers about templates look like."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from smsagg.api.v1.messages.shapes import MessageType
from smsagg.templates.locales import LOCALE_CHARACTERS_MAX
from smsagg.templates.locales import PATTERN as LOCALE_PATTERN
from smsagg.templates.parameters import PLACES_MAX
from smsagg.templates.parameters import TEXT_CHARACTERS_MAX as VALUE_CHARACTERS_MAX
from smsagg.templates.template import TEXT_CHARACTERS_MAX
from smsagg.templates.wording import NAME_PATTERN

LOCALES_MAX = 50
PARAMETERS_MAX = 20
REASON_CHARACTERS_MAX = 500

Locale = Annotated[str, Field(pattern=LOCALE_PATTERN, max_length=LOCALE_CHARACTERS_MAX, examples=["de-AT"])]
State = Literal["draft", "pending", "approved", "rejected", "retired"]
ParameterName = Annotated[str, Field(pattern=NAME_PATTERN)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ParameterShape(_Strict):
    """A place in the texts, and what may be put there."""

    type: Literal["text", "integer", "decimal", "code", "date", "time", "datetime", "url", "choice"]
    max_length: Annotated[int, Field(ge=1, le=VALUE_CHARACTERS_MAX)] = 100
    """Of a text or url, in characters."""
    places: Annotated[int, Field(ge=0, le=PLACES_MAX)] = 2
    """Of a decimal."""
    choices: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)] = []
    hosts: Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(max_length=20)] = []
    """Where a url may lead; empty: anywhere."""


class NewTemplate(_Strict):
    """A version of a template."""

    texts: Annotated[
        dict[Locale, Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]],
        Field(min_length=1, max_length=LOCALES_MAX),
    ]
    """By locale; ``{name}`` is a place for a parameter, ``{{`` and ``}}`` are braces."""
    default_locale: Locale
    """Whose text stands in for a language that is not there."""
    parameters: Annotated[dict[ParameterName, ParameterShape], Field(max_length=PARAMETERS_MAX)] = {}
    message_type: MessageType | None = None
    """Of messages that say none."""
    draft: bool = False
    """Not to be used, nor looked at by who approves, until it is submitted."""


class VersionStep(_Strict):
    """Which version something is done with."""

    version: Annotated[int | None, Field(ge=1)] = None
    """``null``: the latest."""


class Approval(_Strict):
    """Which version is approved: one that was looked at, whatever came after it."""

    version: Annotated[int, Field(ge=1)]


class Rejection(VersionStep):
    """Why a version is rejected."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


class NewPreview(VersionStep):
    """Values to look at a template with."""

    params: dict[ParameterName, object] = {}
    locale: Annotated[str, Field(pattern=f"{LOCALE_PATTERN}|^$")] = ""
    """Empty: in all of its languages."""


class VersionAnswer(BaseModel):
    """One version; it never changes but for its state."""

    version: int
    state: State
    reason: str
    """Why it was rejected."""
    texts: dict[str, str]
    default_locale: str
    parameters: dict[str, ParameterShape]
    message_type: MessageType | None
    created_at: datetime


class TemplateAnswer(BaseModel):
    """A template with its versions, the oldest first."""

    name: str
    in_force: int | None
    """The version that messages are written with where no approval is needed; ``null``: none may be used."""
    in_force_approved: int | None
    """The same where approval is needed."""
    versions: list[VersionAnswer]


class TemplatesAnswer(BaseModel):
    """A page of templates, by name."""

    templates: list[TemplateAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there are no more."""


class WaitingAnswer(BaseModel):
    """A version that waits for approval."""

    account: str
    template: str
    version: VersionAnswer


class WaitingsAnswer(BaseModel):
    """A page of versions that wait for approval, by account and name."""

    waiting: list[WaitingAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there are no more."""


class LocalePreview(BaseModel):
    """One text, as it would be sent."""

    locale: str
    text: str
    alphabet: Literal["gsm7", "ucs2"]
    segments: int
    length: int
    """Septets of GSM 03.38, or 16-bit units of UCS-2."""
    remaining: int
    """How many more fit the last segment."""
    forced_by: str
    """Characters that GSM 03.38 does not have."""


class PreviewAnswer(BaseModel):
    """A text in each language that was asked for."""

    version: int
    previews: list[LocalePreview]
