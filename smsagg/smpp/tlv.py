"""TLVs, also called optional parameters: tags, their lengths and values, and their codec (SMPP 3.4 §5.3).

A PDU carries its TLVs as ``((tag, value), ...)`` in the order of the wire, values raw. Unknown and vendor tags are
kept like all others, so that what came in goes out unchanged. Where a tag is repeated the first one counts.

Lengths follow SMPP 3.4 §5.3.2; where SMPP 5.0 §4.8 is wider, that. Values are checked only where the specification
closes the list: a reserved value of an open list is the business of whoever uses the TLV.
"""

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct

from smsagg.smpp.errors import FieldError, PduEncodeError
from smsagg.smpp.status import (
    ESME_RINVOPTPARAMVAL,
    ESME_RINVOPTPARSTREAM,
    ESME_RINVPARLEN,
    ESME_ROPTPARNOTALLWD,
)

Tlvs = tuple[tuple[int, bytes], ...]
"""TLVs of one PDU, in order: ``(tag, value)``."""

_HEAD = Struct(">HH")
VALUE_OCTETS_MAX = 0xFFFF


class Tag(IntEnum):
    """TLV tags by the specification's names (SMPP 3.4 §5.3.2, SMPP 5.0 §4.8.1)."""

    DEST_ADDR_SUBUNIT = 0x0005
    DEST_NETWORK_TYPE = 0x0006
    DEST_BEARER_TYPE = 0x0007
    DEST_TELEMATICS_ID = 0x0008
    SOURCE_ADDR_SUBUNIT = 0x000D
    SOURCE_NETWORK_TYPE = 0x000E
    SOURCE_BEARER_TYPE = 0x000F
    SOURCE_TELEMATICS_ID = 0x0010
    QOS_TIME_TO_LIVE = 0x0017
    PAYLOAD_TYPE = 0x0019
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    MS_MSG_WAIT_FACILITIES = 0x0030
    PRIVACY_INDICATOR = 0x0201
    SOURCE_SUBADDRESS = 0x0202
    DEST_SUBADDRESS = 0x0203
    USER_MESSAGE_REFERENCE = 0x0204
    USER_RESPONSE_CODE = 0x0205
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    LANGUAGE_INDICATOR = 0x020D
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    CALLBACK_NUM_PRES_IND = 0x0302
    CALLBACK_NUM_ATAG = 0x0303
    NUMBER_OF_MESSAGES = 0x0304
    CALLBACK_NUM = 0x0381
    DPF_RESULT = 0x0420
    SET_DPF = 0x0421
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    DELIVERY_FAILURE_REASON = 0x0425
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428
    USSD_SERVICE_OP = 0x0501
    BROADCAST_CHANNEL_INDICATOR = 0x0600
    BROADCAST_CONTENT_TYPE = 0x0601
    BROADCAST_CONTENT_TYPE_INFO = 0x0602
    BROADCAST_MESSAGE_CLASS = 0x0603
    BROADCAST_REP_NUM = 0x0604
    BROADCAST_FREQUENCY_INTERVAL = 0x0605
    BROADCAST_AREA_IDENTIFIER = 0x0606
    BROADCAST_ERROR_STATUS = 0x0607
    BROADCAST_AREA_SUCCESS = 0x0608
    BROADCAST_END_TIME = 0x0609
    BROADCAST_SERVICE_GROUP = 0x060A
    BILLING_IDENTIFICATION = 0x060B
    SOURCE_NETWORK_ID = 0x060D
    DEST_NETWORK_ID = 0x060E
    SOURCE_NODE_ID = 0x060F
    DEST_NODE_ID = 0x0610
    DEST_ADDR_NP_RESOLUTION = 0x0611
    DEST_ADDR_NP_INFORMATION = 0x0612
    DEST_ADDR_NP_COUNTRY = 0x0613
    DISPLAY_TIME = 0x1201
    SMS_SIGNAL = 0x1203
    MS_VALIDITY = 0x1204
    ALERT_ON_MESSAGE_DELIVERY = 0x130C
    ITS_REPLY_TYPE = 0x1380
    ITS_SESSION_INFO = 0x1383


VENDOR_TAG_FIRST = 0x1400
VENDOR_TAG_LAST = 0x3FFF
"""Tags reserved for vendors: ``VENDOR_TAG_FIRST`` to ``VENDOR_TAG_LAST``."""

