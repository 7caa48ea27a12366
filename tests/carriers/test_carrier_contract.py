"""The contract of the carrier port, over every carrier.

A carrier is made by a *bench*: it builds one that behaves upstream as given settings say. To bring a further carrier
under the contract, add its bench to ``BENCHES``; one that needs real time (sockets) sets ``mock_clock`` to False.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
import trio
from attrs import define
from carrier_recorder import RecordingEvents, make_message

from smsagg.carriers.base import Carrier, Link, RestingCarrier
from smsagg.carriers.behaviour_settings import DelaySettings, OutageSettings, ReceiptBehaviour
from smsagg.carriers.simulated import SimulatedCarrier, SimulatedSettings
from smsagg.carriers.smpp import SmppCarrier
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.clock import SystemClock
from smsagg.config.schema import Duration, HostPort
from smsagg.model import Accepted, InDoubt, MessageState, Refused
from smsagg.simulator.server import Simulator, listen
from smsagg.simulator.settings import SimulatorSettings

WINDOW = 10
Start = Callable[..., Awaitable[Carrier]]


def constant(seconds: float) -> DelaySettings:
    return DelaySettings(kind="constant", value=Duration(seconds))


QUICK: dict[str, Any] = {"latency": constant(0.002), "receipts": ReceiptBehaviour(delay=constant(0.002))}


@define
class SimulatedBench:
    """Makes in-process carriers."""

    mock_clock = True

    async def make(
        self, nursery: trio.Nursery, events: RecordingEvents, links: int, response_timeout_s: float, behaviour: Any
    ) -> Carrier:
        settings = SimulatedSettings(
            links=links, window=WINDOW, response_timeout=Duration(response_timeout_s), **behaviour
        )
        return SimulatedCarrier("acme", settings, events, SystemClock(), Random(1))


@define
class SmppBench:
    """Makes SMPP carriers, each bound to a simulated SMSC of its own over loopback."""

    mock_clock = False

    async def make(
        self, nursery: trio.Nursery, events: RecordingEvents, links: int, response_timeout_s: float, behaviour: Any
    ) -> Carrier:
        listener = listen("127.0.0.1", 0)
        smsc = Simulator(SimulatorSettings(tick=Duration(0.001), **behaviour), SystemClock(), Random(1))
        await nursery.start(smsc.serve, listener)
        settings = SmppSettings(
            address=HostPort(f"127.0.0.1:{listener.getsockname()[1]}"),
            system_id="acme",
            links=links,
            window=WINDOW,
            response_timeout=Duration(response_timeout_s),
            reconnect_first=Duration(0.05),
            reconnect_max=Duration(0.1),
        )
        return SmppCarrier("acme", settings, events, SystemClock(), Random(1))


BENCHES: dict[str, Callable[[], Any]] = {"simulated": SimulatedBench, "smpp": SmppBench}


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest) -> Any:
    return BENCHES[request.param]()


@pytest.fixture
def contract_clock(bench: Any) -> Any:
    """The clock of the test, which each test must name among its arguments."""
    return trio.testing.MockClock(autojump_threshold=0) if bench.mock_clock else None


@pytest.fixture
def events() -> RecordingEvents:
    return RecordingEvents()


@pytest.fixture
async def start(bench: Any, events: RecordingEvents, nursery: trio.Nursery) -> AsyncIterator[Start]:
    async def start_carrier(links: int = 1, response_timeout_s: float = 5.0, **behaviour: Any) -> Carrier:
        carrier: Carrier = await bench.make(nursery, events, links, response_timeout_s, QUICK | behaviour)
        await nursery.start(carrier.run)
        return carrier

    yield start_carrier
    nursery.cancel_scope.cancel()


async def bound(events: RecordingEvents, link: Link) -> None:
    await events.wait_until(lambda: link.is_bound)


def now() -> float:
    return trio.current_time()


async def test_each_message_has_one_outcome_and_one_receipt(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """Everything that was sent is accepted once, under an id that its receipt names."""
    carrier = await start()
    (link,) = carrier.links
    await bound(events, link)
    messages = [make_message(seq) for seq in range(1, 51)]
    waiting = list(messages)
    while waiting:
        await events.wait_until(lambda: link.capacity(now()) > 0)
        count = link.capacity(now())
        link.send(waiting[:count])
        del waiting[:count]
    await events.wait_until(lambda: len(events.receipts) >= 50)
    assert all(isinstance(outcome, Accepted) for outcome in events.outcomes)
    assert sorted(outcome.message.seq for outcome in events.outcomes) == list(range(1, 51))
    ids = [outcome.carrier_message_id for outcome in events.outcomes if isinstance(outcome, Accepted)]
    assert sorted(receipt.carrier_message_id for receipt in events.receipts) == sorted(ids)
    assert len(set(ids)) == 50
    assert {receipt.state for receipt in events.receipts} == {MessageState.DELIVERED}


async def test_capacity_is_the_free_window(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """Capacity falls with each message handed over, is 0 at the window, and its return is announced."""
    carrier = await start()
    (link,) = carrier.links
    await bound(events, link)
    assert link.capacity(now()) == WINDOW
    link.send([make_message(1), make_message(2), make_message(3)])
    assert link.capacity(now()) == WINDOW - 3
    assert (link.window, link.in_flight) == (WINDOW, 3)
    link.send([make_message(seq) for seq in range(4, WINDOW + 1)])
    assert link.capacity(now()) == 0
    assert link.ready_at(now()) == float("inf")
    events.capacity_calls.clear()
    await events.wait_until(lambda: len(events.outcomes) == WINDOW and bool(events.capacity_calls))
    assert events.capacity_calls[-1] is link
    assert link.capacity(now()) == WINDOW
    assert link.ready_at(now()) <= now()


async def test_links_are_announced_when_they_bind(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """Each link has a name of its own, and is announced by on_capacity once it is bound."""
    carrier = await start(links=3)
    await events.wait_until(lambda: all(link.is_bound for link in carrier.links))
    assert [link.carrier for link in carrier.links] == ["acme"] * 3
    assert len({link.name for link in carrier.links}) == 3
    assert {id(link) for link in events.capacity_calls} == {id(link) for link in carrier.links}


async def test_refusals_carry_their_command_status(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """A refused message is reported with the status that the carrier gave, and gets no receipt."""
    carrier = await start(errors={0x14: 1.0})
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(1), make_message(2)])
    await events.wait_until(lambda: len(events.outcomes) == 2)
    assert [outcome.command_status for outcome in events.outcomes if isinstance(outcome, Refused)] == [0x14, 0x14]
    assert events.receipts == []


async def test_no_answer_is_in_doubt_on_a_living_link(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """A message that is never answered is in doubt after the response timeout, and its place is free again."""
    carrier = await start(response_timeout_s=0.3, response_lost=1.0)
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(seq) for seq in range(WINDOW)])
    await events.wait_until(lambda: len(events.outcomes) == WINDOW)
    assert all(isinstance(outcome, InDoubt) and not outcome.link_lost for outcome in events.outcomes)
    assert link.capacity(now()) == WINDOW


async def test_a_late_answer_is_reported_once_more_as_accepted(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """A response after the timeout is not lost: its message is reported Accepted after InDoubt."""
    carrier = await start(response_timeout_s=0.2, latency=constant(0.5))
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(1)])
    await events.wait_until(lambda: len(events.outcomes) == 2)
    assert [type(outcome) for outcome in events.outcomes] == [InDoubt, Accepted]


@pytest.mark.parametrize("kind", ["drop", "unbind"])
async def test_a_lost_link_leaves_its_messages_in_doubt(
    contract_clock: Any, start: Start, events: RecordingEvents, kind: str
) -> None:
    """When the link goes, what was outstanding is in doubt and capacity is 0 until the link is back."""
    outage = OutageSettings(every=Duration(3.0), lasting=Duration(0.5), kind=kind, first_after=Duration(0.5))
    carrier = await start(outages=(outage,), latency=constant(30.0))
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(seq) for seq in range(4)])
    await events.wait_until(lambda: len(events.outcomes) == 4)
    assert all(isinstance(outcome, InDoubt) and outcome.link_lost for outcome in events.outcomes)
    assert not link.is_bound
    assert link.capacity(now()) == 0
    assert link.ready_at(now()) == float("inf")
    events.capacity_calls.clear()
    await events.wait_until(lambda: bool(events.capacity_calls))
    assert link.is_bound
    assert link.capacity(now()) == WINDOW


async def test_an_early_receipt_precedes_its_outcome(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """A receipt that beats its response is reported before the outcome."""
    carrier = await start(latency=constant(0.3), receipts=ReceiptBehaviour(early=1.0, delay=constant(0.1)))
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(1)])
    await events.wait_until(lambda: len(events.log) == 2)
    assert [what for what, _ in events.log] == ["receipt", "outcome"]
    assert events.log[0][1] == events.log[1][1]


async def test_a_receipt_that_is_not_taken_comes_again(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """A receipt answered with an error is repeated until it is answered ESME_ROK, and then no more."""
    events.receipt_status = lambda receipt: 0x64 if len(events.receipts) < 3 else 0
    carrier = await start(receipts=ReceiptBehaviour(delay=constant(0.0), retry_after=Duration(0.1)))
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(1)])
    await events.wait_until(lambda: len(events.receipts) == 3)
    with trio.move_on_after(1.0):
        await events.wait_until(lambda: len(events.receipts) > 3)
    assert len(events.receipts) == 3
    assert len({receipt.carrier_message_id for receipt in events.receipts}) == 1


async def test_cancellation_reports_what_is_outstanding(
    contract_clock: Any, bench: Any, events: RecordingEvents
) -> None:
    """When run() is cancelled each message without an outcome gets one before it returns."""
    async with trio.open_nursery() as peers:
        async with trio.open_nursery() as nursery:
            carrier = await bench.make(peers, events, 1, 5.0, QUICK | {"latency": constant(60.0)})
            await nursery.start(carrier.run)
            (link,) = carrier.links
            await bound(events, link)
            link.send([make_message(seq) for seq in range(5)])
            nursery.cancel_scope.cancel()
        peers.cancel_scope.cancel()
    assert sorted(outcome.message.seq for outcome in events.outcomes) == list(range(5))
    assert link.capacity(now()) == 0
    assert not link.is_bound


async def test_drain_waits_for_what_is_outstanding(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """drain() takes capacity away at once and returns, unbound, when every message has its outcome."""
    carrier = await start(latency=constant(0.3))
    (link,) = carrier.links
    await bound(events, link)
    link.send([make_message(seq) for seq in range(5)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carrier.drain)
        await trio.testing.wait_all_tasks_blocked()
        assert link.capacity(now()) == 0
        assert events.outcomes == []
    assert len(events.outcomes) == 5
    assert all(isinstance(outcome, Accepted) for outcome in events.outcomes)
    assert not link.is_bound


async def test_drain_of_an_idle_carrier_returns(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """With nothing outstanding drain() unbinds and returns."""
    carrier = await start()
    await bound(events, carrier.links[0])
    with trio.fail_after(5):
        await carrier.drain()
    assert not carrier.links[0].is_bound


async def test_a_resting_carrier_finishes_unbinds_and_binds_again(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """rest() takes capacity away at once; the link is unbound when all is answered, and bound again by wake()."""
    carrier = await start(latency=constant(0.3))
    (link,) = carrier.links
    await bound(events, link)
    assert isinstance(carrier, RestingCarrier)
    link.send([make_message(seq) for seq in range(5)])
    carrier.rest()
    assert link.capacity(now()) == 0
    await events.wait_until(lambda: len(events.outcomes) == 5)
    await events.wait_until(lambda: not link.is_bound)
    assert all(isinstance(outcome, Accepted) for outcome in events.outcomes)
    await trio.sleep(0.5)
    assert not link.is_bound
    carrier.wake()
    await bound(events, link)
    assert link.capacity(now()) == WINDOW


async def test_a_carrier_that_woke_in_time_stays_bound(
    contract_clock: Any, start: Start, events: RecordingEvents
) -> None:
    """wake() before the last answer: nothing was unbound, and there is room again."""
    carrier = await start(latency=constant(0.3))
    (link,) = carrier.links
    await bound(events, link)
    assert isinstance(carrier, RestingCarrier)
    link.send([make_message(1)])
    carrier.rest()
    carrier.wake()
    assert link.is_bound
    assert link.capacity(now()) == WINDOW - 1
    await events.wait_until(lambda: len(events.outcomes) == 1)
    assert link.is_bound


async def test_a_resting_carrier_can_be_drained(contract_clock: Any, start: Start, events: RecordingEvents) -> None:
    """The end of the process waits for nobody who rests."""
    carrier = await start()
    await bound(events, carrier.links[0])
    assert isinstance(carrier, RestingCarrier)
    carrier.rest()
    with trio.fail_after(5):
        await carrier.drain()
    assert not carrier.links[0].is_bound
