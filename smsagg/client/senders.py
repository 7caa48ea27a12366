"""What an account sends from: ``/v1/senders``, ``/v1/numbers``."""

from datetime import datetime

from attrs import define

from smsagg.client.asks import Ask, Listing, delete, get, nothing, place, saying, shaped
from smsagg.client.calls import PAGE

_SENDERS = "/v1/senders"


@define(frozen=True)
class Sender:
    """A name or number that an account sends from, or wants to."""

    sender: str
    source: str
    """api or file; what the configuration file allows cannot be changed here."""
    status: str
    """pending, approved, rejected."""
    note: str
    reason: str
    """What the operator says of it."""
    asked_at: datetime | None
    decided_at: datetime | None


@define(frozen=True)
class Number:
    """A number of the inventory that the account has."""

    number: str
    country: str
    type: str
    """long, virtual, short, alphanumeric."""
    status: str
    assignment: str
    """dedicated or shared."""
    leased_until: datetime | None


def all() -> Listing[Sender]:
    return Listing(get(_SENDERS, limit=PAGE), "senders", Sender)


def ask_for(sender: str, *, note: str = "") -> Ask[Sender]:
    """Want to send from it; the operator decides."""
    return Ask(saying("PUT", place(_SENDERS, sender), {"note": note}, is_repeatable=True), shaped(Sender))


def remove(sender: str) -> Ask[None]:
    return Ask(delete(place(_SENDERS, sender)), nothing)


def numbers() -> Listing[Number]:
    return Listing(get("/v1/numbers", limit=PAGE), "numbers", Number)
