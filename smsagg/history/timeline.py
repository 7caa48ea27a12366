"""The life of one message as events in their order, and as a document for programs.

Numbers and texts of people are masked unless they are asked for.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from smsagg.config.amounts import format_micros
from smsagg.model import ChargeOn, Delivery, Message, MessageState
from smsagg.model.trail import read_trail
from smsagg.observe.log import HIDDEN, masked
from smsagg.reports.tally import ENDS
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import name_of
from smsagg.text.decode import text_of

_STATES = {state: word for word, state in ENDS.items()} | {
    MessageState.QUEUED: "waiting",
    MessageState.SENDING: "being sent",
    MessageState.ENROUTE: "with the carrier",
}
_OWED_FOR = {
    ChargeOn.NOTHING: "never",
    ChargeOn.SUBMITTED: "once a carrier has it",
    ChargeOn.DELIVERED: "when delivered",
}
_KINDS = ("receipt", "intermediate notification", "message from a handset")


class Event(NamedTuple):
    """Something that happened, or is to happen, at an instant (UTC milliseconds)."""

    at_ms: int
    what: str
    details: str


class Shown(NamedTuple):
    """What of people may be shown."""

    numbers: bool = False
    bodies: bool = False

    def number(self, address: str) -> str:
        """An address."""
        return address if self.numbers else masked(address)

    def text(self, message: Message, is_redacted: bool) -> str:
        """A message's text."""
        if is_redacted:
            return "(taken out)"
        if not self.bodies:
            return HIDDEN
        text = text_of(message.body, message.data_coding, bool(message.esm_class & UDHI))
        return f"(binary) {message.body.hex()}" if text is None else text


def events_of(message: Message, deliveries: Sequence[Delivery], shown: Shown, currency: str) -> list[Event]:
    """From acceptance to what is still owed; ``currency`` is the base currency."""
    accepted = message.accepted_at
    events = [
        Event(accepted, "accepted", _accepted(message, shown)),
        Event(accepted, "routed", _routed(message)),
    ]
    if message.price:
        owed = f"price {format_micros(message.price)}, owed {_OWED_FOR[message.charge_on]}"
        events.append(Event(accepted, "priced", f"{owed}; {format_micros(message.revenue)} {currency}"))
    if message.not_before > accepted:
        events.append(Event(message.not_before, "due", "not to be sent before"))
    for line in read_trail(message.trail):
        if not line.link:
            events.append(Event(accepted + line.after_ms, "noted", line.reason))
            continue
        why = f" ({line.reason})" if line.reason else ""
        outcome = line.outcome or "no outcome yet"
        events.append(Event(accepted + line.after_ms, "attempt", f"{line.link}{why}: {outcome}"))
    if message.carrier_message_id:
        latest = events[-1].at_ms
        events.append(Event(latest, "taken", f"by {message.carrier} as {message.carrier_message_id}"))
    if message.done_at:
        events.append(Event(message.done_at, "over", _end(message)))
        if message.cost or message.charged:
            events.append(Event(message.done_at, "settled", _settled(message, currency)))
    for delivery in deliveries:
        owed = f"{_KINDS[delivery.kind]} to {delivery.account}, {_attempts(delivery.attempts)}"
        events.append(Event(delivery.created_at, "owed", owed))
    return sorted(events, key=lambda event: event.at_ms)


def document_of(
    message: Message, deliveries: Sequence[Delivery], shown: Shown, currency: str, redacted: int
) -> dict[str, Any]:
    """The same for programs: instants in UTC milliseconds, money as decimal strings."""
    group = message.group
    return {
        "message_id": message.message_id,
        "seq": message.seq,
        "account": message.account,
        "message_class": message.message_class,
        "tag": message.tag,
        "origin": message.origin,
        "reference": message.reference,
        "source_addr": shown.number(message.source_addr),
        "destination_addr": shown.number(message.destination_addr),
        "country": message.country,
        "network": message.network,
        "text": shown.text(message, bool(redacted & 1)),
        "state": _STATES[message.state],
        "cause": message.cause.name.lower(),
        "error_code": message.error_code,
        "accepted_at": message.accepted_at,
        "not_before": message.not_before,
        "expires_at": message.expires_at,
        "done_at": message.done_at or None,
        "route": message.route,
        "pool": message.pool,
        "sandbox": message.is_sandbox,
        "carrier": message.carrier,
        "carrier_message_id": message.carrier_message_id,
        "attempts": message.attempts,
        "trail": [line._asdict() for line in read_trail(message.trail)],
        "price": format_micros(message.price),
        "charged": format_micros(message.charged),
        "revenue": format_micros(message.revenue),
        "cost": format_micros(message.cost),
        "margin": format_micros(margin_of(message)),
        "currency": currency,
        "part": None
        if group is None
        else {"number": message.part_number, "total": group.parts_total, "group_id": group.message_id},
        "deliveries": [
            {
                "kind": _KINDS[delivery.kind],
                "created_at": delivery.created_at,
                "expires_at": delivery.expires_at,
                "attempts": delivery.attempts,
                "next_attempt_at": delivery.next_attempt_at or None,
            }
            for delivery in deliveries
        ],
    }


def state_word(message: Message) -> str:
    """Where it stands."""
    return _STATES[message.state]


def margin_of(message: Message) -> int:
    """What was charged for it, less what it cost, in micros of the base currency."""
    return (message.revenue if message.charged else 0) - message.cost


def _accepted(message: Message, shown: Shown) -> str:
    tag = f", tag {message.tag}" if message.tag else ""
    reference = f", reference {message.reference}" if message.reference else ""
    place = " ".join(filter(None, (message.country or "unknown country", message.network)))
    return (
        f"from {message.account} by {message.origin}, class {message.message_class}{tag}{reference}; "
        f"{shown.number(message.source_addr)} to {shown.number(message.destination_addr)} ({place})"
    )


def _routed(message: Message) -> str:
    if message.is_sandbox:
        return "its account is a sandbox: to a simulated handset"
    how = f"by rule {message.route}" if message.route else "by country"
    return f"{how} to pool {message.pool}"


def _end(message: Message) -> str:
    took = (message.done_at - max(message.accepted_at, message.not_before)) / 1000
    cause = f", {message.cause.name.lower().replace('_', ' ')}" if message.cause else ""
    is_refusal = message.state is MessageState.REJECTED and not message.carrier_message_id
    error = f", error {name_of(message.error_code) if is_refusal else message.error_code}" if message.error_code else ""
    return f"{_STATES[message.state]}{cause}{error} after {took:.3f} s and {_attempts(message.attempts)}"


def _settled(message: Message, currency: str) -> str:
    return (
        f"charged {format_micros(message.charged)}; cost {format_micros(message.cost)} {currency}, "
        f"margin {format_micros(margin_of(message))} {currency}"
    )


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"
