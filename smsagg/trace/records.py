"""Events as lines of JSON: what ``smsagg trace`` prints, and what its pcap file is made of."""

from base64 import b64encode
from typing import Any

import attrs

from smsagg.observe.watch import WatchedSession
from smsagg.smpp.bind_state import BINDS
from smsagg.smpp.codec import HEADER, HEADER_OCTETS, decode, encode
from smsagg.smpp.command import CommandId
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.errors import PduEncodeError, PduError
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import Pdu
from smsagg.smpp.status import name_of
from smsagg.smpp.tlv import Tag
from smsagg.text import text_of
from smsagg.trace.masking import masked

Record = dict[str, Any]
_LIMITS = Limits(check_tlvs=False, tlvs_max=10_000, pdu_octets_max=1 << 20)
_TAG_NAMES = {int(tag): tag.name.lower() for tag in Tag}
_WITH_PASSWORD = BINDS | {int(CommandId.OUTBIND)}
_HIDDEN_FIELDS = frozenset({"sequence_number", "tlvs", "command_status"})


def read_pdu(frame: bytes) -> Pdu | None:
    """The PDU, or ``None`` when it cannot be read."""
    try:
        return decode(frame, _LIMITS)
    except PduError:
        return None


def pdu_record(
    session: WatchedSession, inbound: bool, frame: bytes, pdu: Pdu | None, at: float, *, bodies: bool
) -> Record:
    """One PDU; ``octets`` is base64 of the whole PDU with what is masked masked there, too."""
    _, command_id, command_status, sequence_number = HEADER.unpack_from(frame)
    record: Record = {
        "kind": "pdu",
        "at": at,
        "side": session.side,
        "session": session.name,
        "account": session.account,
        "inbound": inbound,
        "local": session.local,
        "peer": session.peer,
        "pdu": _name_of(command_id),
        "command_status": name_of(command_status),
        "sequence_number": sequence_number,
    }
    if pdu is None:
        hidden = b"\0" * (len(frame) - HEADER_OCTETS)
        shows_all = bodies and command_id not in _WITH_PASSWORD
        octets = frame if shows_all else frame[:HEADER_OCTETS] + hidden
        return record | {"fields": {"unreadable_octets": len(frame)}, "octets": b64encode(octets).decode()}
    shown = masked(pdu, bodies=bodies)
    return record | {"fields": _fields(shown, bodies=bodies), "octets": b64encode(_octets(shown, frame)).decode()}


def decision_record(at: float, account: str, message_id: str, decision: str, detail: str) -> Record:
    """One decision about a message."""
    return {
        "kind": "decision",
        "at": at,
        "account": account,
        "message_id": message_id,
        "decision": decision,
        "detail": detail,
    }


def _octets(shown: Pdu, frame: bytes) -> bytes:
    try:
        octets = encode(shown)
    except PduEncodeError:
        return frame[:HEADER_OCTETS] + b"\0" * (len(frame) - HEADER_OCTETS)
    return HEADER.pack(len(octets), *HEADER.unpack_from(frame)[1:]) + octets[HEADER_OCTETS:]


def _name_of(command_id: int) -> str:
    try:
        return CommandId(command_id).name.lower()
    except ValueError:
        return f"{command_id:#010x}"


def _fields(pdu: Pdu, *, bodies: bool) -> dict[str, Any]:
    """The fields that say something, in the order of the wire, then the TLVs by name."""
    fields: dict[str, Any] = {}
    for attribute in attrs.fields(type(pdu)):
        value = getattr(pdu, attribute.name)
        if attribute.name not in _HIDDEN_FIELDS and value not in (0, "", b"", None, ()):
            fields[attribute.name] = _shown(value, pdu, bodies) if isinstance(value, bytes) else value
    for tag, value in pdu.tlvs:
        name = _TAG_NAMES.get(tag, f"{tag:#06x}")
        fields[name] = _shown(value, pdu, bodies) if tag == Tag.MESSAGE_PAYLOAD else _tlv_text(value)
    return fields


def _tlv_text(value: bytes) -> str:
    """Text as text; anything else in hexadecimal."""
    text = value.removesuffix(b"\0")
    return text.decode("ascii") if len(text) > 1 and text.isascii() and text.decode().isprintable() else value.hex()


def _is_report(pdu: Pdu) -> bool:
    return bool(getattr(pdu, "esm_class", 0) & 0x24)


def _shown(value: bytes, pdu: Pdu, bodies: bool) -> str:
    """A body as its text, in hexadecimal when it is binary; a report's text is masked where it has to be."""
    if _is_report(pdu):
        return value.decode("latin-1")
    if not bodies:
        return f"<{len(value)} octets>"
    text = text_of(value, getattr(pdu, "data_coding", 0), bool(getattr(pdu, "esm_class", 0) & UDHI))
    return value.hex() if text is None else text
