"""smpplib, an implementation nobody here wrote, as the oracle: each side reads what the other writes.

Only what smpplib can do is compared: latin-1 beyond ASCII, unknown TLVs and several PDUs are beyond it.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.smpp import make_pdu, parse_pdu

from smsagg.smpp import pdu as p
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.command import name_of
from smsagg.smpp.layout import LAYOUTS
from smsagg.smpp.tlv import Tag, tlv_of_int

OCTET = st.integers(0, 255)


def ascii_of(octets: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=least, max_size=octets)


ADDRESSES = {
    "source_addr_ton": OCTET,
    "source_addr_npi": OCTET,
    "source_addr": ascii_of(20),
}
DESTINATION = {"dest_addr_ton": OCTET, "dest_addr_npi": OCTET, "destination_addr": ascii_of(20)}
BIND = {
    "system_id": ascii_of(15),
    "password": ascii_of(8),
    "system_type": ascii_of(12),
    "interface_version": OCTET,
    "addr_ton": OCTET,
    "addr_npi": OCTET,
    "address_range": ascii_of(40),
}
SHORT_MESSAGE = {
    "service_type": ascii_of(5),
    **ADDRESSES,
    **DESTINATION,
    "esm_class": OCTET,
    "protocol_id": OCTET,
    "priority_flag": OCTET,
    "schedule_delivery_time": st.sampled_from(["", "261121120000000+"]),
    "validity_period": st.sampled_from(["", "000001000000000R"]),
    "registered_delivery": OCTET,
    "replace_if_present_flag": OCTET,
    "data_coding": OCTET,
    "sm_default_msg_id": OCTET,
    "short_message": st.binary(max_size=254),
}
MESSAGE_ID = {"message_id": ascii_of(64)}

KINDS: dict[type[p.Pdu], dict[str, st.SearchStrategy[Any]]] = {
    p.BindTransmitter: BIND,
    p.BindReceiver: BIND,
    p.BindTransceiver: BIND,
    p.BindTransmitterResp: {"system_id": ascii_of(15)},
    p.BindReceiverResp: {"system_id": ascii_of(15)},
    p.BindTransceiverResp: {"system_id": ascii_of(15)},
    p.SubmitSm: SHORT_MESSAGE,
    p.DeliverSm: SHORT_MESSAGE,
    p.SubmitSmResp: MESSAGE_ID,
    p.DeliverSmResp: MESSAGE_ID,
    p.DataSm: {
        "service_type": ascii_of(5),
        **ADDRESSES,
        **DESTINATION,
        "esm_class": OCTET,
        "registered_delivery": OCTET,
        "data_coding": OCTET,
    },
    p.DataSmResp: MESSAGE_ID,
    p.QuerySm: {"message_id": ascii_of(64, 1), **ADDRESSES},
    p.QuerySmResp: {
        **MESSAGE_ID,
        "final_date": st.sampled_from(["", "261121120000000+"]),
        "message_state": OCTET,
        "error_code": OCTET,
    },
    p.Unbind: {},
    p.UnbindResp: {},
    p.EnquireLink: {},
    p.EnquireLinkResp: {},
    p.GenericNack: {},
}


def as_text(value: Any) -> Any:
    """smpplib reads strings as bytes, and an empty body as nothing."""
    if value is None:
        return ""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def as_smpplib(pdu: p.Pdu) -> Any:
    """The same PDU made by smpplib, which overwrites some constructor arguments."""
    theirs = make_pdu(name_of(pdu.command_id), sequence=pdu.sequence_number)
    for field in LAYOUTS[type(pdu)]:
        setattr(theirs, field.name, getattr(pdu, field.name))
    theirs.sequence = pdu.sequence_number
    return theirs


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data(), sequence_number=st.integers(1, 0x7FFFFFFF))
def test_each_reads_what_the_other_writes(kind: type[p.Pdu], data: st.DataObject, sequence_number: int) -> None:
    """The same octets from both, the same fields from both."""
    pdu = kind(**{name: data.draw(values) for name, values in KINDS[kind].items()}, sequence_number=sequence_number)
    octets = encode(pdu)
    assert as_smpplib(pdu).generate() == octets
    theirs = parse_pdu(octets, sequence=0)
    assert theirs.command == name_of(pdu.command_id)
    assert theirs.sequence == sequence_number
    for name in KINDS[kind]:
        ours = getattr(pdu, name)
        assert as_text(getattr(theirs, name)) == as_text(ours), name
    assert decode(octets) == pdu


@given(st.integers(0, 255), st.integers(0, 65535), st.binary(min_size=1, max_size=260), ascii_of(64, 1))
def test_tlvs_of_a_receipt_mean_the_same(state: int, reference: int, payload: bytes, message_id: str) -> None:
    """Integers, octet strings and C-octet strings."""
    theirs = make_pdu("deliver_sm", sequence=1)
    theirs.message_state = state
    theirs.user_message_reference = reference
    theirs.message_payload = payload
    theirs.receipted_message_id = message_id
    pdu = decode(theirs.generate())
    assert dict(pdu.tlvs) == {
        Tag.MESSAGE_STATE: bytes((state,)),
        Tag.USER_MESSAGE_REFERENCE: reference.to_bytes(2, "big"),
        Tag.MESSAGE_PAYLOAD: payload,
        Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0",
    }
    back = parse_pdu(encode(pdu), sequence=0)
    assert (back.message_state, back.user_message_reference) == (state, reference)
    assert (back.message_payload, back.receipted_message_id) == (payload, message_id.encode())


@pytest.mark.parametrize("kind", [p.SubmitSmResp, p.BindTransceiverResp, p.QuerySmResp, p.DeliverSmResp])
def test_smpplib_reads_our_error_responses(kind: type[p.Response]) -> None:
    """Sixteen octets are enough for it."""
    octets = encode(kind(sequence_number=3, command_status=0x58))
    assert len(octets) == 16
    theirs = parse_pdu(octets, sequence=0)
    assert (theirs.status, theirs.sequence) == (0x58, 3)


def test_smpplib_reads_sc_interface_version() -> None:
    """The one TLV of a bind response."""
    octets = encode(p.BindTransceiverResp("smsc", tlvs=(tlv_of_int(Tag.SC_INTERFACE_VERSION, 0x34),)))
    assert parse_pdu(octets, sequence=0).sc_interface_version == 0x34
