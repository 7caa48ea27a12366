"""What the simulated carrier does beyond the contract: rates, silence, MO, bounds."""

from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
import trio
from carrier_recorder import RecordingEvents, make_message
from trio.testing import MockClock

from smsagg.carriers.behaviour_settings import (
    DelaySettings,
    IdBehaviour,
    MoBehaviour,
    OutageSettings,
    ReceiptBehaviour,
)
from smsagg.carriers.simulated import SimulatedCarrier, SimulatedSettings
from smsagg.clock import SystemClock
from smsagg.config.schema import Duration, Rate
from smsagg.model import Accepted, InDoubt, MessageState, NotSent, Refused

Start = Callable[..., Awaitable[SimulatedCarrier]]


@pytest.fixture
def events() -> RecordingEvents:
    return RecordingEvents()


@pytest.fixture
async def start(autojump_clock: MockClock, events: RecordingEvents, nursery: trio.Nursery) -> AsyncIterator[Start]:
    async def start_carrier(**settings: Any) -> SimulatedCarrier:
        carrier = SimulatedCarrier("acme", SimulatedSettings(**settings), events, SystemClock(), Random(1))
        await nursery.start(carrier.run)
        return carrier

    yield start_carrier
    nursery.cancel_scope.cancel()


async def test_the_rate_limits_capacity_and_is_announced(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """With a rate, capacity is what the bucket holds; ready_at and on_capacity tell when a token is back."""
    carrier = await start(rate=Rate(10.0))
    (link,) = carrier.links
    sent_at = []
    for seq in range(21):
        while link.capacity(trio.current_time()) == 0:
            ready_at = link.ready_at(trio.current_time())
            events.capacity_calls.clear()
            await events.wait_until(lambda: link.capacity(trio.current_time()) > 0)
            assert trio.current_time() == pytest.approx(ready_at, abs=0.002)
        sent_at.append(trio.current_time())
        link.send([make_message(seq)])
    assert sent_at[-1] - sent_at[0] == pytest.approx(2.0, abs=0.05)


async def test_a_silent_carrier_answers_nothing(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """In a silent outage the link stays bound, and what was or is sent ends in doubt by timeout."""
    outage = OutageSettings(every=Duration(100.0), lasting=Duration(50.0), kind="silent", first_after=Duration(1.0))
    latency = DelaySettings(kind="constant", value=Duration(2.0))
    carrier = await start(outages=(outage,), latency=latency, response_timeout=Duration(5.0))
    (link,) = carrier.links
    started_at = trio.current_time()
    link.send([make_message(1)])
    await trio.sleep(1.5)
    assert link.is_bound
    link.send([make_message(2)])
    await events.wait_until(lambda: len(events.outcomes) == 2)
    assert trio.current_time() - started_at == pytest.approx(6.5, abs=0.01)
    assert all(isinstance(outcome, InDoubt) and not outcome.link_lost for outcome in events.outcomes)


async def test_receipts_wait_for_a_bind(autojump_clock: MockClock, start: Start, events: RecordingEvents) -> None:
    """A receipt that is due while no link is bound comes when one is."""
    outage = OutageSettings(every=Duration(100.0), lasting=Duration(30.0), kind="drop", first_after=Duration(1.0))
    delay = DelaySettings(kind="constant", value=Duration(5.0))
    carrier = await start(outages=(outage,), receipts=ReceiptBehaviour(delay=delay))
    started_at = trio.current_time()
    carrier.links[0].send([make_message(1)])
    await events.wait_until(lambda: len(events.receipts) == 1)
    assert trio.current_time() - started_at == pytest.approx(31.0, abs=0.01)


async def test_a_brown_out_refuses(autojump_clock: MockClock, start: Start, events: RecordingEvents) -> None:
    """In a refuse outage messages get ESME_RSYSERR while the link stays bound."""
    outage = OutageSettings(every=Duration(100.0), lasting=Duration(30.0), kind="refuse", first_after=Duration(0.0))
    carrier = await start(outages=(outage,))
    carrier.links[0].send([make_message(1)])
    await events.wait_until(lambda: len(events.outcomes) == 1)
    (outcome,) = events.outcomes
    assert isinstance(outcome, Refused)
    assert outcome.command_status == 0x08


async def test_receipts_beyond_the_bound_are_lost(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """Receipts held are bounded; what exceeds the bound is counted and never sent."""
    carrier = await start(receipts=ReceiptBehaviour(pending_max=3))
    carrier.links[0].send([make_message(seq) for seq in range(5)])
    await trio.sleep(5)
    assert len(events.receipts) == 3
    assert carrier.receipts_lost == 2
    carrier.links[0].send([make_message(9)])
    await trio.sleep(5)
    assert len(events.receipts) == 4


async def test_mo_traffic_is_bounded_and_repeated_until_taken(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """While pending_max MO are unanswered no new one is made; a refused one comes again."""
    events.mo_status = lambda message: None
    await start(mo=MoBehaviour(rate=Rate(10.0), texts=("hi", "přání"), pending_max=5))
    await trio.sleep(30)
    assert len(events.mo) == 5
    assert {message.body for message in events.mo} <= {b"hi", "přání".encode("utf-16-be")}
    assert {message.data_coding for message in events.mo} <= {1, 8}


async def test_a_refused_mo_comes_again(autojump_clock: MockClock, start: Start, events: RecordingEvents) -> None:
    """An MO answered with an error is delivered once more."""
    events.mo_status = lambda message: 0x64 if len(events.mo) == 1 else None
    await start(mo=MoBehaviour(rate=Rate(1.0), pending_max=1))
    await events.wait_until(lambda: len(events.mo) == 2)
    assert events.mo[0] is events.mo[1]


async def test_odd_words_are_no_final_state(autojump_clock: MockClock, start: Start, events: RecordingEvents) -> None:
    """A stat word that no specification knows is reported as ENROUTE."""
    carrier = await start(receipts=ReceiptBehaviour(states={"BANANA": 1.0}))
    carrier.links[0].send([make_message(1)])
    await events.wait_until(lambda: bool(events.receipts))
    assert events.receipts[0].state is MessageState.ENROUTE


async def test_a_dropped_link_never_answers_late(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """A response that was still to come when the link was lost never comes, also after the next bind."""
    outage = OutageSettings(every=Duration(100.0), lasting=Duration(1.0), kind="drop", first_after=Duration(2.0))
    latency = DelaySettings(kind="constant", value=Duration(5.0))
    carrier = await start(outages=(outage,), latency=latency, response_timeout=Duration(1.0))
    carrier.links[0].send([make_message(1)])
    await trio.sleep(20)
    assert [type(outcome) for outcome in events.outcomes] == [InDoubt]


async def test_ids_in_receipts_are_the_responses_ids(
    autojump_clock: MockClock, start: Start, events: RecordingEvents
) -> None:
    """In process there is no wire, so the receipt's id is the response's whatever ``receipt_form`` says."""
    carrier = await start(ids=IdBehaviour(form="hex", receipt_form="decimal"))
    carrier.links[0].send([make_message(1)])
    await events.wait_until(lambda: bool(events.receipts))
    (outcome,) = events.outcomes
    assert isinstance(outcome, Accepted)
    assert outcome.carrier_message_id == events.receipts[0].carrier_message_id


async def test_what_is_sent_without_a_bind_is_not_sent(autojump_clock: MockClock, events: RecordingEvents) -> None:
    """A carrier that does not run reports messages as not sent."""
    carrier = SimulatedCarrier("acme", SimulatedSettings(), events, SystemClock(), Random(1))
    assert carrier.links[0].capacity(trio.current_time()) == 0
    carrier.links[0].send([make_message(1)])
    assert [type(outcome) for outcome in events.outcomes] == [NotSent]


def test_impossible_settings_are_refused() -> None:
    """A carrier needs a link and a window."""
    with pytest.raises(ValueError, match="1 or more"):
        SimulatedSettings(links=0)
