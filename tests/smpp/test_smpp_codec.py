"""The codec: round trips, the fast path against the declared one, and any octets at all."""

from struct import Struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from smpp_strategies import ANY_PDU, KINDS, OCTET, TLVS, c_string, pdus_of

from smsagg.smpp import declared, fast
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.errors import PduEncodeError, PduError
from smsagg.smpp.limits import DEFAULT_LIMITS, Limits
from smsagg.smpp.pdu import (
    PDUS,
    BindReceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    QuerySm,
    ShortMessage,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.status import ESME_RINVCMDLEN

HOT = (SubmitSm, DeliverSm, SubmitSmResp, DeliverSmResp, EnquireLink, EnquireLinkResp)


def outcome_of(decoder, frame: bytes) -> object:
    """What a decoder makes of a frame, errors included, in a form that compares."""
    try:
        return decoder(frame, DEFAULT_LIMITS)
    except PduError as error:
        return error.command_id, error.sequence_number, error.command_status


def encoding_of(encoder, pdu: Pdu) -> bytes | None:
    """The octets, ``None`` when they cannot be."""
    try:
        return encoder(pdu)
    except PduEncodeError:
        return None


def with_length(frame: bytes) -> bytes:
    """The same frame with the command_length that it should have."""
    return len(frame).to_bytes(4, "big") + frame[4:]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_pdu_survives_a_round_trip(kind: type[Pdu], data: st.DataObject) -> None:
    """What was encoded decodes to the same PDU, in either codec."""
    pdu = data.draw(pdus_of(kind))
    frame = encode(pdu)
    assert Struct(">I").unpack_from(frame)[0] == len(frame)
    assert decode(frame) == pdu
    assert declared.encode(pdu) == frame
    assert declared.decode(frame, DEFAULT_LIMITS) == pdu


@given(st.binary(max_size=200))
def test_arbitrary_octets_raise_nothing_but_pdu_error(octets: bytes) -> None:
    """Any frame is a PDU or a PduError, whatever its header says."""
    for frame in (octets, with_length(octets.ljust(16, b"\0"))):
        outcome_of(decode, frame)


@given(st.sampled_from(sorted(PDUS)), st.binary(max_size=200))
def test_arbitrary_bodies_raise_nothing_but_pdu_error(command_id: int, body: bytes) -> None:
    """A known command with any body is that PDU or a PduError that names it."""
    frame = Struct(">IIII").pack(16 + len(body), command_id, 0, 7) + body
    outcome = outcome_of(decode, frame)
    assert outcome == outcome_of(declared.decode, frame)
    assert isinstance(outcome, Pdu) or outcome[:2] == (command_id, 7)


@given(st.sampled_from(HOT), st.data())
def test_fast_decoding_equals_declared_decoding_on_damaged_frames(kind: type[Pdu], data: st.DataObject) -> None:
    """A frame cut, stretched or changed anywhere decodes the same way on both paths, errors included."""
    frame = bytearray(encode(data.draw(pdus_of(kind))))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(16, max(16, len(frame) - 1)))
        match data.draw(st.sampled_from(("change", "cut", "insert"))):
            case "change" if at < len(frame):
                frame[at] = data.draw(OCTET)
            case "cut":
                del frame[at : at + data.draw(st.integers(1, 30))]
            case _:
                frame[at:at] = data.draw(st.binary(min_size=1, max_size=30))
    damaged = with_length(bytes(frame))
    assert outcome_of(decode, damaged) == outcome_of(declared.decode, damaged)


@given(
    st.sampled_from((SubmitSm, DeliverSm)),
    c_string(30),
    st.text(max_size=25),
    st.integers(-1, 256),
    st.sampled_from(("", "000001000000000R", "x", "0" * 17, "\0" * 16)),
    st.binary(max_size=260),
    TLVS,
)
@example(SubmitSm, "abcdefg", "1", 0, "", b"", ())
@example(SubmitSm, "", "", 0, "", b"a" * 256, ())
def test_fast_encoding_equals_declared_encoding(
    kind: type[ShortMessage],
    text: str,
    wild: str,
    octet: int,
    time: str,
    body: bytes,
    tlvs: tuple[tuple[int, bytes], ...],
) -> None:
    """Whatever the fields hold, both encoders give the same octets or both refuse."""
    pdu = kind(
        service_type=text[:6],
        source_addr=text,
        destination_addr=wild,
        esm_class=octet,
        validity_period=time,
        short_message=body,
        tlvs=tlvs,
    )
    assert encoding_of(encode, pdu) == encoding_of(declared.encode, pdu)