_Rule = tuple[int, int, frozenset[bytes] | None]


def _octets(least: int, most: int | None = None) -> _Rule:
    return least, least if most is None else most, None


def _one_of(*values: int) -> _Rule:
    return 1, 1, frozenset(bytes((value,)) for value in values)


RULES: dict[int, _Rule] = {
    Tag.DEST_ADDR_SUBUNIT: _octets(1),
    Tag.DEST_NETWORK_TYPE: _octets(1),
    Tag.DEST_BEARER_TYPE: _octets(1),
    Tag.DEST_TELEMATICS_ID: _octets(2),
    Tag.SOURCE_ADDR_SUBUNIT: _octets(1),
    Tag.SOURCE_NETWORK_TYPE: _octets(1),
    Tag.SOURCE_BEARER_TYPE: _octets(1),
    Tag.SOURCE_TELEMATICS_ID: _octets(1),
    Tag.QOS_TIME_TO_LIVE: _octets(4),
    Tag.PAYLOAD_TYPE: _octets(1),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: _octets(1, 256),
    Tag.RECEIPTED_MESSAGE_ID: _octets(1, 65),
    Tag.MS_MSG_WAIT_FACILITIES: _octets(1),
    Tag.PRIVACY_INDICATOR: _one_of(0, 1, 2, 3),
    Tag.SOURCE_SUBADDRESS: _octets(2, 23),
    Tag.DEST_SUBADDRESS: _octets(2, 23),
    Tag.USER_MESSAGE_REFERENCE: _octets(2),
    Tag.USER_RESPONSE_CODE: _octets(1),
    Tag.SOURCE_PORT: _octets(2),
    Tag.DESTINATION_PORT: _octets(2),
    Tag.SAR_MSG_REF_NUM: _octets(2),
    Tag.LANGUAGE_INDICATOR: _octets(1),
    Tag.SAR_TOTAL_SEGMENTS: _octets(1),
    Tag.SAR_SEGMENT_SEQNUM: _octets(1),
    Tag.SC_INTERFACE_VERSION: _octets(1),
    Tag.CALLBACK_NUM_PRES_IND: _octets(1),
    Tag.CALLBACK_NUM_ATAG: _octets(0, 65),
    Tag.NUMBER_OF_MESSAGES: _one_of(*range(100)),
    Tag.CALLBACK_NUM: _octets(4, 19),
    Tag.DPF_RESULT: _one_of(0, 1),
    Tag.SET_DPF: _one_of(0, 1),
    Tag.MS_AVAILABILITY_STATUS: _octets(1),
    Tag.NETWORK_ERROR_CODE: _octets(3),
    Tag.MESSAGE_PAYLOAD: _octets(0, VALUE_OCTETS_MAX),
    Tag.DELIVERY_FAILURE_REASON: _octets(1),
    Tag.MORE_MESSAGES_TO_SEND: _one_of(0, 1),
    Tag.MESSAGE_STATE: _octets(1),
    Tag.CONGESTION_STATE: _one_of(*range(101)),
    Tag.USSD_SERVICE_OP: _octets(1),
    Tag.BROADCAST_CHANNEL_INDICATOR: _octets(1),
    Tag.BROADCAST_CONTENT_TYPE: _octets(3),
    Tag.BROADCAST_MESSAGE_CLASS: _octets(1),
    Tag.BROADCAST_REP_NUM: _octets(2),
    Tag.BROADCAST_FREQUENCY_INTERVAL: _octets(3),
    Tag.BROADCAST_ERROR_STATUS: _octets(4),
    Tag.BROADCAST_AREA_SUCCESS: _octets(1),
    Tag.BILLING_IDENTIFICATION: _octets(1, 1024),
    Tag.SOURCE_NETWORK_ID: _octets(7, 65),
    Tag.DEST_NETWORK_ID: _octets(7, 65),
    Tag.SOURCE_NODE_ID: _octets(6),
    Tag.DEST_NODE_ID: _octets(6),
    Tag.DEST_ADDR_NP_RESOLUTION: _octets(1),
    Tag.DEST_ADDR_NP_INFORMATION: _octets(10),
    Tag.DEST_ADDR_NP_COUNTRY: _octets(1, 5),
    Tag.DISPLAY_TIME: _octets(1),
    Tag.SMS_SIGNAL: _octets(2),
    Tag.MS_VALIDITY: _octets(1, 4),
    Tag.ALERT_ON_MESSAGE_DELIVERY: _octets(0, 1),
    Tag.ITS_REPLY_TYPE: _octets(1),
    Tag.ITS_SESSION_INFO: _octets(2),
}
"""Tag → (least octets, most octets, values allowed or ``None`` for any). Tags that are not here may hold anything."""
RULES = {int(tag): rule for tag, rule in RULES.items()}


