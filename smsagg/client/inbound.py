"""Messages from handsets: ``/v1/inbound``."""

from datetime import datetime

from attrs import define, field

from smsagg.client.asks import WIRE_NAME, Ask, Listing, get, place, shaped
from smsagg.client.calls import PAGE

_PATH = "/v1/inbound"


@define(frozen=True)
class InboundMessage:
    """One of them."""

    id: str
    to: str
    sender: str = field(metadata={WIRE_NAME: "from"})
    text: str | None
    """``None``: its octets are no text, or the key may not see texts."""
    body: str | None
    """Its octets in hexadecimal digits."""
    data_coding: int
    received_at: datetime
    sandbox: bool


def all(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    to: str | None = None,
    sender: str | None = None,
    after: str | None = None,
) -> Listing[InboundMessage]:
    """The oldest first; ``after`` is the id of the last one that you have."""
    sought = {"since": since, "until": until, "to": to, "from": sender, "cursor": after, "limit": PAGE}
    return Listing(get(_PATH, **sought), "messages", InboundMessage)


def look(message_id: str) -> Ask[InboundMessage]:
    return Ask(get(place(_PATH, message_id)), shaped(InboundMessage))
