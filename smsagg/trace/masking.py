"""A PDU as it may be shown: secrets always hidden, texts unless they were asked for."""

from typing import Any

import attrs

from smsagg.receipts.parse import header_octets
from smsagg.smpp.pdu import Bind, Outbind, Pdu
from smsagg.smpp.tlv import Tag

SECRET = "********"
MASK = b"*"
_MESSAGE_TYPES = 0x3C
_REPORT_TYPES = (0x04, 0x20)


def masked(pdu: Pdu, *, bodies: bool) -> Pdu:
    """A copy without the password and, unless ``bodies``, with ``*`` for every octet of text. Lengths stay."""
    changes: dict[str, Any] = {}
    if isinstance(pdu, Bind | Outbind):
        changes["password"] = SECRET if pdu.password else ""
    if not bodies:
        body = getattr(pdu, "short_message", b"")
        is_report = getattr(pdu, "esm_class", 0) & _MESSAGE_TYPES in _REPORT_TYPES
        if body:
            changes["short_message"] = _masked_receipt(body) if is_report else MASK * len(body)
        if any(tag == Tag.MESSAGE_PAYLOAD for tag, _ in pdu.tlvs):
            changes["tlvs"] = tuple(
                (tag, _masked_payload(value, is_report) if tag == Tag.MESSAGE_PAYLOAD else value)
                for tag, value in pdu.tlvs
            )
    return attrs.evolve(pdu, **changes) if changes else pdu


def _masked_payload(value: bytes, is_report: bool) -> bytes:
    return _masked_receipt(value) if is_report else MASK * len(value)


def _masked_receipt(body: bytes) -> bytes:
    """A receipt is not a text, but it quotes the beginning of one."""
    shown = header_octets(body)
    return body[:shown] + MASK * (len(body) - shown)
