"""The codec that follows the layouts: complete, exact about errors, and slow. :mod:`smsagg.smpp.codec` is the way in.

Responses are decoded as far as they go and never refused: nobody could be told. An error response of 16 octets, one
with a body (SMPP 5.0 §3.2.1.3), a ``deliver_sm_resp`` with or without a message_id are all taken.
"""

from struct import Struct
from typing import Any

from smsagg.smpp.errors import FieldError, PduEncodeError, PduError
from smsagg.smpp.layout import LAYOUTS
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import PDUS, Pdu, Response
from smsagg.smpp.status import ESME_RINVCMDID, ESME_RINVCMDLEN
from smsagg.smpp.tlv import decode_tlvs, encode_tlvs

HEADER = Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP 3.4 §3.2)."""
HEADER_OCTETS = 16


def decode(frame: bytes, limits: Limits) -> Pdu:
    """See :func:`smsagg.smpp.codec.decode`."""
    if len(frame) < HEADER_OCTETS:
        raise PduError(0, 0, ESME_RINVCMDLEN)
    command_length, command_id, command_status, sequence_number = HEADER.unpack_from(frame)
    if command_length != len(frame):
        raise PduError(command_id, sequence_number, ESME_RINVCMDLEN)
    pdu = PDUS.get(command_id)
    if pdu is None:
        raise PduError(command_id, sequence_number, ESME_RINVCMDID)
    if issubclass(pdu, Response):
        values = _read_leniently(pdu, frame, limits)
        return pdu(sequence_number=sequence_number, command_status=command_status, **values)
    try:
        values = _read(pdu, frame, limits)
    except FieldError as error:
        raise PduError(command_id, sequence_number, error.command_status) from None
    return pdu(sequence_number=sequence_number, **values)


def _read(pdu: type[Pdu], frame: bytes, limits: Limits) -> dict[str, Any]:
    values: dict[str, Any] = {}
    at = HEADER_OCTETS
    for field in LAYOUTS[pdu]:
        values[field.name], at = field.read(frame, at, not limits.needs_nuls and frame.find(0, at) < 0)
    values["tlvs"] = decode_tlvs(frame, limits.tlvs_max, at, check=limits.check_tlvs)
    return values


def _read_leniently(pdu: type[Pdu], frame: bytes, limits: Limits) -> dict[str, Any]:
    """What can be read; fields that are not there keep their defaults."""
    values: dict[str, Any] = {}
    at = HEADER_OCTETS
    try:
        for field in LAYOUTS[pdu]:
            values[field.name], at = field.read(frame, at, True)
        values["tlvs"] = decode_tlvs(frame, limits.tlvs_max, at, check=False)
    except FieldError:
        pass
    return values


def encode(pdu: Pdu) -> bytes:
    """See :func:`smsagg.smpp.codec.encode`."""
    if isinstance(pdu, Response) and pdu.command_status and pdu == refused(pdu):
        return _header(pdu, 0, pdu.command_status)
    parts = [field.write(getattr(pdu, field.name)) for field in LAYOUTS[type(pdu)]]
    body = b"".join(parts) + encode_tlvs(pdu.tlvs)
    return _header(pdu, len(body), pdu.command_status if isinstance(pdu, Response) else 0) + body


def refused(pdu: Response) -> Response:
    """The same error response with nothing in its body."""
    return type(pdu)(sequence_number=pdu.sequence_number, command_status=pdu.command_status)


def _header(pdu: Pdu, body_octets: int, command_status: int) -> bytes:
    if not (0 <= pdu.sequence_number <= 0xFFFFFFFF and 0 <= command_status <= 0xFFFFFFFF):
        raise PduEncodeError(f"header: sequence_number {pdu.sequence_number}, command_status {command_status}")
    return HEADER.pack(HEADER_OCTETS + body_octets, pdu.command_id, command_status, pdu.sequence_number)
