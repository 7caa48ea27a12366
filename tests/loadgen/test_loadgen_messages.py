"""The generator's own ways to write and read PDUs agree with the codec."""

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsagg.errors import ConfigError
from smsagg.loadgen import wire
from smsagg.loadgen.templates import DESTINATIONS, MessageShape, Templates
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.pdu import DeliverSm, DeliverSmResp, SubmitSm
from smsagg.smpp.tlv import Tag


@given(st.integers(1, 0x7FFFFFFF), st.integers(0, 999_999_999))
def test_messages_are_submit_sm_with_their_number(sequence_number: int, number: int) -> None:
    """The codec reads what the templates make; the text ends in the nonce."""
    templates = Templates(MessageShape(text="Hi", registered_delivery=1), "abc", Random(1))
    pdu = decode(templates.submit_sm(sequence_number, number))
    assert isinstance(pdu, SubmitSm)
    assert pdu.sequence_number == sequence_number
    assert pdu.short_message == b"Hi " + templates.nonce(number).encode()
    assert pdu.registered_delivery == 1
    assert pdu.destination_addr.isdecimal()


def test_the_default_mix_reaches_every_country() -> None:
    """Consecutive messages go to the five countries in turn."""
    templates = Templates(MessageShape(), "abc", Random(1))
    pdus = [decode(templates.submit_sm(1, number)) for number in range(10)]
    starts = [pattern.rstrip("?") for pattern in DESTINATIONS]
    for number, pdu in enumerate(pdus):
        assert isinstance(pdu, SubmitSm)
        assert pdu.destination_addr.startswith(starts[number % 5])


@pytest.mark.parametrize(
    "shape",
    [
        {"destinations": ("+44x",)},
        {"destinations": ()},
        {"destinations": ("4" * 21,)},
        {"text": "é"},
        {"text": "x" * 250},
        {"source_addr": "s" * 21},
    ],
)
def test_impossible_shapes_are_refused(shape: dict[str, object]) -> None:
    """What cannot be sent is a ConfigError."""
    with pytest.raises(ConfigError):
        MessageShape(**shape)  # type: ignore[arg-type]


@given(st.text("0123456789abcdef-", min_size=1, max_size=64), st.sampled_from(["DELIVRD", "UNDELIV", "X"]))
def test_a_receipt_is_read_from_its_text(message_id: str, stat: str) -> None:
    """Id and stat of an appendix B text are found."""
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:{stat} err:000 text:"
    frame = encode(DeliverSm(source_addr="447700900123", esm_class=4, short_message=text.encode(), sequence_number=1))
    octets = b"before" + frame + b"after"
    assert wire.read_receipt(octets, 6, 6 + len(frame)) == (message_id.encode(), stat.encode())


def test_a_receipt_without_text_is_read_from_its_tlv() -> None:
    """receipted_message_id alone is enough."""
    tlvs = ((Tag.RECEIPTED_MESSAGE_ID, b"abc123\0"), (Tag.MESSAGE_STATE, b"\x02"))
    frame = encode(DeliverSm(esm_class=4, tlvs=tlvs, sequence_number=1))
    assert wire.read_receipt(frame, 0, len(frame)) == (b"abc123", b"")


@given(st.binary(max_size=100))
@example(b"\x00\x1e\x00")
@example(b"id:a stat:")
def test_anything_else_is_no_receipt_and_no_crash(body: bytes) -> None:
    """Arbitrary octets are read as something or nothing."""
    frame = b"\0" * 16 + body
    wire.read_receipt(frame, 0, len(frame))


def test_the_answer_to_a_receipt() -> None:
    """It is the deliver_sm_resp that the codec knows."""
    assert decode(wire.deliver_sm_resp(7)) == DeliverSmResp(sequence_number=7)
