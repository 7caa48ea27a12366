"""The few octets that the load generator reads and writes for each message.

A receipt's id is taken from the text (``id:``) or else from the receipted_message_id TLV, by searching, not by
decoding: enough for a load test, and a tenth of the cost.
"""

from struct import Struct
from typing import NamedTuple

from smsagg.smpp.command import CommandId

HEADER_OCTETS = 16
HEADER = Struct(">IIII")
pack_header = HEADER.pack
unpack_header = HEADER.unpack_from
_pack_deliver_sm_resp = Struct(">IIIIx").pack

SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)
ENQUIRE_LINK_RESP = int(CommandId.ENQUIRE_LINK_RESP)
UNBIND = int(CommandId.UNBIND)
UNBIND_RESP = int(CommandId.UNBIND_RESP)

_RECEIPTED_MESSAGE_ID = b"\x00\x1e\x00"


class ReceiptSeen(NamedTuple):
    """What the generator wants to know of a receipt."""

    message_id: bytes
    stat: bytes
    """The word of the text, ``b""`` when there is none."""


def read_receipt(octets: bytes, start: int, end: int) -> ReceiptSeen | None:
    """The receipt in the deliver_sm at ``octets[start:end]``, or None when it is none."""
    find = octets.find
    at = find(b"id:", start + HEADER_OCTETS, end)
    stop = find(b" ", at, end) if at >= 0 else -1
    if stop >= 0:
        stat = find(b" stat:", stop, end)
        word = octets[stat + 6 : max(find(b" ", stat + 6, end), stat + 6)] if stat >= 0 else b""
        return ReceiptSeen(octets[at + 3 : stop], word)
    at = find(_RECEIPTED_MESSAGE_ID, start + HEADER_OCTETS, end)
    if at < 0 or at + 4 > end:
        return None
    return ReceiptSeen(octets[at + 4 : min(at + 4 + octets[at + 3], end)].rstrip(b"\0"), b"")


def deliver_sm_resp(sequence_number: int) -> bytes:
    """ESME_ROK."""
    return _pack_deliver_sm_resp(17, DELIVER_SM_RESP, 0, sequence_number)


def header_only(command_id: int, sequence_number: int) -> bytes:
    return pack_header(16, command_id, 0, sequence_number)
