"""The few octets of a submit_sm that an SMSC needs, and deliver_sm bodies, at the least cost.

Everything else on the wire goes through :mod:`smsagg.smpp.codec`. Addresses stay as they came, ton and npi and NUL
included: a receipt carries them swapped, and nobody has to know what they say.
"""

from struct import Struct
from typing import NamedTuple

from smsagg.receipts.dates import format_date
from smsagg.smpp.command import CommandId

HEADER = Struct(">IIII")
pack_header = HEADER.pack

SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)
ENQUIRE_LINK_RESP = int(CommandId.ENQUIRE_LINK_RESP)
UNBIND = int(CommandId.UNBIND)

STATE_CODES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
"""message_state by ``stat`` word; a receipt with any other word has no such TLV."""

ESM_CLASS_RECEIPT = b"\x04"
ESM_CLASS_INTERMEDIATE = b"\x20"
_TEXT_CODINGS = (0, 1, 3)
_TEXT_OCTETS = 20
_NUL = 0


class Submitted(NamedTuple):
    """What a submit_sm says, for its receipt."""

    source: bytes
    """source_addr_ton, source_addr_npi, source_addr and its NUL."""
    destination: bytes
    """The same of the destination."""
    registered_delivery: int
    text: bytes
    """The first octets of the text as receipts quote them, ``b""`` when it is not plain text."""


def read_submit_sm(frame: bytes) -> Submitted | None:
    """The fields of a submit_sm, or None when it is malformed (what is wrong is for the codec to say)."""
    find = frame.find
    try:
        a = find(_NUL, 16)
        b = find(_NUL, a + 3)
        c = find(_NUL, b + 3)
        at = c + 5  # the NUL of an empty validity_period that follows an empty schedule_delivery_time
        if frame[c + 4] or frame[at]:
            at = find(_NUL, find(_NUL, c + 4) + 1)
        registered_delivery, _, data_coding, _, length = frame[at + 1 : at + 6]
    except (IndexError, ValueError):
        return None
    start = at + 6
    if a < 16 or b < a or c < b or at < c or start + length > len(frame):
        return None
    is_text = data_coding in _TEXT_CODINGS and not frame[c + 1] & 0x40
    text = frame[start : start + min(length, _TEXT_OCTETS)] if is_text else b""
    return Submitted(frame[a + 1 : b + 1], frame[b + 1 : c + 1], registered_delivery, text)


def receipt_body(
    submitted: Submitted, receipt_id: str, word: str, error: int, submitted_at: int, done_at: int
) -> bytes:
    """The body of the deliver_sm that reports on a message (SMPP 3.4 appendix B). Instants are UTC milliseconds."""
    delivered = "001" if word in ("DELIVRD", "ACCEPTD") else "000"
    head = (
        f"id:{receipt_id} sub:001 dlvrd:{delivered} submit date:{format_date(submitted_at)} "
        f"done date:{format_date(done_at)} stat:{word} err:{error:03d} text:"
    ).encode("latin-1", "replace")
    short_message = (head + submitted.text)[:254]
    return b"".join(
        (
            b"\0",
            submitted.destination,
            submitted.source,
            ESM_CLASS_INTERMEDIATE if word == "ENROUTE" else ESM_CLASS_RECEIPT,
            b"\0\0\0\0\0\0\0\0",
            bytes((len(short_message),)),
            short_message,
        )
    )


def receipt_tlvs(receipt_id: str, word: str) -> bytes:
    """receipted_message_id and, for a word of the specification, message_state."""
    value = receipt_id.encode("latin-1") + b"\0"
    tlvs = b"\x00\x1e" + len(value).to_bytes(2, "big") + value
    code = STATE_CODES.get(word)
    return tlvs + b"\x04\x27\x00\x01" + bytes((code,)) if code else tlvs


def mo_body(source_addr: str, destination_addr: str, text: str) -> bytes:
    """The body of a deliver_sm from a handset: IA5 text, or UCS2 when it is not ASCII."""
    data_coding, body = (1, text.encode("ascii")) if text.isascii() else (8, text.encode("utf-16-be"))
    body = body[:254]
    return b"".join(
        (
            b"\0\x01\x01",
            source_addr.encode("latin-1"),
            b"\0\0\x01",
            destination_addr.encode("latin-1"),
            b"\0\0\0\0\0\0\0\0",
            bytes((data_coding, 0, len(body))),
            body,
        )
    )


def submit_sm_resp(sequence_number: int, command_status: int, message_id: str) -> bytes:
    """A refusal has no body (SMPP 3.4 §4.4.2)."""
    if command_status:
        return pack_header(16, SUBMIT_SM_RESP, command_status, sequence_number)
    body = message_id.encode("latin-1")
    return pack_header(17 + len(body), SUBMIT_SM_RESP, 0, sequence_number) + body + b"\0"


def deliver_sm(sequence_number: int, body: bytes, tlvs: bytes) -> bytes:
    return pack_header(16 + len(body) + len(tlvs), DELIVER_SM, 0, sequence_number) + body + tlvs


def header_only(command_id: int, sequence_number: int, command_status: int = 0) -> bytes:
    return pack_header(16, command_id, command_status, sequence_number)
