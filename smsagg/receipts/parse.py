"""What a carrier's receipt says: its TLVs and its text, read by the rules of that carrier.

Theory of operation. A receipt names a message (``receipted_message_id`` TLV, or ``id:``) and a state
(``message_state`` TLV, or ``stat:``); without both it is none. A strict pattern takes the common form of the text in
one go, and a field scanner the rest: any field missing, in any order or case, ``submitdate``, commas between fields,
names and signs of the carrier's own. Both are anchored: the text must begin with a field, and the scan ends at the
``text:`` field, whose contents come from the customer or the handset and are never believed. The scan reads at most
``HEADER_OCTETS_MAX`` octets, once. A text in UCS-2 is read like any other.

States. A word or code that is final is taken as such; ENROUTE, ACCEPTD, UNKNOWN and words that nobody defined become
ENROUTE, which says nothing final: the message ends by a later receipt, or as UNKNOWN when none comes in time.
"""

import re
from collections.abc import Sequence

from attrs import define

from smsagg.model import Cause, MessageState
from smsagg.receipts.dates import parse_date
from smsagg.receipts.dialect import ID_OCTETS_MAX
from smsagg.receipts.rules import STANDARD, ReceiptRules

TAG_NETWORK_ERROR_CODE = 0x0423
TAG_MESSAGE_PAYLOAD = 0x0424
TAG_MESSAGE_STATE = 0x0427

HEADER_OCTETS_MAX = 512
"""The fields before the text stand within so many octets; appendix B needs 150."""

_ERR_DIGITS_MAX = 8
_NETWORK_ERROR_CODE_OCTETS = 3
"""A network type, and two octets of code (SMPP 3.4 §5.3.2.31)."""

_STATE_CODES: dict[int, MessageState] = {
    2: MessageState.DELIVERED,
    3: MessageState.EXPIRED,
    4: MessageState.DELETED,
    5: MessageState.UNDELIVERABLE,
    8: MessageState.REJECTED,
    9: MessageState.UNDELIVERABLE,  # SKIPPED (SMPP 5.0 §4.7.15)
}
"""``message_state`` TLV; every other code is ENROUTE, for the same reasons as the words."""

_STRICT = re.compile(
    rb"id:([!-~]{1,65}) sub:[0-9]{1,5} dlvrd:[0-9]{1,5} submit date:[0-9]{1,16} done date:([0-9]{1,16}) "
    rb"stat:([A-Za-z]{1,16}) err:([0-9]{1,8})(?: [Tt]ext:|$)"
)
_DATE = re.compile(
    rb"[ ]?((?:[0-9]{2,4}[-/.][0-9]{2}[-/.][0-9]{2,4}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    rb"|[0-9]{10,14}(?=[ ]?(?:Z|UTC|GMT|[+-])))(?:[ ]?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)(?![0-9A-Za-z]))?)",
    re.IGNORECASE,
)
"""A date whose signs may be separators elsewhere."""
_TEXT_FIELD = re.compile(rb"\b(?:text|msg|message|body|content)[ ]?[:=]", re.IGNORECASE)
"""Where the customer's words begin, whatever a carrier calls them; for :func:`header_of`, which must show none."""
_DELIVERED, _ENROUTE = MessageState.DELIVERED, MessageState.ENROUTE
_NO_CAUSE = Cause.NONE


@define
class ParsedReceipt:
    """A carrier's report, normalised."""

    carrier_message_id: str
    state: MessageState
    """ENROUTE when the report is not final."""
    error_code: int
    """0 when absent or not a decimal number."""
    done_at: int
    """UTC ms, 0 when absent or unreadable."""
    ids_differ: bool
    """The TLV and the text named different messages; the one that the rules name first was believed."""
    raw_id: str
    """As the carrier wrote it."""
    cause: Cause
    """Why it failed; NONE when it did not, or not yet."""
    unknown_state: str = ""
    """The word of ``stat`` when no table knows it and no TLV says the state."""


