"""What is told of an event, as JSON: whose it is, where it stands, and never the text of what was sent."""

from datetime import UTC, datetime
from typing import Protocol

import orjson

from smsagg.config.sandbox import SANDBOX
from smsagg.events.kinds import WORDS
from smsagg.model import CarrierMo, Cause, Event, Message, MessageState
from smsagg.smpp.concatenation import UDHI
from smsagg.text import text_of


def message_document(message: Message, state: MessageState, error_code: int) -> bytes:
    """A message that came to ``state``. It says nothing of its text."""
    document = {
        "id": message.message_id,
        "to": message.destination_addr,
        "from": message.source_addr,
        "reference": message.reference,
        "message_class": message.message_class,
        "country": message.country,
        "network": message.network,
        "accepted_at": instant(message.accepted_at),
        "state": WORDS[state],
        "error": None if message.cause is Cause.NONE else message.cause.name.lower(),
        "error_code": error_code or None,
        "sandbox": message.is_sandbox,
    }
    return orjson.dumps(document)


def inbound_document(mo: CarrierMo, carrier: str, now: int) -> bytes:
    """A message from a handset; ``text`` is ``None`` when its octets are no text, which ``body`` has in any case."""
    document = {
        "to": mo.destination_addr,
        "from": mo.source_addr,
        "text": text_of(mo.body, mo.data_coding, bool(mo.esm_class & UDHI)),
        "body": mo.body.hex(),
        "data_coding": mo.data_coding,
        "sandbox": carrier == SANDBOX,
        "received_at": instant(now),
    }
    return orjson.dumps(document)


def opted_document(recipient: str, sender: str, keyword: str) -> bytes:
    """That somebody wants to hear nothing more, or something again."""
    return orjson.dumps({"recipient": recipient, "sender": sender or None, "keyword": keyword or None})


class LentNumber(Protocol):
    """What is told of a number that an account has or had."""

    @property
    def address(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def pool(self) -> str: ...
    @property
    def assignment(self) -> str: ...
    @property
    def leased_until(self) -> int: ...


def number_document(number: LentNumber) -> bytes:
    """A number, as its account may know it: nothing of its provider or cost, or of whom else it belongs to."""
    document = {
        "number": number.address,
        "country": number.country,
        "number_type": str(number.type),
        "pool": number.pool or None,
        "assignment": number.assignment or None,
        "leased_until": instant(number.leased_until) if number.leased_until else None,
    }
    return orjson.dumps(document)


def alert_document(what: str, subject: str, detail: str) -> bytes:
    """Something that people should look at."""
    return orjson.dumps({"alert": what, "subject": subject, "detail": detail})


def envelope_of(event: Event) -> bytes:
    """The event as it is sent: ``type``, ``timestamp``, ``id``, ``data`` (Standard Webhooks, section Payload)."""
    head = orjson.dumps({"type": event.kind, "id": name_of(event.event_id), "timestamp": instant(event.at)})
    return b'%s,"data":%s}' % (head[:-1], event.document)


def name_of(event_id: int) -> str:
    """What receivers know an event by."""
    return f"evt_{event_id:012x}"


def instant(at: int) -> str:
    """UTC milliseconds as RFC 3339."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
