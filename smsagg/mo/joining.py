"""Which messages from handsets are parts of longer ones, and how all parts become one message."""

from collections.abc import Sequence

from attrs import evolve

from smsagg.model import CarrierMo
from smsagg.smpp.concatenation import UDHI, Concatenation, read_sar, read_user_data, without_sar, write_user_data
from smsagg.smpp.tlv import Tag, Tlvs, decode_tlvs, encode_tlvs

WHOLE_OCTETS_MAX = 64_000
"""A longer message stays in parts: message_payload holds 65,535 octets, and peers limit their PDUs."""

_TLVS_MAX = 10_000
_MORE_MESSAGES_TO_SEND = int(Tag.MORE_MESSAGES_TO_SEND)


def concatenation_of(mo: CarrierMo) -> Concatenation | None:
    """What a message says about itself in its user data header or its TLVs; ``None`` when it is whole."""
    said: Concatenation | None = None
    if mo.esm_class & UDHI:
        user_data = read_user_data(mo.body)
        said = None if user_data is None else user_data.concatenation
    if said is None and mo.tlvs:
        said = read_sar(_tlvs_of(mo))
    return said if said is not None and said.total > 1 else None


def join(parts: Sequence[CarrierMo]) -> CarrierMo | None:
    """One message of all ``parts``, in their order; what it says beside its text is what the first one says.

    ``None`` when they cannot be one text: alphabets or other header elements differ, or it would be too long. Header
    elements that all parts share (ports, national language tables) are kept.
    """
    first = parts[0]
    taken_apart = [_take_apart(part) for part in parts]
    elements = taken_apart[0][0]
    if any(part.data_coding != first.data_coding for part in parts) or any(e != elements for e, _ in taken_apart):
        return None
    body = write_user_data(None, elements, b"".join(text for _, text in taken_apart))
    if len(body) > WHOLE_OCTETS_MAX:
        return None
    tlvs = tuple(tlv for tlv in without_sar(_tlvs_of(first)) if tlv[0] != _MORE_MESSAGES_TO_SEND)
    esm_class = first.esm_class | UDHI if elements else first.esm_class & ~UDHI
    return evolve(first, body=body, esm_class=esm_class, tlvs=encode_tlvs(tlvs), handle=None)


def _take_apart(mo: CarrierMo) -> tuple[bytes, bytes]:
    """Header elements that do not say that it is a part, and text."""
    user_data = read_user_data(mo.body) if mo.esm_class & UDHI else None
    return (b"", mo.body) if user_data is None else (user_data.elements, user_data.text)


def _tlvs_of(mo: CarrierMo) -> Tlvs:
    return decode_tlvs(mo.tlvs, _TLVS_MAX, check=False) if mo.tlvs else ()