def parse_receipt(
    body: bytes, tlvs: Sequence[tuple[int, bytes]] = (), rules: ReceiptRules = STANDARD
) -> ParsedReceipt | None:
    """Read a deliver_sm or data_sm as a receipt; ``None`` when it names no message or no state.

    ``body`` is short_message, or empty when the text is in ``message_payload``. Never raises, whatever the octets.
    Whether the PDU may be a receipt at all (``esm_class``, SMPP 3.4 §5.2.12) is for the caller to decide first.
    """
    if not body:
        body = next((value for tag, value in tlvs if tag == TAG_MESSAGE_PAYLOAD), b"")
    strict = _STRICT.match(body) if rules.is_common else None
    state: MessageState | None = None
    unknown_state = ""
    if strict is not None:
        text_id, done_date, stat, err = str(b" ".join(strict.groups()), "ascii").split(" ")
        state = rules.states.get(stat.upper())
        if state is None:
            state, unknown_state = _ENROUTE, stat
    else:
        fields = _scan_fields(body, rules)
        text_id, done_date, stat, err = (fields.get(name, "") for name in ("id", "done_date", "stat", "err"))
        if "stat" in fields:
            state = rules.states.get(stat.upper())
            if state is None:
                state, unknown_state = _ENROUTE, stat
    tlv_id, error_code = "", 0
    for tag, value in reversed(tlvs):
        if tag == rules.id_tlv:
            tlv_id = _c_octet_string(value)
        elif tag == TAG_MESSAGE_STATE and len(value) == 1:
            state, unknown_state = _STATE_CODES.get(value[0], _ENROUTE), ""
        elif tag == TAG_NETWORK_ERROR_CODE and len(value) == _NETWORK_ERROR_CODE_OCTETS:
            error_code = int.from_bytes(value[1:], "big")
            err = str(error_code)
    if state is None:
        return None
    if (tlv_id and text_id and tlv_id != text_id) or not rules.is_id_anywhere:
        raw_id, message_id, ids_differ = _id_of(tlv_id, text_id, rules)
    else:
        raw_id, ids_differ = tlv_id or text_id, False
        message_id = rules.ids.of_receipt(raw_id)
    if not message_id:
        return None
    if not error_code and 0 < len(err) <= _ERR_DIGITS_MAX and err.isascii() and err.isdecimal():
        error_code = int(err)
    cause = _NO_CAUSE if state is _DELIVERED or state is _ENROUTE else rules.cause_of(err, state)
    done_at = parse_date(done_date, rules.zone, rules.dates)
    return ParsedReceipt(message_id, state, error_code, done_at, ids_differ, raw_id, cause, unknown_state)


def is_receipt_by_content(body: bytes, tlvs: Sequence[tuple[int, bytes]], rules: ReceiptRules) -> bool:
    """Whether a PDU whose esm_class says nothing reads as a receipt: id and state in TLVs, or id, state and done date
    as fields at the beginning of its text. Proof of nothing, since anybody can write that."""
    tags = {tag for tag, _ in tlvs}
    if rules.id_tlv in tags and TAG_MESSAGE_STATE in tags:
        return True
    if not body:
        body = next((value for tag, value in tlvs if tag == TAG_MESSAGE_PAYLOAD), b"")
    fields = _scan_fields(body, rules)
    return all(fields.get(name) for name in ("id", "stat", "done_date"))


def header_of(body: bytes) -> bytes:
    """The fields of a receipt's text without the customer's words behind ``text:``, at most ``HEADER_OCTETS_MAX``."""
    body = _single_octets(body)[:HEADER_OCTETS_MAX]
    text = _TEXT_FIELD.search(body)
    return body if text is None else body[: text.end()]


def header_octets(body: bytes) -> int:
    """How many octets of ``body`` :func:`header_of` shows; of UCS-2 two for each that it returns."""
    width = 1 if _single_octets(body) is body else 2
    return len(header_of(body)) * width


def _id_of(tlv_id: str, text_id: str, rules: ReceiptRules) -> tuple[str, str, bool]:
    """The id that is believed, as written and normalised, and whether another one was named beside it."""
    normalise = rules.ids.of_receipt
    named = {"tlv": tlv_id, "text": text_id}
    for source in rules.id_from:
        message_id = normalise(named[source])
        if message_id:
            other = normalise(tlv_id if source == "text" else text_id)
            return named[source], message_id, bool(other) and other != message_id
    return "", "", False


def _scan_fields(body: bytes, rules: ReceiptRules) -> dict[str, str]:
    """The fields before ``text:``, the first of each name; nothing unless the body begins with a field."""
    fields: dict[str, str] = {}
    body = _single_octets(body)
    find, separators = rules.separated.match, rules.separators.encode("latin-1")
    position, end = 0, min(len(body), HEADER_OCTETS_MAX)
    while (found := find(body, position, end)) is not None:
        name = rules.meaning_of(found.group(1))
        if name == "text":
            break
        dated = _DATE.match(body, found.end(), end) if name.endswith("date") else None
        if dated is not None:
            written, position = dated.group(1), dated.end()
        else:
            value = rules.value.match(body, found.end(), end)
            if value is not None and not value.group() and find(body, found.end(), end) is None:
                value = rules.word.match(body, found.end(), end)  # "stat: DELIVRD"
            assert value is not None, "a pattern that matches the empty string"
            written, position = value.group().strip(separators), value.end()
        fields.setdefault(name, written.decode("latin-1"))
        position = _next_field(body, position, end, rules)
    return fields


def _single_octets(body: bytes) -> bytes:
    """A text of ASCII in UCS-2, of either byte order, as ASCII; every other body as it is."""
    if len(body) < 4 or len(body) % 2 or (body[0] and body[1]):
        return body
    high, low = (body[::2], body[1::2]) if not body[0] else (body[1::2], body[::2])
    head = high[:8]
    return low.replace(b"\0", b"?") if not any(head) and all(low[:4]) else body


def _next_field(body: bytes, position: int, end: int, rules: ReceiptRules) -> int:
    """Where the next field begins: words that begin none (a vendor's own) are skipped."""
    while position < end and rules.separated.match(body, position, end) is None:
        word = rules.word.match(body, position, end)
        assert word is not None, "a pattern that matches the empty string"
        position = word.end()
    return position


def _c_octet_string(value: bytes) -> str:
    text = value.split(b"\0", 1)[0].decode("latin-1")
    return text if len(text) <= ID_OCTETS_MAX else ""
