"""A part on the wire, in each form that a carrier may want, as read back from the PDU."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.carriers.smpp.translate import submit_sm_of
from smsagg.config.units import HostPort
from smsagg.model import Message, PartGroup, PartReceipts
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.concatenation import (
    UDHI,
    Concatenation,
    read_sar,
    read_user_data,
    sar_tlvs,
    without_sar,
    write_user_data,
)
from smsagg.smpp.pdu import SubmitSm
from smsagg.smpp.tlv import Tag, encode_tlvs, tlv_value
from smsagg.testing.gateway import make_message

PORTS = b"\x05\x04\x0b\x84\x23\xf0"
OTHER_TLV = (int(Tag.USER_MESSAGE_REFERENCE), b"\0\7")


def settings(form: str) -> SmppSettings:
    return SmppSettings(address=HostPort("smsc.example:2775"), system_id="us", long_messages=form)


def part(is_split: bool, said: Concatenation, **fields: object) -> Message:
    message = make_message(0, **fields)
    message.part_number = said.number
    message.group = PartGroup(
        1, "", "acme", "", "", said.reference, said.total, is_split, PartReceipts.ALL, 1, b"", 0, 0, 0
    )
    return message


def told(pdu: SubmitSm) -> tuple[str, Concatenation | None, bytes, bytes]:
    """Form, what it says, the other elements, the text."""
    sar = read_sar(pdu.tlvs)
    body = tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or pdu.short_message
    data = read_user_data(body) if pdu.esm_class & UDHI else None
    elements, text = (b"", body) if data is None else (data.elements, data.text)
    if sar is not None:
        assert data is None or data.concatenation is None
        return "sar", sar, elements, text
    if data is None or data.concatenation is None:
        return "whole", None, elements, text
    return ("udh16" if data.concatenation.is_wide else "udh"), data.concatenation, elements, text


@given(
    st.sampled_from(["udh", "udh16", "sar"]),
    st.sampled_from(["udh", "udh16", "sar", "cut"]),
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.integers(1, 255),
    st.binary(min_size=1, max_size=130),
)
def test_every_form_in_becomes_every_form_out(
    form_out: str, form_in: str, has_ports: bool, reference: int, total: int, text: bytes
) -> None:
    """The text, the other elements and the other TLVs arrive; total and number too, the reference as wide as it can."""
    reference &= 0xFF if form_in == "udh" else 0xFFFF
    said = Concatenation(reference, total, 1 + reference % total, form_in == "udh16")
    elements = PORTS if has_ports else b""
    written = said if form_in in ("udh", "udh16") else None
    message = part(
        form_in == "cut",
        said,
        body=write_user_data(written, elements, text),
        esm_class=UDHI if written or elements else 0,
        tlvs=encode_tlvs((OTHER_TLV, *(sar_tlvs(said) if form_in == "sar" else ()))),
    )
    pdu = submit_sm_of(message, settings(form_out), 0)
    expected = said._replace(
        reference=reference & (0xFF if form_out == "udh" else 0xFFFF), is_wide=form_out in ("udh16", "sar")
    )
    assert told(pdu) == (form_out, expected, elements, text)
    assert without_sar(pdu.tlvs) == (OTHER_TLV,)
    assert bool(pdu.esm_class & UDHI) == (form_out != "sar" or has_ports)


@pytest.mark.parametrize("form", ["as_is", "payload"])
def test_a_submitted_part_is_sent_on_unchanged(form: str) -> None:
    """Octet for octet, whatever its header holds and in whatever order."""
    body = b"\x0b" + PORTS + b"\x00\x03\x2a\x02\x01" + b"hello"
    message = part(False, Concatenation(0x2A, 2, 1), body=body, esm_class=UDHI | 3, tlvs=encode_tlvs([OTHER_TLV]))
    pdu = submit_sm_of(message, settings(form), 0)
    assert (pdu.short_message, pdu.esm_class, pdu.tlvs) == (body, UDHI | 3, (OTHER_TLV,))


@pytest.mark.parametrize("form", ["as_is", "payload"])
def test_a_part_that_we_cut_goes_singly_with_a_header(form: str) -> None:
    """When the others are not at hand to go whole."""
    pdu = submit_sm_of(part(True, Concatenation(0x1234, 3, 2), body=b"hello"), settings(form), 0)
    assert told(pdu) == ("udh", Concatenation(0x34, 3, 2), b"", b"hello")


@pytest.mark.parametrize(
    ("form", "octets", "in_payload"), [("payload", 160, False), ("payload", 161, True), ("as_is", 161, False)]
)
def test_a_long_short_message_goes_as_payload_where_that_is_wanted(form: str, octets: int, in_payload: bool) -> None:
    """What one short message does not hold."""
    pdu = submit_sm_of(make_message(0, body=b"x" * octets), settings(form), 0)
    assert (tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD) is not None) == in_payload
    assert len(pdu.short_message) == (0 if in_payload else octets)


def test_a_part_that_came_as_payload_is_a_short_message_if_it_fits() -> None:
    """And a payload if its header makes it too long."""
    said = Concatenation(7, 2, 1)
    for octets, in_payload in ((100, False), (250, True)):
        message = part(False, said, body=b"x" * octets, in_payload=True, tlvs=encode_tlvs(sar_tlvs(said)))
        pdu = submit_sm_of(message, settings("udh"), 0)
        assert (tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD) is not None) == in_payload
        assert told(pdu) == ("udh", said, b"", b"x" * octets)


@pytest.mark.parametrize("form", ["udh", "udh16"])
@pytest.mark.parametrize("header_octets", [249, 250, 251, 255])
def test_a_part_without_room_for_a_header_goes_as_it_came(form: str, header_octets: int) -> None:
    """Its header is as long as a header can be, or nearly: what does not fit is not written, and breaks nothing."""
    elements = bytes((0x70, header_octets - 2)) + bytes(header_octets - 2)
    said = Concatenation(7, 2, 1)
    body = write_user_data(None, elements, b"text")
    message = part(False, said, esm_class=UDHI, body=body, in_payload=True, tlvs=encode_tlvs(sar_tlvs(said)))
    pdu = decode(encode(submit_sm_of(message, settings(form), 0)))
    assert isinstance(pdu, SubmitSm)
    room = 255 - header_octets
    how, told_said, told_elements, text = told(pdu)
    assert (told_elements, text) == (elements, b"text")
    assert how == (form if room >= (5 if form == "udh" else 6) else "sar")
    assert told_said is not None
    assert told_said[:3] == said[:3]


@pytest.mark.parametrize("form", ["udh", "udh16", "sar"])
@pytest.mark.parametrize("octets", [65_529, 65_530, 65_535])
def test_a_part_of_the_greatest_length_can_be_sent(form: str, octets: int) -> None:
    """It has no room for six octets more."""
    said = Concatenation(7, 2, 1)
    message = part(False, said, body=bytes(octets), in_payload=True, tlvs=encode_tlvs(sar_tlvs(said)))
    pdu = decode(encode(submit_sm_of(message, settings(form), 0)))
    assert isinstance(pdu, SubmitSm)
    assert told(pdu)[3] == bytes(octets)
