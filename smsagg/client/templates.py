"""Texts that are written once and sent often: ``/v1/templates``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import define

from smsagg.client.asks import Ask, Listing, delete, get, nothing, place, post, saying, shaped

_PATH = "/v1/templates"


@define(frozen=True)
class Version:
    """One wording in all its languages; it never changes but for its state."""

    version: int
    state: str
    """draft, pending, approved, rejected, retired."""
    reason: str
    """Why it was rejected."""
    texts: dict[str, str]
    default_locale: str
    parameters: dict[str, dict[str, Any]]
    message_type: str | None
    created_at: datetime


@define(frozen=True)
class Template:
    """All versions of one name, the oldest first."""

    name: str
    in_force: int | None
    """The version that messages are written with where no approval is needed."""
    in_force_approved: int | None
    """The same where it is."""
    versions: list[Version]


@define(frozen=True)
class LocalePreview:
    """One text, as it would be sent."""

    locale: str
    text: str
    alphabet: str
    segments: int
    length: int
    remaining: int
    forced_by: str


@define(frozen=True)
class Preview:
    """A text in each language that was asked for."""

    version: int
    previews: list[LocalePreview]


def all() -> Listing[Template]:
    """Of the account, by name."""
    return Listing(get(_PATH), "templates", Template)


def look(name: str) -> Ask[Template]:
    return Ask(get(place(_PATH, name)), shaped(Template))


def put(
    name: str,
    texts: Mapping[str, str],
    *,
    default_locale: str,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    message_type: Literal["otp", "transactional", "marketing"] | None = None,
    draft: bool = False,
) -> Ask[Template]:
    """Make a template, or a new version; what says the same as the latest makes none."""
    document = {
        "texts": texts, "default_locale": default_locale, "parameters": parameters or {}, "message_type": message_type,
        "draft": draft,
    }  # fmt: skip
    return Ask(saying("PUT", place(_PATH, name), document, is_repeatable=True), shaped(Template))


def preview(name: str, params: Mapping[str, Any], *, locale: str = "", version: int | None = None) -> Ask[Preview]:
    """The texts with ``params``, in one language or in all."""
    document = {"params": params, "locale": locale, "version": version}
    return Ask(post(place(_PATH, name, "preview"), document, is_repeatable=True), shaped(Preview))


def submit(name: str, version: int | None = None) -> Ask[Template]:
    """A draft is to be used."""
    return Ask(post(place(_PATH, name, "submit"), {"version": version}), shaped(Template))


def retire(name: str, version: int | None = None) -> Ask[Template]:
    """A version is used no more."""
    return Ask(post(place(_PATH, name, "retire"), {"version": version}), shaped(Template))


def remove(name: str) -> Ask[None]:
    """With all versions."""
    return Ask(delete(place(_PATH, name)), nothing)
