"""Endpoints that are told what happens: ``/v1/webhooks``, ``/v1/callback-secret``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import define, field

from smsagg.client.asks import Ask, Listing, delete, get, nothing, place, post, saying, shaped

_PATH, _CALLBACKS = "/v1/webhooks", "/v1/callback-secret"


@define(frozen=True)
class Health:
    """How an endpoint stands."""

    state: str
    """ok, failing, disabled."""
    disabled_for: str | None
    """gone (it answered 410), failing (for too long), asked."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    failing_since: datetime | None
    pending: int
    """Events that it is owed; 1000: so many or more."""


@define(frozen=True)
class Webhook:
    """An endpoint."""

    name: str
    source: str
    """api or file; what the configuration file has cannot be changed here."""
    url: str
    events: list[str]
    rate: float | None
    concurrency: int
    batch_max: int
    """Events in one request, where the endpoint wants that; see :func:`~smsagg.client.verify_webhooks`."""
    old_secret_until: datetime | None
    health: Health


@define(frozen=True)
class NewWebhook(Webhook):
    """One that was just made."""

    secret: str = field(repr=False)
    """Shown this once; give it to :func:`~smsagg.client.verify_webhook`."""


@define(frozen=True)
class Secret:
    """A new secret, shown this once."""

    secret: str = field(repr=False)
    old_secret_until: datetime | None


@define(frozen=True)
class CallbackSecret:
    """The secret for callbacks, without itself."""

    source: str
    created_at: datetime | None
    old_secret_until: datetime | None


@define(frozen=True)
class Tested:
    """The event that is on its way."""

    event: str


@define(frozen=True)
class Replayed:
    """What a replay did."""

    owed: int
    next_cursor: str | None
    """There are more: replay again with it."""


def all() -> Listing[Webhook]:
    """Of the account."""
    return Listing(get(_PATH), "webhooks", Webhook)


def look(name: str) -> Ask[Webhook]:
    return Ask(get(place(_PATH, name)), shaped(Webhook))


def create(
    name: str,
    url: str,
    *,
    events: Sequence[str] | None = None,
    rate: float | None = None,
    concurrency: int | None = None,
    batch_max: int | None = None,
    secret: str | None = None,
) -> Ask[NewWebhook]:
    """Tell ``url`` of ``events`` (default: of everything) from now on."""
    document = {
        "name": name, "url": url, "events": events, "rate": rate, "concurrency": concurrency,
        "batch_max": batch_max, "secret": secret,
    }  # fmt: skip
    return Ask(post(_PATH, document), shaped(NewWebhook))


def change(name: str, **members: Any) -> Ask[Webhook]:
    """Other ``url``, ``events``, ``rate`` (``None``: as many as it takes), ``concurrency`` or ``batch_max``."""
    return Ask(saying("PATCH", place(_PATH, name), members, is_repeatable=True), shaped(Webhook))


def remove(name: str) -> Ask[None]:
    return Ask(delete(place(_PATH, name)), nothing)


def rotate_secret(name: str, *, secret: str | None = None, overlap_s: int | None = None) -> Ask[Secret]:
    """The old one signs too for ``overlap_s`` more (default: a day)."""
    return Ask(post(place(_PATH, name, "rotate-secret"), {"secret": secret, "overlap_s": overlap_s}), shaped(Secret))


def enable(name: str) -> Ask[Webhook]:
    return Ask(post(place(_PATH, name, "enable"), is_repeatable=True), shaped(Webhook))


def disable(name: str) -> Ask[Webhook]:
    """What happens meanwhile is owed to it."""
    return Ask(post(place(_PATH, name, "disable"), is_repeatable=True), shaped(Webhook))


def test(name: str) -> Ask[Tested]:
    """Have it told of a ``webhook.test``."""
    return Ask(post(place(_PATH, name, "test")), shaped(Tested))


def replay(
    name: str,
    since: datetime,
    *,
    until: datetime | None = None,
    types: Sequence[str] | None = None,
    cursor: str | None = None,
) -> Ask[Replayed]:
    """Have it told again of what happened in a span."""
    document = {"since": since, "until": until, "types": types, "cursor": cursor}
    return Ask(post(place(_PATH, name, "replay"), document), shaped(Replayed))


def callback_secret() -> Ask[CallbackSecret]:
    return Ask(get(_CALLBACKS), shaped(CallbackSecret))


def rotate_callback_secret(*, secret: str | None = None, overlap_s: int | None = None) -> Ask[Secret]:
    """What signs for the ``callback_url`` of messages; the first one, too, is made so."""
    return Ask(post(_CALLBACKS, {"secret": secret, "overlap_s": overlap_s}), shaped(Secret))
