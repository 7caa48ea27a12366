"""What misbehaving octets get at the front door: a clear answer where there can be one; nobody else is disturbed."""

from struct import pack
from typing import Any

import pytest
import trio.testing
from esme_bench import Bench, Client, front_door, submit_sm

from smsagg.config.schema import SessionSettings
from smsagg.smpp import pdu as p
from smsagg.smpp import status as s
from smsagg.smpp.codec import decode
from smsagg.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    Response,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.tlv import Tag

SUBMIT_SM = 0x00000004
SUBMIT_SM_RESP = 0x80000004


def frame(command_id: int, body: bytes = b"", sequence_number: int = 77, command_status: int = 0) -> bytes:
    return pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


def submit_body(
    service_type: bytes = b"\0",
    source: bytes = b"ACME\0",
    destination: bytes = b"447700900123\0",
    schedule: bytes = b"\0",
    validity: bytes = b"\0",
    message: bytes = b"\x05hello",
    tail: bytes = b"",
    esm_class: int = 0,
) -> bytes:
    head = service_type + b"\5\0" + source + b"\1\1" + destination + bytes((esm_class, 0, 0))
    return head + schedule + validity + b"\1\0\0\0" + message + tail


async def answer_to(client: Client, octets: bytes) -> Response:
    """The one answer to these octets, after which the session is alive."""
    await client.send_raw(octets)
    (answer,) = await client.waiting(Response)
    assert await client.is_alive()
    return answer


