"""What the API answers, as Python objects."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import define

from smsagg.client.errors import ApiError


@define(frozen=True)
class Message:
    """A message, as it stood when it was asked for."""

    id: str
    state: str
    """scheduled, queued, sent, delivered, undelivered, expired, rejected, cancelled, accepted, unknown."""
    to: str
    sender: str
    alphabet: str
    segments: int
    price: Decimal | None
    """Of all segments together; ``None`` without a price list."""
    currency: str
    reference: str
    accepted_at: datetime
    send_at: datetime | None
    expires_at: datetime
    done_at: datetime | None
    error: str | None
    """Why it failed, in one word."""
    sandbox: bool
    """Whether it went to a simulated handset."""


@define(frozen=True)
class BatchResult:
    """What became of one message of a batch: one of the two is ``None``."""

    message: Message | None
    error: ApiError | None


@define(frozen=True)
class Event:
    """Something that happened to a message, or came from a handset."""

    id: str | None
    """``None``: nobody was told of it."""
    type: str
    """``message.delivered`` and so on."""
    timestamp: datetime
    data: dict[str, Any]


def message_of(document: dict[str, Any]) -> Message:
    price = document["price"]
    return Message(
        id=document["id"],
        state=document["state"],
        to=document["to"],
        sender=document["from"],
        alphabet=document["alphabet"],
        segments=document["segments"],
        price=None if price is None else Decimal(price["amount"]),
        currency="" if price is None else price["currency"],
        reference=document["reference"],
        accepted_at=datetime.fromisoformat(document["accepted_at"]),
        send_at=_instant(document["send_at"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
        done_at=_instant(document["done_at"]),
        error=document["error"],
        sandbox=document.get("sandbox", False),
    )


def batch_of(document: dict[str, Any]) -> list[BatchResult]:
    return [_result_of(one) for one in document["results"]]


def event_of(document: dict[str, Any]) -> Event:
    return Event(
        document["id"], document["type"], datetime.fromisoformat(document["timestamp"]), document.get("data", {})
    )


def _result_of(document: dict[str, Any]) -> BatchResult:
    problem = document["problem"]
    if problem is not None:
        return BatchResult(None, ApiError(problem["status"], problem))
    return BatchResult(message_of(document["message"]), None)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
