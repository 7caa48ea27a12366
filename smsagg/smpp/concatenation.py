"""How a short message says that it is one part of a longer one: in its user data header, or in ``sar_*`` TLVs.

=====================  ===============  ======================================================
Form                   reference        where
=====================  ===============  ======================================================
UDH, IEI 0x00          8 bits           3GPP TS 23.040 §9.2.3.24.1
UDH, IEI 0x08          16 bits          3GPP TS 23.040 §9.2.3.24.8
``sar_*`` TLVs         16 bits          SMPP 3.4 §5.3.2.22 to §5.3.2.24, all three or none
=====================  ===============  ======================================================

An element with a total or a number of 0, or a number above the total, says nothing (§9.2.3.24.1) and is treated like
any other element: kept, and sent on as it came. Where several elements say something, the last one counts (§9.2.3.24).
The other elements (ports, national languages, vendors' own) are opaque here and keep their octets and their order.
"""

from collections.abc import Iterable
from typing import NamedTuple

from smsagg.smpp.tlv import Tag, Tlvs, tlv_value

UDHI = 0x40
"""Bit of ``esm_class``: the body begins with a user data header (SMPP 3.4 §5.2.12)."""
HEADER_OCTETS_MAX = 255
"""Of a user data header's elements: its length is one octet."""
IEI_CONCATENATED_8 = 0x00
IEI_CONCATENATED_16 = 0x08
PARTS_MAX = 255

SAR_TAGS = frozenset({int(Tag.SAR_MSG_REF_NUM), int(Tag.SAR_TOTAL_SEGMENTS), int(Tag.SAR_SEGMENT_SEQNUM)})

_REFERENCE_OCTETS = {IEI_CONCATENATED_8: 1, IEI_CONCATENATED_16: 2}


class Concatenation(NamedTuple):
    """This is part ``number`` of the ``total`` parts that share ``reference``."""

    reference: int
    total: int
    """1 to 255."""
    number: int
    """1 to ``total``."""
    is_wide: bool = False
    """The reference has 16 bits, else 8."""


class UserData(NamedTuple):
    """A body that begins with a user data header, taken apart. Together the fields hold all that was in it."""

    concatenation: Concatenation | None
    """``None``: no element says that this is a part."""
    elements: bytes
    """The other information elements as they came, without UDHL."""
    text: bytes
    """What follows the header."""


def read_user_data(body: bytes) -> UserData | None:
    """Take apart the body of a message whose ``esm_class`` has :data:`UDHI`; ``None`` when the header is broken:
    longer than the body, or with an element that does not end within it."""
    if not body or 1 + body[0] > len(body):
        return None
    end = 1 + body[0]
    concatenation: Concatenation | None = None
    others: list[bytes] = []
    at = 1
    while at < end:
        if at + 2 > end or at + 2 + body[at + 1] > end:
            return None
        following = at + 2 + body[at + 1]
        said = _concatenation_of(body[at], body[at + 2 : following])
        if said is None:
            others.append(body[at:following])
        else:
            concatenation = said
        at = following
    return UserData(concatenation, b"".join(others), body[end:])


def write_user_data(concatenation: Concatenation | None, elements: bytes, text: bytes) -> bytes:
    """The body with a header of ``concatenation`` and the other ``elements``; without either it has no header, and
    ``esm_class`` must not say that it has. All elements together may have ``HEADER_OCTETS_MAX`` octets."""
    header = elements if concatenation is None else concatenation_element(concatenation) + elements
    return bytes((len(header),)) + header + text if header else text


def concatenation_element(concatenation: Concatenation) -> bytes:
    """The information element: 5 octets, or 6 for a reference of 16 bits. An 8-bit one is cut to its low octet."""
    reference, total, number, is_wide = concatenation
    if is_wide:
        return bytes((IEI_CONCATENATED_16, 4, reference >> 8 & 0xFF, reference & 0xFF, total, number))
    return bytes((IEI_CONCATENATED_8, 3, reference & 0xFF, total, number))


def read_sar(tlvs: Iterable[tuple[int, bytes]]) -> Concatenation | None:
    """What the ``sar_*`` TLVs say; ``None`` unless all three are there and make sense."""
    tlvs = tuple(tlvs)
    reference = tlv_value(tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_value(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_value(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if not (reference and total and number) or len(total) != 1 or len(number) != 1:
        return None
    if len(reference) > 2 or not 0 < number[0] <= total[0]:
        return None
    return Concatenation(int.from_bytes(reference, "big"), total[0], number[0], True)


def sar_tlvs(concatenation: Concatenation) -> Tlvs:
    """The three TLVs."""
    return (
        (int(Tag.SAR_MSG_REF_NUM), (concatenation.reference & 0xFFFF).to_bytes(2, "big")),
        (int(Tag.SAR_TOTAL_SEGMENTS), bytes((concatenation.total,))),
        (int(Tag.SAR_SEGMENT_SEQNUM), bytes((concatenation.number,))),
    )


def without_sar(tlvs: Iterable[tuple[int, bytes]]) -> Tlvs:
    """All TLVs but these three, in order."""
    return tuple(tlv for tlv in tlvs if tlv[0] not in SAR_TAGS)


def _concatenation_of(iei: int, value: bytes) -> Concatenation | None:
    """What one element says; ``None`` for any other element and for one that says nothing."""
    octets = _REFERENCE_OCTETS.get(iei)
    if octets is None or len(value) != octets + 2:
        return None
    total, number = value[-2], value[-1]
    if not 0 < number <= total:
        return None
    return Concatenation(int.from_bytes(value[:octets], "big"), total, number, octets == 2)
