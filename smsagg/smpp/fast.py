"""Hand-written codecs for the PDUs that make up the traffic.

Each function does the ordinary case and leaves anything else (an anomaly, a rare field) to
:mod:`smsagg.smpp.declared`, whose answer it must equal; a property test holds them together. Decoders take a frame
whose header is already read and whose length is its command_length.

How the time is saved: the frame becomes one latin-1 string of which fields are slices, one ``unpack_from`` reads the
ten octets between the addresses and the message, and the fields are set without ``__init__``, whose arguments cost
more than all of them. To encode, one ``pack`` writes all that is before the message, with a layout kept for each
combination of string lengths; responses that leave together are packed together.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from struct import error as struct_error
from typing import Any

from smsagg.smpp import declared
from smsagg.smpp.errors import FieldError, PduEncodeError, PduError
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import (
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    ShortMessage,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.rows import RowPacker
from smsagg.smpp.tlv import decode_tlvs, encode_tlvs

RequestDecoder = Callable[[bytes, int, Limits], Pdu]
"""``(frame, sequence_number, limits)``; raises PduError."""
ResponseDecoder = Callable[[bytes, int, int, Limits], Pdu]
"""``(frame, sequence_number, command_status, limits)``; never raises."""

_HEADER = declared.HEADER
_TEN_OCTETS = Struct("10B").unpack_from
_new = object.__new__


def decode_submit_sm(frame: bytes, sequence_number: int, limits: Limits) -> Pdu:
    return _decode_short_message(SubmitSm, frame, sequence_number, limits)


def decode_deliver_sm(frame: bytes, sequence_number: int, limits: Limits) -> Pdu:
    return _decode_short_message(DeliverSm, frame, sequence_number, limits)


def _decode_short_message(
    pdu: type[SubmitSm] | type[DeliverSm], frame: bytes, sequence_number: int, limits: Limits
) -> Pdu:
    text = frame.decode("latin-1")
    try:
        a = text.index("\0", 16)  # the NULs of service_type, source_addr and destination_addr
        b = text.index("\0", a + 3)
        c = text.index("\0", b + 3)
        (esm_class, protocol_id, priority_flag, schedule, validity, registered, replace, coding, default, length) = (
            _TEN_OCTETS(frame, c + 1)
        )
        start = c + 11
        schedule_delivery_time = validity_period = ""
        if schedule or validity:  # not both empty, so the octets after them were not where we read them
            d = text.index("\0", c + 4)
            e = text.index("\0", d + 1)
            if d - c > 20 or e - d > 17:
                return declared.decode(frame, limits)
            schedule_delivery_time = text[c + 4 : d]
            validity_period = text[d + 1 : e]
            registered, replace, coding, default, length = frame[e + 1 : e + 6]
            start = e + 6
        end = start + length
        octets = len(frame)
        if a > 21 or b - a > 23 or c - b > 23 or end > octets:
            return declared.decode(frame, limits)
        made = _new(pdu)
        made.service_type = text[16:a]
        made.source_addr_ton = frame[a + 1]
        made.source_addr_npi = frame[a + 2]
        made.source_addr = text[a + 3 : b]
        made.dest_addr_ton = frame[b + 1]
        made.dest_addr_npi = frame[b + 2]
        made.destination_addr = text[b + 3 : c]
        made.esm_class = esm_class
        made.protocol_id = protocol_id
        made.priority_flag = priority_flag
        made.schedule_delivery_time = schedule_delivery_time
        made.validity_period = validity_period
        made.registered_delivery = registered
        made.replace_if_present_flag = replace
        made.data_coding = coding
        made.sm_default_msg_id = default
        made.short_message = frame[start:end]
        made.sequence_number = sequence_number
        made.tlvs = () if end == octets else decode_tlvs(frame, limits.tlvs_max, end, check=limits.check_tlvs)
        return made
    except (ValueError, struct_error, IndexError):
        return declared.decode(frame, limits)
    except FieldError as error:
        raise PduError(pdu.command_id, sequence_number, error.command_status) from None


def decode_submit_sm_resp(frame: bytes, sequence_number: int, command_status: int, limits: Limits) -> Pdu:
    message_id = frame[16:-1].decode("latin-1")
    if frame[-1] or len(frame) == 16 or "\0" in message_id:
        if len(frame) == 16:
            return SubmitSmResp(sequence_number=sequence_number, command_status=command_status)
        return declared.decode(frame, limits)
    made = _new(SubmitSmResp)
    made.message_id = message_id
    made.sequence_number = sequence_number
    made.command_status = command_status
    made.tlvs = ()
    return made


def decode_deliver_sm_resp(frame: bytes, sequence_number: int, command_status: int, limits: Limits) -> Pdu:
    if len(frame) == 16 or (len(frame) == 17 and frame[16] == 0):
        return DeliverSmResp(sequence_number=sequence_number, command_status=command_status)
    return declared.decode(frame, limits)


def decode_enquire_link(frame: bytes, sequence_number: int, limits: Limits) -> Pdu:
    if len(frame) == 16:
        return EnquireLink(sequence_number=sequence_number)
    return declared.decode(frame, limits)


def decode_enquire_link_resp(frame: bytes, sequence_number: int, command_status: int, limits: Limits) -> Pdu:
    if len(frame) == 16:
        return EnquireLinkResp(sequence_number=sequence_number, command_status=command_status)
    return declared.decode(frame, limits)


_Lengths = tuple[int, int, int, int, int]
_PACKERS: dict[_Lengths, Callable[..., bytes]] = {}


def _packer(lengths: _Lengths) -> Callable[..., bytes] | None:
    """Packs everything up to short_message when its strings are this long; ``None`` for lengths out of the ordinary.

    The cache is bounded by what is ordinary: 6 x 21 x 21 x 2 x 2 combinations, of which traffic has a few dozen.
    """
    service_type, source_addr, destination_addr, schedule, validity = lengths
    if service_type > 5 or source_addr > 20 or destination_addr > 20 or schedule % 16 or validity % 16:
        return None
    if schedule > 16 or validity > 16:
        return None
    layout = f">4I{service_type}sxBB{source_addr}sxBB{destination_addr}sxBBB{schedule}sx{validity}sxBBBBB"
    return _PACKERS.setdefault(lengths, Struct(layout).pack)


def encode_short_message(pdu: ShortMessage) -> bytes:
    """submit_sm or deliver_sm."""
    try:
        service_type = pdu.service_type.encode("latin-1")
        source_addr = pdu.source_addr.encode("latin-1")
        destination_addr = pdu.destination_addr.encode("latin-1")
        schedule_delivery_time = pdu.schedule_delivery_time.encode("latin-1")
        validity_period = pdu.validity_period.encode("latin-1")
        lengths = (
            len(service_type),
            len(source_addr),
            len(destination_addr),
            len(schedule_delivery_time),
            len(validity_period),
        )
        pack = _PACKERS.get(lengths) or _packer(lengths)
        if (
            pack is None
            or 0 in source_addr
            or 0 in destination_addr
            or 0 in service_type
            or 0 in schedule_delivery_time
            or 0 in validity_period
        ):
            return declared.encode(pdu)
        short_message = pdu.short_message
        sm_length = len(short_message)
        tlvs = encode_tlvs(pdu.tlvs) if pdu.tlvs else b""
        head = pack(
            33 + sum(lengths) + sm_length + len(tlvs),
            pdu.command_id,
            0,
            pdu.sequence_number,
            service_type,
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            source_addr,
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            destination_addr,
            pdu.esm_class,
            pdu.protocol_id,
            pdu.priority_flag,
            schedule_delivery_time,
            validity_period,
            pdu.registered_delivery,
            pdu.replace_if_present_flag,
            pdu.data_coding,
            pdu.sm_default_msg_id,
            sm_length,
        )
        return head + short_message + tlvs
    except (ValueError, struct_error):
        return declared.encode(pdu)


def encode_message_id_response(pdu: SubmitSmResp | DeliverSmResp) -> bytes:
    """submit_sm_resp or deliver_sm_resp."""
    message_id = pdu.message_id
    if pdu.tlvs or "\0" in message_id or pdu.command_status:
        return declared.encode(pdu)
    try:
        body = message_id.encode("latin-1")
        return _HEADER.pack(17 + len(body), pdu.command_id, pdu.command_status, pdu.sequence_number) + body + b"\0"
    except (ValueError, struct_error):
        return declared.encode(pdu)


def encode_header_only(command_id: int, command_status: int, sequence_number: int) -> bytes:
    """A PDU without a body: enquire_link, unbind, an error response."""
    return _HEADER.pack(16, command_id, command_status, sequence_number)


_COMMON = Struct(">III").pack
"""command_length, command_id and command_status: what the responses of a batch have in common."""
_HEADERS = RowPacker("12sI", 2)
_DELIVER_SM_RESPS = RowPacker("12sIx", 2)
_ID_OCTETS_MAX = 65
_SUBMIT_SM_RESPS: dict[int, RowPacker] = {}
"""By the length of message_id, of which there are at most ``_ID_OCTETS_MAX``."""


def encode_submit_sm_resps(sequence_numbers: Sequence[int], message_ids: Sequence[str]) -> bytes:
    """One submit_sm_resp ESME_ROK for each, back to back. Raises :class:`PduEncodeError`."""
    count = len(message_ids)
    try:
        octets = "\0".join(message_ids).encode("ascii")
    except UnicodeEncodeError:
        raise PduEncodeError("message_id: is not ASCII") from None
    ids = octets.split(b"\0")
    if len(ids) != count:
        if not count:
            return b""
        raise PduEncodeError("message_id: holds a NUL")
    length = len(ids[0])
    are_alike = octets[length :: length + 1].count(0) == count - 1 and len(octets) == count * (length + 1) - 1
    if not are_alike or length > _ID_OCTETS_MAX:
        return b"".join(
            [
                encode_message_id_response(SubmitSmResp(message_id, sequence_number=sequence_number))
                for sequence_number, message_id in zip(sequence_numbers, message_ids, strict=True)
            ]
        )
    rows = _SUBMIT_SM_RESPS.get(length) or _SUBMIT_SM_RESPS.setdefault(length, RowPacker(f"12sI{length}sx", 3))
    return rows.pack(count, _COMMON(17 + length, SubmitSmResp.command_id, 0), sequence_numbers, ids)


def encode_submit_sm_refusals(sequence_numbers: Sequence[int], command_status: int) -> bytes:
    """One submit_sm_resp with an error for each, back to back; they have no body (SMPP 3.4 §4.4.2)."""
    common = _COMMON(16, SubmitSmResp.command_id, command_status)
    return _HEADERS.pack(len(sequence_numbers), common, sequence_numbers)


def encode_deliver_sm_resps(sequence_numbers: Sequence[int]) -> bytes:
    """One deliver_sm_resp ESME_ROK for each, back to back."""
    common = _COMMON(17, DeliverSmResp.command_id, 0)
    return _DELIVER_SM_RESPS.pack(len(sequence_numbers), common, sequence_numbers)


REQUEST_DECODERS: dict[int, RequestDecoder] = {
    SubmitSm.command_id: decode_submit_sm,
    DeliverSm.command_id: decode_deliver_sm,
    EnquireLink.command_id: decode_enquire_link,
}

RESPONSE_DECODERS: dict[int, ResponseDecoder] = {
    SubmitSmResp.command_id: decode_submit_sm_resp,
    DeliverSmResp.command_id: decode_deliver_sm_resp,
    EnquireLinkResp.command_id: decode_enquire_link_resp,
}

ENCODERS: dict[int, Callable[[Any], bytes]] = {
    SubmitSm.command_id: encode_short_message,
    DeliverSm.command_id: encode_short_message,
    SubmitSmResp.command_id: encode_message_id_response,
    DeliverSmResp.command_id: encode_message_id_response,
}
