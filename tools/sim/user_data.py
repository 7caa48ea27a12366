"""How a short message says that it is a part, written and read apart from the gateway: in a header, or in TLVs."""

from attrs import define

SAR_MSG_REF_NUM = 0x020C
SAR_TOTAL_SEGMENTS = 0x020E
SAR_SEGMENT_SEQNUM = 0x020F
SAR_TAGS = (SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM)
UDHI = 0x40
Tlvs = dict[int, bytes]


@define(frozen=True)
class Part:
    """Which part of which message, and in what form it says so."""

    reference: int
    total: int
    number: int
    form: str
    """``udh``, ``udh16`` or ``sar``."""


@define(frozen=True)
class UserData:
    """A body taken apart."""

    part: Part | None
    text: bytes


def header_of(part: Part) -> bytes:
    """The user data header; none with ``sar``."""
    if part.form == "sar":
        return b""
    if part.form == "udh":
        return bytes((5, 0, 3, part.reference & 0xFF, part.total, part.number))
    return bytes((6, 8, 4)) + part.reference.to_bytes(2) + bytes((part.total, part.number))


def tlvs_of(part: Part) -> Tlvs:
    """The TLVs, with ``sar`` only."""
    if part.form != "sar":
        return {}
    values = part.reference.to_bytes(2), bytes((part.total,)), bytes((part.number,))
    return dict(zip(SAR_TAGS, values, strict=True))


def read(esm_class: int, body: bytes, tlvs: Tlvs) -> UserData:
    """What a submit_sm or deliver_sm brought."""
    part, text = None, body
    if esm_class & UDHI:
        header, text = body[1 : 1 + body[0]], body[1 + body[0] :]
        if header[0] == 0:
            part = Part(header[2], header[3], header[4], "udh")
        elif header[0] == 8:
            part = Part(int.from_bytes(header[2:4]), header[4], header[5], "udh16")
    if SAR_MSG_REF_NUM in tlvs:
        reference, total, number = (int.from_bytes(tlvs[tag]) for tag in SAR_TAGS)
        part = Part(reference, total, number, "sar")
    return UserData(part, text)
