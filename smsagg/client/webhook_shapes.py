"""Webhooks and messages from handsets, as Python objects."""

from datetime import datetime
from typing import Any

from attrs import define, field


@define(frozen=True)
class Health:
    """How a webhook stands."""

    state: str
    """ok, failing, disabled."""
    disabled_for: str | None
    """gone (it answered 410), failing (it took nothing for too long), asked."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    failing_since: datetime | None
    pending: int
    """Events that it is owed; 1,000: so many or more."""


@define(frozen=True)
class Webhook:
    """An endpoint that is told what happens."""

    name: str
    source: str
    """``file``: it stands in the server's configuration, and is changed there; ``api``."""
    url: str
    events: tuple[str, ...]
    rate: float | None
    concurrency: int
    batch_max: int
    health: Health
    secret: str | None = field(default=None, repr=False)
    """In the answer that made it."""


@define(frozen=True)
class Secret:
    """One that is shown once."""

    secret: str = field(repr=False)
    old_secret_until: datetime | None
    """So long the one before signs too."""


@define(frozen=True)
class Inbound:
    """A message from a handset."""

    id: str
    """Go on behind it with ``after``."""
    to: str
    sender: str
    text: str | None
    """``None``: it is no text, or the key does not see texts."""
    body: bytes | None
    data_coding: int
    received_at: datetime
    sandbox: bool


def webhook_of(document: dict[str, Any]) -> Webhook:
    health = document["health"]
    return Webhook(
        name=document["name"],
        source=document["source"],
        url=document["url"],
        events=tuple(document["events"]),
        rate=document["rate"],
        concurrency=document["concurrency"],
        batch_max=document["batch_max"],
        health=Health(
            state=health["state"],
            disabled_for=health["disabled_for"],
            last_success_at=_instant(health["last_success_at"]),
            last_failure_at=_instant(health["last_failure_at"]),
            last_error=health["last_error"],
            failing_since=_instant(health["failing_since"]),
            pending=health["pending"],
        ),
        secret=document.get("secret"),
    )


def secret_of(document: dict[str, Any]) -> Secret:
    return Secret(document["secret"], _instant(document["old_secret_until"]))


def inbound_of(document: dict[str, Any]) -> Inbound:
    return Inbound(
        id=document["id"],
        to=document["to"],
        sender=document["from"],
        text=document["text"],
        body=None if document["body"] is None else bytes.fromhex(document["body"]),
        data_coding=document["data_coding"],
        received_at=datetime.fromisoformat(document["received_at"]),
        sandbox=document["sandbox"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