def decode_tlvs(raw: bytes, tlvs_max: int, start: int = 0, *, check: bool = True) -> Tlvs:
    """The TLVs in ``raw[start:]``.

    Raises :class:`FieldError` with ESME_RINVOPTPARSTREAM for a length past the end or 1 to 3 stray octets,
    ESME_ROPTPARNOTALLWD for more than ``tlvs_max``, and with ``check`` ESME_RINVPARLEN and ESME_RINVOPTPARAMVAL
    for a known tag of wrong length or value. Without ``check`` a stream that breaks off gives the TLVs before that.
    """
    end = len(raw)
    tlvs: list[tuple[int, bytes]] = []
    while start < end:
        if end - start < 4:
            if check:
                raise FieldError(ESME_RINVOPTPARSTREAM)
            break
        tag, octets = _HEAD.unpack_from(raw, start)
        start += 4
        if start + octets > end:
            if check:
                raise FieldError(ESME_RINVOPTPARSTREAM)
            break
        if len(tlvs) == tlvs_max:
            raise FieldError(ESME_ROPTPARNOTALLWD)
        value = raw[start : start + octets]
        start += octets
        if check and tag in RULES:
            least, most, allowed = RULES[tag]
            if not least <= octets <= most:
                raise FieldError(ESME_RINVPARLEN)
            if allowed is not None and value not in allowed:
                raise FieldError(ESME_RINVOPTPARAMVAL)
        tlvs.append((tag, value))
    return tuple(tlvs)


def encode_tlvs(tlvs: Iterable[tuple[int, bytes]]) -> bytes:
    """The wire form, in the order given. Raises :class:`PduEncodeError` for a tag or length beyond 16 bits."""
    parts: list[bytes] = []
    for tag, value in tlvs:
        if not (0 <= tag <= 0xFFFF and len(value) <= VALUE_OCTETS_MAX):
            raise PduEncodeError(f"tlvs: tag {tag:#x} with {len(value)} octets does not fit")
        parts += (_HEAD.pack(tag, len(value)), value)
    return b"".join(parts)


def tlv_value(tlvs: Iterable[tuple[int, bytes]], tag: int) -> bytes | None:
    """The value of the first TLV with this tag, ``None`` when there is none."""
    for candidate, value in tlvs:
        if candidate == tag:
            return value
    return None


def tlv_int(tlvs: Iterable[tuple[int, bytes]], tag: int) -> int | None:
    """The value as an unsigned integer (big-endian, however long); ``None`` when absent or of no octets."""
    value = tlv_value(tlvs, tag)
    return int.from_bytes(value, "big") if value else None


def tlv_text(tlvs: Iterable[tuple[int, bytes]], tag: int) -> str | None:
    """The value as text (latin-1) up to its first NUL, which some peers leave out; ``None`` when absent."""
    value = tlv_value(tlvs, tag)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def tlv_of_int(tag: Tag, value: int) -> tuple[int, bytes]:
    """A TLV that holds an unsigned integer in the octets that the specification gives ``tag``."""
    try:
        return int(tag), value.to_bytes(RULES[tag][0], "big")
    except OverflowError:
        raise PduEncodeError(f"{tag.name.lower()}: {value} does not fit") from None


def tlv_of_text(tag: Tag, text: str) -> tuple[int, bytes]:
    """A TLV that holds a C-octet string: ``text`` in latin-1 and its NUL."""
    try:
        value = text.encode("latin-1")
    except UnicodeEncodeError:
        raise PduEncodeError(f"{tag.name.lower()}: not latin-1") from None
    if 0 in value:
        raise PduEncodeError(f"{tag.name.lower()}: holds a NUL")
    return int(tag), value + b"\0"
