"""What a carrier's receipt says: its TLVs first, then its text, in whatever dialect the carrier writes.

Theory of operation. A receipt names a message (``receipted_message_id`` TLV, or ``id:``) and a state
(``message_state`` TLV, or ``stat:``); without both it is none. The text of SMPP 3.4 appendix B is a recommendation
that carriers follow loosely, so a strict pattern takes the common form in one go, and a field scanner the rest: any
field missing, in any order or case, ``submitdate``, commas between fields. Both are anchored: the text must begin with
a field, and the scan ends at the ``text:`` field, whose contents come from the customer or the handset and are never
believed. The scan reads at most ``HEADER_OCTETS_MAX`` octets, once.

States. A word or code that is final is taken as such; ENROUTE, ACCEPTD, UNKNOWN and words that nobody defined become
ENROUTE, which says nothing final: the message ends by a later receipt, or as UNKNOWN when none comes in time.
"""

import re
from collections.abc import Mapping, Sequence

from attrs import define

from smsagg.model import MessageState
from smsagg.receipts.dates import parse_date
from smsagg.receipts.dialect import AS_IS, IdDialect

TAG_RECEIPTED_MESSAGE_ID = 0x001E
TAG_NETWORK_ERROR_CODE = 0x0423
TAG_MESSAGE_PAYLOAD = 0x0424
TAG_MESSAGE_STATE = 0x0427

HEADER_OCTETS_MAX = 512
"""The fields before the text stand within so many octets; appendix B needs 150."""

_ERR_DIGITS_MAX = 8
_NETWORK_ERROR_CODE_OCTETS = 3
"""A network type, and two octets of code (SMPP 3.4 §5.3.2.31)."""

STATE_WORDS: dict[str, MessageState] = {
    "DELIVRD": MessageState.DELIVERED,
    "DELIVERED": MessageState.DELIVERED,
    "DELIVERD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "EXPIRD": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "CANCELED": MessageState.DELETED,
    "CANCELLED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "UNDELIVRD": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
    "FAIL": MessageState.UNDELIVERABLE,
    "REJECTD": MessageState.REJECTED,
    "REJECTED": MessageState.REJECTED,
    "ENROUTE": MessageState.ENROUTE,
    "ACCEPTD": MessageState.ENROUTE,
    "ACCEPTED": MessageState.ENROUTE,
    "UNKNOWN": MessageState.ENROUTE,
    "BUFFERD": MessageState.ENROUTE,
    "BUFFERED": MessageState.ENROUTE,
    "SCHEDULED": MessageState.ENROUTE,
}
"""``stat`` in upper case; every other word is ENROUTE."""

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
_SEPARATORS = b" \t\r\n\0,;|"
_FIELD = re.compile(
    rb"[ \t\r\n\0,;|]*+(id|sub|dlvrd|submit[ _]*date|done[ _]*date|stat(?:us)?|err(?:or)?|text)[ ]?:",
    re.IGNORECASE,
)
_VALUE = re.compile(rb"[^ \t\r\n\0,;|]*+")
_WORD = re.compile(rb"[ \t\r\n\0,;|]*+[^ \t\r\n\0,;|]*+")


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
    """The TLV and the text named different messages; the TLV was believed."""


def parse_receipt(
    body: bytes,
    tlvs: Sequence[tuple[int, bytes]] = (),
    dialect: IdDialect = AS_IS,
    state_words: Mapping[str, MessageState] = STATE_WORDS,
) -> ParsedReceipt | None:
    """Read a deliver_sm or data_sm as a receipt; ``None`` when it names no message or no state.

    ``body`` is short_message, or empty when the text is in ``message_payload``. Never raises, whatever the octets.
    Whether the PDU may be a receipt at all (``esm_class``, SMPP 3.4 §5.2.12) is for the caller to decide first.
    """
    if not body:
        body = next((value for tag, value in tlvs if tag == TAG_MESSAGE_PAYLOAD), b"")
    strict = _STRICT.match(body)
    if strict is not None:
        text_id, done_date, stat, err = str(b" ".join(strict.groups()), "ascii").split(" ")
    else:
        fields = _scan_fields(body)
        text_id, done_date, stat, err = (fields.get(name, "") for name in ("id", "donedate", "stat", "err"))
    message_id = text_id = dialect.of_receipt(text_id)
    state = state_words.get(stat.upper(), MessageState.ENROUTE) if strict or "stat" in fields else None
    error_code = int(err) if 0 < len(err) <= _ERR_DIGITS_MAX and err.isascii() and err.isdecimal() else 0
    for tag, value in reversed(tlvs):
        if tag == TAG_RECEIPTED_MESSAGE_ID:
            message_id = dialect.of_receipt(_c_octet_string(value)) or text_id
        elif tag == TAG_MESSAGE_STATE and len(value) == 1:
            state = _STATE_CODES.get(value[0], MessageState.ENROUTE)
        elif tag == TAG_NETWORK_ERROR_CODE and len(value) == _NETWORK_ERROR_CODE_OCTETS:
            error_code = int.from_bytes(value[1:], "big")
    if state is None or not message_id:
        return None
    ids_differ = bool(text_id) and text_id != message_id
    return ParsedReceipt(message_id, state, error_code, parse_date(done_date), ids_differ)


def _scan_fields(body: bytes) -> dict[str, str]:
    """The fields before ``text:``, the first of each name; nothing unless the body begins with a field."""
    fields: dict[str, str] = {}
    position, end = 0, min(len(body), HEADER_OCTETS_MAX)
    while (found := _FIELD.match(body, position, end)) is not None:
        name = _canonical(found.group(1))
        if name == "text":
            break
        value = _VALUE.match(body, found.end(), end)
        if value is not None and not value.group() and _FIELD.match(body, found.end(), end) is None:
            value = _WORD.match(body, found.end(), end)  # "stat: DELIVRD"
        assert value is not None, "a pattern that matches the empty string"
        fields.setdefault(name, value.group().strip(_SEPARATORS).decode("latin-1"))
        position = _next_field(body, value.end(), end)
    return fields


def _canonical(name: bytes) -> str:
    plain = name.decode("ascii").lower().replace(" ", "").replace("_", "")
    return {"status": "stat", "error": "err"}.get(plain, plain)


def _next_field(body: bytes, position: int, end: int) -> int:
    """Where the next field begins: words that begin none (a vendor's own) are skipped."""
    while position < end and _FIELD.match(body, position, end) is None:
        word = _WORD.match(body, position, end)
        assert word is not None, "a pattern that matches the empty string"
        position = word.end()
    return position


def _c_octet_string(value: bytes) -> str:
    return value.split(b"\0", 1)[0].decode("latin-1")