@pytest.mark.parametrize("command_length", [0, 4, 15, 70_001, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_an_impossible_length_is_nacked_and_ends_that_session_only(
    autojump_clock: trio.testing.MockClock, command_length: int
) -> None:
    """The stream cannot be found again: generic_nack ESME_RINVCMDLEN with sequence_number 0, then the end."""
    async with front_door() as bench:
        other = await bench.bound()
        client = await bench.bound()
        await client.send_raw(pack(">IIII", command_length, SUBMIT_SM, 0, 5))
        (nack,) = await client.receive_all()
        assert isinstance(nack, GenericNack)
        assert (nack.command_status, nack.sequence_number) == (s.ESME_RINVCMDLEN, 0)
        assert await other.is_alive()


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HTTP/1.0",
        b"AMQP\0\0\x09\1",
        b"\x03\0\0\x2f",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
async def test_scanners_get_a_nack_and_the_end(autojump_clock: trio.testing.MockClock, octets: bytes) -> None:
    """HTTP, AMQP, RDP and TLS hellos on the SMPP port cost nothing and harm nobody."""
    async with front_door() as bench:
        client = bench.connect()
        await client.send_raw(octets)
        (nack,) = await client.receive_all()
        assert isinstance(nack, GenericNack)
        await client.close()
        await client.ended.wait()
        assert bench.reasons() == {"unusable_header": 1}


async def test_many_length_bombs_are_closed_at_their_deadline(autojump_clock: trio.testing.MockClock) -> None:
    """Connections that promise 70,000 octets and send none of them hold no memory for them, and not for long."""
    settings = SessionSettings(session_init_timeout=1e6)  # type: ignore[arg-type]
    async with front_door(settings) as bench:
        other = await bench.bound()
        bombs = [bench.connect() for _ in range(200)]
        for bomb in bombs:
            await bomb.send_raw(pack(">II", 70_000, SUBMIT_SM))
        began_at = trio.current_time()
        for bomb in bombs:
            assert await bomb.receive_all() == []
        assert trio.current_time() - began_at == pytest.approx(10.0)
        assert await other.is_alive()


@pytest.mark.parametrize("command_id", [0x0000000A, 0x00010200, 0x8000FFFF, 0, 0xFFFFFFFF, 0x00000111])
async def test_an_unknown_command_is_nacked_and_the_session_lives(
    autojump_clock: trio.testing.MockClock, command_id: int
) -> None:
    """generic_nack ESME_RINVCMDID echoes the sequence_number; a broadcast_sm is as unknown as any."""
    async with front_door() as bench:
        client = await bench.bound()
        answer = await answer_to(client, frame(command_id, b"junk"))
        assert isinstance(answer, GenericNack)
        assert (answer.command_status, answer.sequence_number) == (s.ESME_RINVCMDID, 77)


MALFORMED: list[tuple[str, bytes, int]] = [
    ("a body cut short in an address", submit_body()[:20], s.ESME_RINVDSTADR),
    ("a body cut short before a number", submit_body()[:2], s.ESME_RINVCMDLEN),
    ("no body at all", b"", s.ESME_RINVCMDLEN),
    ("service_type too long", submit_body(service_type=b"TOOLONG\0"), s.ESME_RINVSERTYP),
    ("source_addr too long", submit_body(source=b"9" * 21 + b"\0"), s.ESME_RINVSRCADR),
    ("destination_addr too long", submit_body(destination=b"4" * 21 + b"\0"), s.ESME_RINVDSTADR),
    ("schedule_delivery_time too long", submit_body(schedule=b"2" * 20 + b"\0"), s.ESME_RINVSCHED),
    ("validity_period too long", submit_body(validity=b"2" * 20 + b"\0"), s.ESME_RINVEXPIRY),
    ("a string without its NUL", b"CMT" + b"1" * 40, s.ESME_RINVSERTYP),
    ("sm_length beyond the PDU", submit_body(message=b"\x20hello"), s.ESME_RINVMSGLEN),
    ("sm_length one too small", submit_body(message=b"\x04hello"), s.ESME_RINVOPTPARSTREAM),
    ("three stray octets", submit_body(tail=b"\x04\x24\x00"), s.ESME_RINVOPTPARSTREAM),
    ("a TLV that ends beyond the PDU", submit_body(tail=b"\x04\x24\x00\x09abc"), s.ESME_RINVOPTPARSTREAM),
    ("a TLV of the wrong length", submit_body(tail=b"\x02\x0a\x00\x01\x01"), s.ESME_RINVPARLEN),
    ("65 TLVs", submit_body(tail=b"\x14\x00\x00\x00" * 65), s.ESME_ROPTPARNOTALLWD),
    ("16,000 TLVs", submit_body(tail=b"\x14\x00\x00\x00" * 16_000), s.ESME_ROPTPARNOTALLWD),
    ("a header announced in an empty body", submit_body(message=b"\0", esm_class=0x40), s.ESME_RINVMSGLEN),
    ("a header longer than the body", submit_body(message=b"\x03\x05\0\3", esm_class=0x40), s.ESME_RINVESMCLASS),
    (
        "an element longer than its header",
        submit_body(message=b"\x06\x03\0\x09abx", esm_class=0x40),
        s.ESME_RINVESMCLASS,
    ),
    ("a reserved message type", submit_body(esm_class=0x3C), s.ESME_RINVESMCLASS),
    ("schedule in month 13", submit_body(schedule=b"271301000000000+\0"), s.ESME_RINVSCHED),
    ("schedule of 15 digits", submit_body(schedule=b"27010100000000+\0"), s.ESME_RINVSCHED),
    ("schedule with 49 quarters", submit_body(schedule=b"270101000000049+\0"), s.ESME_RINVSCHED),
    ("schedule in direction Z", submit_body(schedule=b"270101000000000Z\0"), s.ESME_RINVSCHED),
    ("schedule in the past", submit_body(schedule=b"200101000000000+\0"), s.ESME_RINVSCHED),
    ("schedule beyond the longest", submit_body(schedule=b"000600000000000R\0"), s.ESME_RINVSCHED),
    ("validity in month 13", submit_body(validity=b"271301000000000+\0"), s.ESME_RINVEXPIRY),
    ("validity in the past", submit_body(validity=b"200101000000000+\0"), s.ESME_RINVEXPIRY),
    ("validity of no length", submit_body(validity=b"000000000000000R\0"), s.ESME_RINVEXPIRY),
    ("no destination", submit_body(destination=b"\0"), s.ESME_RINVDSTADR),
    ("an alphanumeric destination", submit_body(destination=b"SOMEONE\0"), s.ESME_RINVDSTADR),
    ("a destination that no pool serves", submit_body(destination=b"84901234567\0"), s.ESME_RINVDSTADR),
]


@pytest.mark.parametrize(("body", "command_status"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
async def test_a_malformed_submit_gets_the_status_of_its_field(
    autojump_clock: trio.testing.MockClock, body: bytes, command_status: int
) -> None:
    """Its own submit_sm_resp says which field was wrong; nothing is stored, the session lives."""
    async with front_door() as bench:
        client = await bench.bound()
        answer = await answer_to(client, frame(SUBMIT_SM, body))
        assert isinstance(answer, SubmitSmResp)
        assert (hex(answer.command_status), answer.sequence_number) == (hex(command_status), 77)
        await bench.settle()
        assert bench.stored == []
        assert bench.gateway.engine.accounts["acme"].queued == 0


TOLERATED: list[tuple[str, bytes]] = [
    ("an unknown tag", submit_body(tail=b"\x14\x01\x00\x03abc")),
    ("a known tag that does not belong here", submit_body(tail=b"\x04\x27\x00\x01\x02")),
    ("64 TLVs", submit_body(tail=b"\x14\x00\x00\x00" * 64)),
    ("a body of no octets", submit_body(message=b"\0")),
    ("254 octets", submit_body(message=b"\xfe" + b"\x1b" * 254)),
    ("255 octets", submit_body(message=b"\xff" + b"x" * 255)),
    ("an odd number of UCS-2 octets", submit_body(message=b"\3\0\x41\0").replace(b"\1\0\0\0\3", b"\1\0\x08\0\3")),
    ("a reserved data_coding", submit_body(message=b"\2hi").replace(b"\1\0\0\0\2", b"\1\0\x0f\0\2")),
    ("NUL, CR, LF, ESC and broken surrogates", submit_body(message=b"\x0b\0\r\n\x1b[2J\xd8\0\xdf\xff")),
    ("a relative validity", submit_body(validity=b"000001000000000R\0")),
]


@pytest.mark.parametrize("body", [row[1] for row in TOLERATED], ids=[row[0] for row in TOLERATED])
async def test_what_is_odd_and_harmless_is_taken_octet_by_octet(
    autojump_clock: trio.testing.MockClock, body: bytes
) -> None:
    """It is accepted, stored and handed to the carrier with the body exactly as it came."""
    async with front_door() as bench:
        client = await bench.bound()
        answer = await answer_to(client, frame(SUBMIT_SM, body))
        assert (answer.command_status, answer.sequence_number) == (s.ESME_ROK, 77)
        sent = decode(frame(SUBMIT_SM, body))
        assert isinstance(sent, SubmitSm)
        await bench.settle()
        assert [message.body for message in bench.stored] == [sent.short_message]
        assert [message.body for message in bench.carrier.outstanding] == [sent.short_message]


async def test_message_payload_supersedes_short_message(autojump_clock: trio.testing.MockClock) -> None:
    """When both are there one is taken, never the two together."""
    async with front_door() as bench:
        client = await bench.bound()
        payload = b"p" * 3_000
        await client.submit_ok(short_message=b"short", tlvs=((int(Tag.MESSAGE_PAYLOAD), payload),))
        assert [message.body for message in bench.stored] == [payload]


async def test_a_command_status_in_a_request_means_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """The field is for responses."""
    async with front_door() as bench:
        client = await bench.bound()
        answer = await answer_to(client, frame(SUBMIT_SM, submit_body(), command_status=0x58))
        assert answer.command_status == s.ESME_ROK


@pytest.mark.parametrize("sequence_number", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
async def test_any_sequence_number_is_echoed(autojump_clock: trio.testing.MockClock, sequence_number: int) -> None:
    """Whatever the number of a request, its response has the same."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.send_raw(frame(SUBMIT_SM, submit_body(), sequence_number=sequence_number))
        assert (await client.receive(SubmitSmResp)).sequence_number == sequence_number


async def test_requests_with_one_number_are_each_answered(autojump_clock: trio.testing.MockClock) -> None:
    """A duplicate sequence_number is the peer's affair: three submits are three messages and three responses."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.send_raw(frame(SUBMIT_SM, submit_body(), sequence_number=5) * 3)
        answers = await client.receive_many(SubmitSmResp, 3)
        assert {answer.sequence_number for answer in answers} == {5}
        assert len({answer.message_id for answer in answers}) == 3
        assert len(bench.stored) == 3


@pytest.mark.parametrize(
    "stray",
    [
        SubmitSmResp("x", sequence_number=9),
        DeliverSmResp(sequence_number=9),
        EnquireLinkResp(sequence_number=9),
        p.BindTransceiverResp("x", sequence_number=9),
        GenericNack(sequence_number=9, command_status=s.ESME_RINVCMDID),
        GenericNack(sequence_number=0, command_status=s.ESME_RINVCMDLEN),
        p.UnbindResp(sequence_number=9),
        p.DataSmResp("x", sequence_number=9),
    ],
    ids=lambda pdu: type(pdu).__name__,
)
async def test_a_stray_response_is_dropped_in_silence(autojump_clock: trio.testing.MockClock, stray: Pdu) -> None:
    """Responses to what was never asked get no answer, a generic_nack least of all."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.send(stray)
        assert await client.waiting(Pdu) == []
        assert await client.is_alive()


async def a_receipt(bench: Bench, client: Client) -> DeliverSm:
    bench.carrier.accept_all()
    await client.submit_ok()
    await bench.settle()
    bench.carrier.receipt("alpha-1")
    return await client.receive(DeliverSm)


@pytest.mark.parametrize(
    "response",
    [
        lambda n: frame(0x80000005, b"", n),
        lambda n: frame(0x80000005, b"\0", n),
        lambda n: frame(0x80000005, b"some-id\0", n),
        lambda n: frame(0x80000005, b"without a NUL", n),
        lambda n: frame(0x80000005, b"\0\x14\x01\x00\x03abc", n),
        lambda n: frame(0x80000005, b"\0\x14\x01\xff", n),
    ],
    ids=["16 octets", "17 octets", "an id", "no NUL", "a TLV", "a broken TLV"],
)
async def test_odd_shapes_of_deliver_sm_resp_acknowledge(autojump_clock: trio.testing.MockClock, response: Any) -> None:
    """Peers write this response in every way; all of them mean that the receipt was taken."""
    async with front_door() as bench:
        client = await bench.bound()
        receipt = await a_receipt(bench, client)
        await client.send_raw(response(receipt.sequence_number))
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.is_alive()


@pytest.mark.parametrize("body", [b"", b"\0", b"junk that should not be here"])
async def test_an_error_response_may_have_a_body(autojump_clock: trio.testing.MockClock, body: bytes) -> None:
    """What follows the header of a refusal is ignored, and the refusal is heard."""
    async with front_door() as bench:
        client = await bench.bound()
        receipt = await a_receipt(bench, client)
        await client.send_raw(frame(0x80000005, body, receipt.sequence_number, s.ESME_RX_R_APPN))
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.is_alive()


async def test_a_generic_nack_refuses_the_receipt_that_it_names(autojump_clock: trio.testing.MockClock) -> None:
    """An ESME that cannot read our deliver_sm has said its final word on it."""
    async with front_door() as bench:
        client = await bench.bound()
        receipt = await a_receipt(bench, client)
        await client.send(GenericNack(sequence_number=receipt.sequence_number, command_status=s.ESME_RINVCMDID))
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.waiting(Pdu) == []


async def test_one_octet_a_segment(autojump_clock: trio.testing.MockClock) -> None:
    """A bind, submits and an enquire_link in crumbs are served like any."""
    async with front_door() as bench:
        client = bench.connect()
        pdus = client.encoded(BindTransceiver("acme", "secret"), submit_sm(), submit_sm(), EnquireLink())
        for octet in b"".join(pdus):
            await client.send_raw(bytes((octet,)))
        await client.receive(EnquireLinkResp)
        assert len(await client.receive_many(SubmitSmResp, 2)) == 2
        assert len(bench.stored) == 2


async def test_many_pdus_in_one_segment(autojump_clock: trio.testing.MockClock) -> None:
    """Good and bad ones side by side are each answered as if they came alone."""
    async with front_door() as bench:
        client = await bench.bound()
        good = [frame(SUBMIT_SM, submit_body(), number) for number in range(1_000, 1_100)]
        bad = [frame(SUBMIT_SM, submit_body(message=b"\x20hello"), number) for number in range(2_000, 2_100)]
        await client.send_raw(b"".join(a + b for a, b in zip(good, bad, strict=True)))
        answers = await client.receive_many(SubmitSmResp, 200)
        assert {answer.sequence_number: answer.command_status for answer in answers} == {
            **dict.fromkeys(range(1_000, 1_100), s.ESME_ROK),
            **dict.fromkeys(range(2_000, 2_100), s.ESME_RINVMSGLEN),
        }


async def test_a_peer_of_version_3_3_is_sent_no_tlvs(autojump_clock: trio.testing.MockClock) -> None:
    """Neither in the bind_resp nor in receipts; the receipt's text says it all."""
    async with front_door() as bench:
        client = bench.connect()
        response = await client.try_bind(interface_version=0x33)
        assert (response.command_status, response.tlvs) == (s.ESME_ROK, ())
        receipt = await a_receipt(bench, client)
        assert receipt.tlvs == ()
        assert b"stat:DELIVRD" in receipt.short_message


@pytest.mark.parametrize("interface_version", [0x00, 0x33, 0x34, 0x50, 0x99])
async def test_any_interface_version_binds(autojump_clock: trio.testing.MockClock, interface_version: int) -> None:
    """What a peer claims to be is no reason to refuse it."""
    async with front_door() as bench:
        response = await bench.connect().try_bind(interface_version=interface_version)
        assert response.command_status == s.ESME_ROK


async def test_an_address_range_is_no_regular_expression_here(autojump_clock: trio.testing.MockClock) -> None:
    """It is ignored, so that a catastrophic one costs nothing."""
    async with front_door() as bench:
        response = await bench.connect().try_bind(address_range="(a+)+$" * 6)
        assert response.command_status == s.ESME_ROK
