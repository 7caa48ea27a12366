"""TLVs: names, lengths and values, and what is kept of those that nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp_strategies import TLVS
from smpplib.consts import OPTIONAL_PARAMS

from smsagg.smpp import status
from smsagg.smpp.errors import FieldError, PduEncodeError
from smsagg.smpp.tlv import (
    RULES,
    Tag,
    decode_tlvs,
    encode_tlvs,
    tlv_int,
    tlv_of_int,
    tlv_of_text,
    tlv_text,
    tlv_value,
)


@given(TLVS)
def test_tlvs_survive_a_round_trip_in_order(tlvs: tuple[tuple[int, bytes], ...]) -> None:
    """Known and unknown ones come back as they went, wherever they begin."""
    assert decode_tlvs(b"head" + encode_tlvs(tlvs), 64, 4) == tlvs


@given(st.binary(max_size=100))
def test_arbitrary_octets_raise_nothing_but_field_error(raw: bytes) -> None:
    """What decodes encodes to the same octets."""
    try:
        tlvs = decode_tlvs(raw, 64)
    except FieldError:
        return
    assert encode_tlvs(tlvs) == raw


@pytest.mark.parametrize("name", sorted(OPTIONAL_PARAMS))
def test_tags_agree_with_smpplib(name: str) -> None:
    """Names and numbers are those that another implementation uses."""
    assert Tag[name.upper()] == OPTIONAL_PARAMS[name]


@pytest.mark.parametrize("tag", sorted(RULES))
def test_a_known_tag_outside_its_lengths_is_refused(tag: int) -> None:
    """One octet too few or too many is ESME_RINVPARLEN."""
    least, most, _ = RULES[tag]
    for octets in {least - 1, most + 1} - {-1, 65_536}:
        raw = encode_tlvs([(tag, bytes(octets))])
        with pytest.raises(FieldError) as caught:
            decode_tlvs(raw, 64)
        assert caught.value.command_status == status.ESME_RINVPARLEN
        assert decode_tlvs(raw, 64, check=False) == ((tag, bytes(octets)),)


def test_reading_values() -> None:
    """The first of a tag, as octets, number or text; ``None`` when it is not there."""
    tlvs = ((0x0427, b"\2"), (0x001E, b"4711\0"), (0x001E, b"x\0"), (0x0204, b"\1\0"), (0x1400, b""))
    assert tlv_value(tlvs, Tag.RECEIPTED_MESSAGE_ID) == b"4711\0"
    assert tlv_text(tlvs, Tag.RECEIPTED_MESSAGE_ID) == "4711"
    assert tlv_int(tlvs, Tag.USER_MESSAGE_REFERENCE) == 256
    assert tlv_int(tlvs, 0x1400) is None
    assert tlv_value(tlvs, Tag.SAR_MSG_REF_NUM) is None
    assert tlv_text(tlvs, Tag.SAR_MSG_REF_NUM) is None
    assert tlv_text(((0x001E, b"no nul"),), Tag.RECEIPTED_MESSAGE_ID) == "no nul"


def test_making_values() -> None:
    """Integers take the octets of their tag, texts their NUL; what does not fit is refused."""
    assert tlv_of_int(Tag.MESSAGE_STATE, 2) == (0x0427, b"\2")
    assert tlv_of_int(Tag.QOS_TIME_TO_LIVE, 60) == (0x0017, b"\0\0\0\x3c")
    assert tlv_of_text(Tag.RECEIPTED_MESSAGE_ID, "a1") == (0x001E, b"a1\0")
    for wrong in (lambda: tlv_of_int(Tag.MESSAGE_STATE, 256), lambda: tlv_of_int(Tag.MESSAGE_STATE, -1)):
        with pytest.raises(PduEncodeError):
            wrong()
    for text in ("a\0b", "✓"):
        with pytest.raises(PduEncodeError):
            tlv_of_text(Tag.RECEIPTED_MESSAGE_ID, text)
