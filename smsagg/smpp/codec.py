"""PDUs to octets and back: the way in, which takes the fast path where there is one."""

from collections.abc import Callable
from struct import error as struct_error
from typing import Any

from smsagg.smpp import declared, fast
from smsagg.smpp.declared import HEADER, HEADER_OCTETS
from smsagg.smpp.limits import DEFAULT_LIMITS, Limits
from smsagg.smpp.pdu import Pdu

__all__ = ["HEADER", "HEADER_OCTETS", "decode", "decode_response", "encode", "encoder_of"]

_unpack = HEADER.unpack_from
_REQUEST_DECODERS, _RESPONSE_DECODERS = fast.REQUEST_DECODERS, fast.RESPONSE_DECODERS


def decode(frame: bytes, limits: Limits = DEFAULT_LIMITS) -> Pdu:
    """The PDU in ``frame``, which is one whole PDU with its header.

    Raises :class:`~smsagg.smpp.errors.PduError`, and nothing else for any octets: ESME_RINVCMDID for an unknown
    command_id, ESME_RINVCMDLEN for a body that ends too early, ESME_RINVMSGLEN for an sm_length past the end, a
    field's own status for an over-long or unterminated string, and those of :func:`~smsagg.smpp.tlv.decode_tlvs`.
    A request's command_status is ignored (SMPP 3.4 §3.2). Responses are decoded as far as they go.
    """
    try:
        command_length, command_id, command_status, sequence_number = _unpack(frame)
    except struct_error:
        return declared.decode(frame, limits)
    if command_length == len(frame):
        if command_id in _RESPONSE_DECODERS:
            return _RESPONSE_DECODERS[command_id](frame, sequence_number, command_status, limits)
        if command_id in _REQUEST_DECODERS:
            return _REQUEST_DECODERS[command_id](frame, sequence_number, limits)
    return declared.decode(frame, limits)


def decode_response(frame: bytes, command_id: int, sequence_number: int, command_status: int, limits: Limits) -> Pdu:
    """As :func:`decode`, for a response whose header was read and is consistent with the frame's length."""
    decoder = fast.RESPONSE_DECODERS.get(command_id)
    if decoder is None:
        return declared.decode(frame, limits)
    return decoder(frame, sequence_number, command_status, limits)


def encode(pdu: Pdu) -> bytes:
    """The octets of ``pdu``, header included. An error response that says nothing more than its
    command_status is sent without a body (SMPP 3.4 §4.4.2).

    Raises :class:`~smsagg.smpp.errors.PduEncodeError` for what the wire cannot carry: a NUL or a character beyond
    latin-1 in a string, a number that does not fit, a short_message of more than 255 octets. Lengths that the
    specification limits but the wire does not (addresses, passwords) are left to the caller.
    """
    return encoder_of(pdu.command_id)(pdu)


def encoder_of(command_id: int) -> Callable[[Any], bytes]:
    """What :func:`encode` calls for PDUs of this kind, for whoever encodes many of them."""
    return fast.ENCODERS.get(command_id, declared.encode)
