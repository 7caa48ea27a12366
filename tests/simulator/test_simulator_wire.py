"""The simulator's short cuts on the wire agree with the codec."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smsagg.simulator import wire
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.errors import PduError
from smsagg.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp

octet = st.integers(0, 255)
addresses = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
times = st.sampled_from(["", "261121120000000R", "000001000000000R"])

submits = st.builds(
    SubmitSm,
    service_type=st.sampled_from(["", "CMT"]),
    source_addr_ton=octet,
    source_addr_npi=octet,
    source_addr=addresses,
    dest_addr_ton=octet,
    dest_addr_npi=octet,
    destination_addr=addresses,
    esm_class=octet,
    protocol_id=octet,
    priority_flag=octet,
    schedule_delivery_time=times,
    validity_period=times,
    registered_delivery=octet,
    data_coding=octet,
    short_message=st.binary(max_size=255),
    sequence_number=st.integers(1, 0x7FFFFFFF),
    tlvs=st.sampled_from([(), ((0x0424, b"payload"),)]),
)


@given(submits)
def test_a_submit_sm_is_read_as_the_codec_reads_it(pdu: SubmitSm) -> None:
    """Addresses, registered_delivery and the quoted text are where they really are."""
    submitted = wire.read_submit_sm(encode(pdu))
    assert submitted is not None
    assert submitted.registered_delivery == pdu.registered_delivery
    assert (
        submitted.source
        == bytes((pdu.source_addr_ton, pdu.source_addr_npi)) + pdu.source_addr.encode("latin-1") + b"\0"
    )
    assert submitted.destination[2:-1] == pdu.destination_addr.encode("latin-1")
    assert pdu.short_message.startswith(submitted.text)


@given(st.binary(max_size=80))
def test_arbitrary_octets_never_crash_the_reader(octets: bytes) -> None:
    """Anything yields fields or None."""
    wire.read_submit_sm(b"\0" * 16 + octets)


@given(submits, st.integers(0, 120))
def test_a_truncated_submit_sm_is_malformed(pdu: SubmitSm, cut: int) -> None:
    """What the codec refuses for its length the reader does not take."""
    frame = encode(SubmitSm(**{**{f: getattr(pdu, f) for f in ("source_addr", "short_message")}, "sequence_number": 1}))
    frame = frame[: max(16, len(frame) - 1 - cut)]
    frame = len(frame).to_bytes(4, "big") + frame[4:]
    try:
        decode(frame)
    except PduError:
        assert wire.read_submit_sm(frame) is None


@given(submits, st.sampled_from([*wire.STATE_CODES, "FAILED", ""]), st.integers(0, 999))
def test_a_receipt_is_a_deliver_sm(pdu: SubmitSm, word: str, error: int) -> None:
    """The codec reads the receipt, with addresses swapped."""
    submitted = wire.read_submit_sm(encode(pdu))
    assert submitted is not None
    body = wire.receipt_body(submitted, "12ab", word, error, 1_700_000_000_000, 1_700_000_060_000)
    receipt = decode(wire.deliver_sm(9, body, wire.receipt_tlvs("12ab", word)))
    assert isinstance(receipt, DeliverSm)
    assert (receipt.source_addr, receipt.destination_addr) == (pdu.destination_addr, pdu.source_addr)
    assert (receipt.source_addr_npi, receipt.dest_addr_npi) == (pdu.dest_addr_npi, pdu.source_addr_npi)
    assert receipt.short_message.startswith(b"id:12ab sub:001 ")
    assert f" stat:{word} err:{error:03d} ".encode() in receipt.short_message
    assert receipt.sequence_number == 9


@given(st.integers(1, 0x7FFFFFFF), st.sampled_from([0, 0x58]), st.sampled_from(["1", "abc-def"]))
def test_a_response_is_a_submit_sm_resp(number: int, command_status: int, message_id: str) -> None:
    """The codec reads the response; a refusal has no id."""
    response: Any = decode(wire.submit_sm_resp(number, command_status, message_id))
    assert isinstance(response, SubmitSmResp)
    assert response.message_id == ("" if command_status else message_id)
    assert (response.sequence_number, response.command_status) == (number, command_status)


@given(addresses, addresses, st.text(max_size=200))
def test_an_mo_is_a_deliver_sm(source: str, destination: str, text: str) -> None:
    """The codec reads the MO; its text survives up to the length of a short_message."""
    mo = decode(wire.deliver_sm(1, wire.mo_body(source, destination, text), b""))
    assert isinstance(mo, DeliverSm)
    assert (mo.source_addr, mo.destination_addr, mo.esm_class) == (source, destination, 0)
    coded = text.encode("ascii") if mo.data_coding == 1 else text.encode("utf-16-be", "surrogatepass")
    assert mo.short_message == coded[:254]
