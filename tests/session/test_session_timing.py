"""The session driver and time: the four timers of SMPP, slow readers, and ends that are waited for only so long."""

from math import inf

import pytest
import trio
import trio.testing
from session_bench import running

from smsagg.session import DriverLimits
from smsagg.session.driver import LINGER_S, WRITE_OCTETS
from smsagg.smpp.pdu import (
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    Unbind,
    UnbindResp,
)
from smsagg.smpp.timers import TimerSettings

TIMERS = TimerSettings(
    session_init_timeout_s=5.0,
    enquire_link_interval_s=30.0,
    inactivity_timeout_s=inf,
    response_timeout_s=10.0,
    pdu_deadline_s=10.0,
)


async def test_no_bind_ends_the_connection_at_session_init(autojump_clock: trio.testing.MockClock) -> None:
    """A connection that never binds is closed at the session_init timer."""
    async with running(timers=TIMERS) as bench:
        began_at = trio.current_time()
        assert await bench.peer.receive() is None
        assert trio.current_time() - began_at == pytest.approx(5.0)
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "session_init"


async def test_enquire_link_does_not_extend_session_init(autojump_clock: trio.testing.MockClock) -> None:
    """In OPEN it is answered, and buys no time."""
    async with running(timers=TIMERS) as bench:
        began_at = trio.current_time()
        for number in (1, 2):
            await trio.sleep(2.0)
            await bench.peer.send(EnquireLink(sequence_number=number))
            assert isinstance(await bench.peer.receive(), EnquireLinkResp)
        assert await bench.peer.receive() is None
        assert trio.current_time() - began_at == pytest.approx(5.0)


async def test_a_quiet_peer_is_asked_and_kept_while_it_answers(autojump_clock: trio.testing.MockClock) -> None:
    """enquire_link goes out at every interval of silence."""
    async with running(timers=TIMERS) as bench:
        await bench.peer.bind()
        for _ in range(3):
            asked_from = trio.current_time()
            request = await bench.peer.receive()
            assert isinstance(request, EnquireLink)
            assert trio.current_time() - asked_from == pytest.approx(30.0)
            await bench.peer.send(EnquireLinkResp(sequence_number=request.sequence_number))
        assert bench.ended_at is None


async def test_a_peer_that_does_not_answer_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    """Silence for the interval and the response timer means that it is gone."""
    async with running(timers=TIMERS) as bench:
        await bench.peer.bind()
        began_at = trio.current_time()
        assert isinstance(await bench.peer.receive(), EnquireLink)
        assert await bench.peer.receive() is None
        assert trio.current_time() - began_at == pytest.approx(40.0)
        await bench.wait_ended()
        assert bench.reason == "peer_silent"


async def test_inactivity_is_ended_by_an_unbind(autojump_clock: trio.testing.MockClock) -> None:
    """A peer that does nothing but answer enquire_link is unbound at the inactivity timer."""
    timers = TimerSettings(enquire_link_interval_s=30.0, inactivity_timeout_s=100.0)
    async with running(timers=timers) as bench:
        await bench.peer.bind()
        began_at = trio.current_time()
        while isinstance(pdu := await bench.peer.receive(), EnquireLink):
            await bench.peer.send(EnquireLinkResp(sequence_number=pdu.sequence_number))
        assert isinstance(pdu, Unbind)
        assert trio.current_time() - began_at == pytest.approx(100.0)
        await bench.peer.send(UnbindResp(sequence_number=pdu.sequence_number))
        assert await bench.peer.receive() is None
        await bench.peer.stream.aclose()
        assert await bench.wait_ended() == "inactivity"


async def test_the_response_timer_tells_who_was_not_answered(autojump_clock: trio.testing.MockClock) -> None:
    """Each unanswered request is reported once at its time; the session lives, and a late response is told as such."""
    async with running(timers=TIMERS) as bench:
        application, peer = bench.application, bench.peer
        await peer.bind()
        began_at = trio.current_time()
        application.request(DeliverSm(destination_addr="1"), "first")
        first = await peer.receive()
        await trio.sleep(4)
        application.request(DeliverSm(destination_addr="2"), "second")
        second = await peer.receive()
        assert first is not None
        assert second is not None
        await peer.send(DeliverSmResp(sequence_number=second.sequence_number))
        await trio.sleep(16)
        assert [(at - began_at, contexts) for at, contexts in application.expired] == [(pytest.approx(10.0), ["first"])]
        await peer.send(DeliverSmResp(sequence_number=first.sequence_number))
        await trio.testing.wait_all_tasks_blocked()
        assert [context for context, _ in application.responses] == ["second"]
        assert [context for context, _ in application.late] == ["first"]
        assert bench.ended_at is None


async def test_a_request_made_while_everything_sleeps_is_timed(autojump_clock: trio.testing.MockClock) -> None:
    """flush() brings the timers forward: the response timer is nearer than the enquire_link that was waited for."""
    timers = TimerSettings(enquire_link_interval_s=1_000.0, inactivity_timeout_s=inf, response_timeout_s=10.0)
    async with running(timers=timers) as bench:
        await bench.peer.bind()
        await trio.sleep(500)
        asked_at = trio.current_time()
        bench.application.request(DeliverSm(destination_addr="1"), "asked")
        await trio.sleep(11)
        assert [(at - asked_at, contexts) for at, contexts in bench.application.expired] == [
            (pytest.approx(10.0), ["asked"])
        ]


