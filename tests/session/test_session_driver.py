"""The session driver: what a stream does to it, and how it ends."""

from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from session_bench import running

from smsagg.session import DriverLimits
from smsagg.smpp.codec import encode
from smsagg.smpp.connection import Received
from smsagg.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smsagg.smpp.status import ESME_RBINDFAIL, ESME_RINVCMDLEN

PDUS = [
    BindTransceiver("esme", "secret", sequence_number=1),
    *[SubmitSm(destination_addr="447700900123", short_message=b"x" * n, sequence_number=n) for n in range(2, 30)],
    EnquireLink(sequence_number=30),
    Unbind(sequence_number=31),
]
CONVERSATION = b"".join(encode(pdu) for pdu in PDUS)


def submits(count: int) -> list[SubmitSm]:
    return [SubmitSm(destination_addr="447700900123", sequence_number=number) for number in range(2, count + 2)]


async def answers_to(segments: list[bytes]) -> list[bytes]:
    async with running() as bench:
        for segment in segments:
            await bench.peer.stream.send_all(segment)
            await trio.testing.wait_all_tasks_blocked()
        return sorted(encode(pdu) for pdu in await bench.peer.receive_all())


async def test_one_octet_a_segment_is_answered_like_one_segment() -> None:
    """Where TCP cuts the stream changes nothing of what is answered."""
    whole = await answers_to([CONVERSATION])
    assert len(whole) == len(PDUS)
    assert await answers_to([bytes((octet,)) for octet in CONVERSATION]) == whole


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=12))
async def test_any_segmentation_is_answered_alike(cuts: list[int]) -> None:
    """The same for cuts at random places."""
    edges = [0, *sorted(cuts), len(CONVERSATION)]
    segments = [CONVERSATION[start:stop] for start, stop in pairwise(edges) if start < stop]
    assert await answers_to(segments) == await answers_to([CONVERSATION])


async def test_a_hundred_pdus_in_one_segment_are_one_batch() -> None:
    """The application hears once of everything in one read."""
    async with running() as bench:
        await bench.peer.bind()
        await bench.peer.send(*submits(100))
        answered = [await bench.peer.receive() for _ in range(100)]
        assert [pdu.sequence_number for pdu in answered if pdu is not None] == list(range(2, 102))
        assert [len(batch.requests) for batch in bench.application.batches] == [1, 100]


async def test_the_peers_eof_ends_the_session() -> None:
    """A peer that is gone is a reason of its own, and our end of the stream is closed."""
    async with running() as bench:
        await bench.peer.bind()
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "peer_closed"


async def test_a_broken_stream_ends_the_session() -> None:
    """A write that the transport refuses ends the session, not the caller."""
    async with running() as bench:
        await bench.peer.bind()
        bench.peer.stream.receive_stream.close()
        bench.application.request(DeliverSm(destination_addr="1"), "context")
        assert await bench.wait_ended() == "peer_lost"
        assert bench.driver.connection.end() == ["context"]


async def test_what_was_never_given_to_the_stream_is_told_apart() -> None:
    """A request made when the stream was over is unsent; the peer cannot have it."""
    async with running() as bench:
        await bench.peer.bind()
        await bench.peer.stream.aclose()
        await bench.wait_ended()
        bench.application.request(DeliverSm(destination_addr="1"), "unsent")
        assert bench.driver.connection.take_unsent() == ["unsent"]


async def test_the_last_octets_leave_before_the_end() -> None:
    """Who sends garbage reads the generic_nack, then the end."""
    async with running() as bench:
        await bench.peer.stream.send_all(b"GET / HTTP/1.1\r\n\r\n")
        (nack,) = await bench.peer.receive_all()
        assert isinstance(nack, GenericNack)
        assert (nack.command_status, nack.sequence_number) == (ESME_RINVCMDLEN, 0)
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "unusable_header"


@pytest.mark.parametrize("_repetition", range(10))
async def test_the_answer_leaves_though_the_peer_finished_at_once(_repetition: int) -> None:
    """A peer that sends and closes its sending side in the same breath can still read the answer."""
    async with running() as bench:
        await bench.peer.stream.send_all(b"GET / HTTP/1.1\r\n\r\n")
        await bench.peer.stream.send_eof()
        (nack,) = await bench.peer.receive_all()
        assert isinstance(nack, GenericNack)
        await bench.wait_ended()