@given(st.lists(st.tuples(st.integers(0, 0x7FFFFFFF), st.text("0123456789abcdef", max_size=64)), max_size=20))
def test_a_batch_of_submit_sm_resp_equals_its_members(answers: list[tuple[int, str]]) -> None:
    """The batch is the concatenation of what each response encodes to."""
    batch = fast.encode_submit_sm_resps([number for number, _ in answers], [message_id for _, message_id in answers])
    assert batch == b"".join(encode(SubmitSmResp(message_id, sequence_number=number)) for number, message_id in answers)


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 127, 200])
@pytest.mark.parametrize("octets", [0, 1, 16, 17, 65, 66])
def test_a_batch_of_any_size_equals_its_members(count: int, octets: int) -> None:
    """Ids of one length, of the most and beyond it, in batches around the sizes that are packed at once."""
    numbers, message_id = list(range(0x7FFFFFFF - count, 0x7FFFFFFF)), "7" * octets
    answers = [encode(SubmitSmResp(message_id, sequence_number=number)) for number in numbers]
    assert fast.encode_submit_sm_resps(numbers, [message_id] * count) == b"".join(answers)
    refusals = [encode(SubmitSmResp(sequence_number=number, command_status=0x58)) for number in numbers]
    assert fast.encode_submit_sm_refusals(numbers, 0x58) == b"".join(refusals)
    acknowledgements = [encode(DeliverSmResp(sequence_number=number)) for number in numbers]
    assert fast.encode_deliver_sm_resps(numbers) == b"".join(acknowledgements)


@given(st.lists(st.integers(0, 0x7FFFFFFF), max_size=20))
def test_a_batch_of_deliver_sm_resp_equals_its_members(numbers: list[int]) -> None:
    """The batch is the concatenation of what each response encodes to."""
    assert fast.encode_deliver_sm_resps(numbers) == b"".join(
        encode(DeliverSmResp(sequence_number=number)) for number in numbers
    )


@pytest.mark.parametrize("message_id", ["a\0b", "é", "✓"])
def test_a_batch_refuses_ids_that_would_break_the_stream(message_id: str) -> None:
    """A NUL in a message_id would end it early, so nothing is encoded."""
    with pytest.raises(PduEncodeError):
        fast.encode_submit_sm_resps([1, 2], ["ok", message_id])


@pytest.mark.parametrize(
    "pdu",
    [
        SubmitSm(source_addr="a\0b"),
        SubmitSm(destination_addr="✓"),
        SubmitSm(esm_class=256),
        SubmitSm(short_message=b"x" * 256),
        SubmitSm(sequence_number=-1),
        SubmitSm(tlvs=((0x10000, b""),)),
        SubmitSm(tlvs=((0x0424, b"x" * 65536),)),
        SubmitMulti(),
        QuerySm(message_id="\0"),
        BindReceiver(interface_version=-1),
        SubmitSmResp(command_status=1 << 32),
    ],
)
def test_what_the_wire_cannot_carry_is_refused(pdu: Pdu) -> None:
    """Our own mistakes are named before an octet is queued."""
    with pytest.raises(PduEncodeError):
        encode(pdu)


@given(ANY_PDU)
def test_a_password_is_not_in_the_representation(pdu: Pdu) -> None:
    """What is logged by accident does not hold a password."""
    assert "password" not in repr(pdu)


@pytest.mark.parametrize("command_length", [0, 15, 17, 0xFFFFFFFF])
def test_a_frame_that_is_not_as_long_as_it_says_is_refused(command_length: int) -> None:
    """One frame is one PDU."""
    frame = command_length.to_bytes(4, "big") + encode(EnquireLink(sequence_number=9))[4:]
    assert outcome_of(decode, frame) == (EnquireLink.command_id, 9, ESME_RINVCMDLEN)
    assert outcome_of(decode, frame[:15]) == (0, 0, ESME_RINVCMDLEN)


def test_tlv_count_is_bounded() -> None:
    """The limit is the one given."""
    frame = encode(SubmitSm(tlvs=tuple((0x1400 + i, b"") for i in range(4))))
    assert len(decode(frame, Limits(tlvs_max=4)).tlvs) == 4
    with pytest.raises(PduError):
        decode(frame, Limits(tlvs_max=3))