async def test_half_a_pdu_is_not_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    """A length that promises more than ever comes ends the session at the PDU's deadline, drop by drop or not."""
    async with running(timers=TIMERS) as bench:
        await bench.peer.bind()
        began_at = trio.current_time()
        await bench.peer.stream.send_all(b"\x00\x01\x00\x00\x00\x00\x00\x04")
        for _ in range(11):
            await trio.sleep(1)
            await bench.peer.stream.send_all(b"\0")
        assert await bench.wait_ended() == "pdu_deadline"
        assert bench.ended_at is not None
        assert bench.ended_at - began_at <= 10.0 + LINGER_S


async def test_a_peer_that_reads_nothing_is_cut(autojump_clock: trio.testing.MockClock) -> None:
    """When a write does not get through within the write deadline the session ends, whatever else the peer does."""
    async with running(
        pair=trio.testing.lockstep_stream_pair, timers=TIMERS, driver_limits=DriverLimits(write_deadline_s=25.0)
    ) as bench:
        await bench.peer.bind()
        began_at = trio.current_time()
        bench.application.request(DeliverSm(destination_addr="1"), "unread")

        async def keep_talking() -> None:
            number = 1
            while True:
                await trio.sleep(3)
                number += 1
                await bench.peer.send(EnquireLink(sequence_number=number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_talking)
            assert await bench.wait_ended() == "slow_reader"
            nursery.cancel_scope.cancel()
        assert bench.ended_at is not None
        assert bench.ended_at - began_at == pytest.approx(25.0)
        assert [contexts for _, contexts in bench.application.expired] == [["unread"]]


async def test_a_slow_but_steady_reader_is_kept(autojump_clock: trio.testing.MockClock) -> None:
    """The write deadline is for a peer that takes nothing: much to write takes as long as it takes."""
    async with running(
        pair=trio.testing.lockstep_stream_pair, timers=TIMERS, driver_limits=DriverLimits(write_deadline_s=30.0)
    ) as bench:
        await bench.peer.bind()
        deliver_sm = DeliverSm(destination_addr="1", tlvs=((0x0424, b"x" * (WRITE_OCTETS - 1_000)),))
        bench.driver.connection.request_many([deliver_sm, deliver_sm, deliver_sm], ["a", "b", "c"], trio.current_time())
        bench.driver.flush()
        octets = 0
        while octets < 3 * (WRITE_OCTETS - 1_000):
            await trio.sleep(9)
            octets += len(await bench.peer.stream.receive_some(WRITE_OCTETS // 2))
            await bench.peer.send(EnquireLinkResp(sequence_number=0x7000))
        assert bench.ended_at is None
        assert trio.current_time() > 50


@pytest.mark.parametrize("pair", [trio.testing.memory_stream_pair, trio.testing.lockstep_stream_pair])
async def test_an_end_is_waited_for_only_so_long(autojump_clock: trio.testing.MockClock, pair: object) -> None:
    """A peer that neither reads nor closes cannot hold a session that is over."""
    async with running(pair=pair, timers=TIMERS) as bench:  # type: ignore[arg-type]
        await bench.peer.bind()
        began_at = trio.current_time()
        bench.application.request(Unbind(), "unread")
        bench.driver.close("stopped")
        assert await bench.wait_ended() == "stopped"
        assert bench.ended_at is not None
        assert bench.ended_at - began_at <= LINGER_S


async def test_abort_waits_for_nobody(autojump_clock: trio.testing.MockClock) -> None:
    """The stream goes at once, and with it what was queued."""
    async with running(pair=trio.testing.lockstep_stream_pair, timers=TIMERS) as bench:
        await bench.peer.bind()
        began_at = trio.current_time()
        bench.application.request(DeliverSm(destination_addr="1"), "dropped")
        bench.driver.abort("no_answer")
        assert await bench.wait_ended() == "no_answer"
        assert bench.ended_at == began_at


async def test_a_paced_session_reads_when_its_pace_says(autojump_clock: trio.testing.MockClock) -> None:
    """After requests it waits, and what came meanwhile is served then; answers to our requests cost nothing."""
    async with running() as bench:
        await bench.peer.bind()
        served_at: list[float] = []

        def pace(began_at: float, ended_at: float) -> float:
            assert began_at <= ended_at
            served_at.append(began_at)
            return ended_at + 0.5

        bench.driver.pace = pace
        began_at = trio.current_time()
        for number in range(3):
            await bench.peer.send(SubmitSm(destination_addr="447700900123", sequence_number=number + 2))
            await trio.sleep(0.1)
        await trio.sleep(1.0)
        assert [at - began_at for at in served_at] == pytest.approx([0.0, 0.5])
        bench.driver.connection.request(DeliverSm(), "receipt", trio.current_time())
        bench.driver.flush()
        *_, request = [await bench.peer.receive() for _ in range(4)]
        assert isinstance(request, DeliverSm)
        await bench.peer.send(DeliverSmResp(sequence_number=request.sequence_number))
        await trio.testing.wait_all_tasks_blocked()
        assert len(served_at) == 2


async def test_a_paced_session_ends_in_time(autojump_clock: trio.testing.MockClock) -> None:
    """Closing does not wait for the pace."""
    async with running() as bench:
        await bench.peer.bind()
        bench.driver.pace = lambda _began_at, ended_at: ended_at + 1_000.0
        await bench.peer.send(SubmitSm(destination_addr="447700900123", sequence_number=2))
        await trio.testing.wait_all_tasks_blocked()
        began_at = trio.current_time()
        bench.driver.close("stopped")
        assert await bench.wait_ended() == "stopped"
        assert trio.current_time() - began_at <= LINGER_S