async def test_unbind_is_answered_before_the_end() -> None:
    """What came before the unbind is answered, then the unbind, then the stream ends; what comes after is refused."""
    async with running() as bench:
        await bench.peer.bind()
        await bench.peer.send(*submits(3), Unbind(sequence_number=9), SubmitSm(sequence_number=10))
        pdus = await bench.peer.receive_all()
        served = [pdu for pdu in pdus if isinstance(pdu, SubmitSmResp) and pdu.command_status == 0]
        assert [pdu.sequence_number for pdu in served] == [2, 3, 4]
        assert isinstance(pdus[-1], UnbindResp)
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "peer_unbound"


async def test_a_refused_bind_is_told_before_the_end() -> None:
    """close() lets the bind_resp leave."""
    async with running() as bench:
        bench.application.bind_status = ESME_RBINDFAIL
        await bench.peer.send(BindTransceiver("esme", "wrong", sequence_number=1))
        await trio.testing.wait_all_tasks_blocked()
        bench.driver.close("bind_refused")
        (response,) = await bench.peer.receive_all()
        assert isinstance(response, BindTransceiverResp)
        assert response.command_status == ESME_RBINDFAIL
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "bind_refused"


async def test_what_comes_after_the_close_is_not_heard() -> None:
    """A peer whose bind was refused cannot try the next password on the same connection."""
    async with running() as bench:
        bench.application.bind_status = ESME_RBINDFAIL
        await bench.peer.send(BindTransceiver("esme", "wrong", sequence_number=1))
        await trio.testing.wait_all_tasks_blocked()
        bench.driver.close("bind_refused")
        bench.application.bind_status = 0
        await bench.peer.send(BindTransceiver("esme", "right", sequence_number=2), EnquireLink(sequence_number=3))
        assert [pdu.sequence_number for pdu in await bench.peer.receive_all()] == [1]
        assert len(bench.application.batches) == 1


async def test_cancellation_closes_the_stream() -> None:
    """Whoever cancels run() leaves no open socket behind."""
    async with running() as bench:
        await bench.peer.bind()
        bench.scope.cancel()
        await bench.wait_ended()
        assert await bench.peer.receive() is None
        with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
            await bench.peer.send(EnquireLink(sequence_number=2))


async def test_an_exception_of_the_application_ends_its_session_and_closes_the_stream() -> None:
    """The error reaches the supervisor, the peer sees the end."""

    def fail(received: Received) -> None:
        raise LookupError("a bug")

    benches = []

    async def meet_the_bug() -> None:
        async with running() as bench:
            benches.append(bench)
            bench.application.on_received = fail  # type: ignore[method-assign]
            await bench.peer.send(EnquireLink(sequence_number=1))
            await bench.wait_ended()

    with pytest.raises(ExceptionGroup) as raised:
        await meet_the_bug()
    assert raised.group_contains(LookupError)
    assert await benches[0].peer.receive() is None


async def test_use_after_the_end_is_harmless() -> None:
    """flush, close and abort may come late: from a commit, from a stop."""
    async with running() as bench:
        await bench.peer.bind()
        bench.driver.abort("first")
        assert await bench.wait_ended() == "first"
        assert bench.driver.is_closing
        bench.driver.flush()
        bench.driver.close("second")
        bench.driver.abort("third")
        assert bench.driver.reason == "first"


async def test_the_outbox_bound_pauses_reading() -> None:
    """A peer that asks and does not read is read no more; when it reads, all of its requests are answered."""
    asked = 400
    async with running(
        pair=trio.testing.lockstep_stream_pair, driver_limits=DriverLimits(outbox_octets_max=160)
    ) as bench:
        sent = 0

        async def ask() -> None:
            nonlocal sent
            for number in range(1, asked + 1):
                await bench.peer.send(EnquireLink(sequence_number=number))
                sent = number

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            assert sent < 30
            assert bench.driver.connection.outgoing_octets <= 160 + 16
            for number in range(1, asked + 1):
                response = await bench.peer.receive()
                assert isinstance(response, EnquireLinkResp)
                assert response.sequence_number == number
