"""How requests share the loop."""

import pytest
import trio
from v1_bench import api

from smsagg.api.v1 import turns
from smsagg.api.v1.problem import Problem
from smsagg.api.v1.turns import Room, Turns, metered


class LoopTurns(trio.abc.Instrument):
    """Counts the turns of the loop."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


async def test_one_request_begins_in_a_turn_of_the_loop() -> None:
    """However many are ready: everybody else gets a turn between any two, and they begin in the order they came."""
    taking, loop = Turns(lambda: 0.0), LoopTurns()
    begun: list[tuple[int, int]] = []

    async def request(place: int, began: trio.Event) -> None:
        began.set()
        await taking.begin()
        begun.append((loop.count, place))

    trio.lowlevel.add_instrument(loop)
    async with trio.open_nursery() as nursery:
        for place in range(5):
            began = trio.Event()
            nursery.start_soon(request, place, began)
            await began.wait()
    trio.lowlevel.remove_instrument(loop)
    assert len({turn for turn, _ in begun}) == 5
    assert [place for _, place in begun] == [0, 1, 2, 3, 4]


async def test_too_many_that_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After at once; those that wait are served."""
    monkeypatch.setattr(turns, "WAITING_MAX", 3)
    taking = Turns(lambda: 0.0)
    refused: list[Problem] = []

    async def request() -> None:
        try:
            await taking.begin()
        except Problem as problem:
            refused.append(problem)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(request)
    assert [(problem.status, problem.headers) for problem in refused] == [(503, {"Retry-After": "1"})] * 2
    await taking.begin()


async def test_a_busy_front_door_slows_http(autojump_clock: trio.testing.MockClock) -> None:
    """HTTP rests as long as it works, and for a multiple of that when everything else is near its limit."""
    load = 0.0
    taking = Turns(lambda: load)
    taking.charge(turns.BURST_S)
    await taking.begin()
    assert trio.current_time() == 0.0
    taking.charge(0.01)
    await taking.begin()
    assert trio.current_time() == pytest.approx(0.01)
    load = 1.0
    taking.charge(0.01)
    await taking.begin()
    assert trio.current_time() == pytest.approx(0.2)
    taking.charge(10.0)
    await taking.begin()
    assert trio.current_time() == pytest.approx(0.7)


async def test_what_was_taken_in_leaves_before_more_comes(autojump_clock: trio.testing.MockClock) -> None:
    """After a batch HTTP rests for as long as its messages keep the loop busy on their way."""
    taking = Turns(lambda: 0.0)
    taking.taken(1_000)
    await taking.begin()
    assert trio.current_time() == pytest.approx(1_000 * turns.TAKEN_S - turns.BURST_S)


async def test_what_is_committed_counts_as_taken() -> None:
    """Those of a batch that were refused do not."""
    taken: list[int] = []
    async with api() as client:
        await client.gateway.settle()
        client.app._sending._taken = taken.append
        good, bad = {"to": "447700900123", "text": "a"}, {"to": "0000", "text": "a"}
        await client.call("POST", "/v1/messages/batch", {"messages": [good, bad, good]})
        await client.call("POST", "/v1/messages", bad)
    assert taken == [2]


async def test_streams_do_not_put_requests_off_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    """They work without taking turns; however much they do, a request begins soon after."""
    taking = Turns(lambda: 1.0)
    for _ in range(1_000):
        taking.charge(0.01)
    await taking.begin()
    assert trio.current_time() <= turns.DEBT_S_MAX


async def test_room_is_given_in_order_and_given_back() -> None:
    """A batch that needs all of it waits for all, nobody overtakes it, and one that gives up leaves no hole."""
    room = Room()
    order: list[str] = []

    async def request(name: str, messages: int, scope: trio.CancelScope) -> None:
        with scope:
            async with room.places_for(messages):
                order.append(name)
                await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery, room.places_for(1):
        scopes = [trio.CancelScope() for _ in range(4)]
        for place, (name, messages) in enumerate((("gives up", 2_000), ("batch", 1_000), ("single", 1), ("late", 1))):
            nursery.start_soon(request, name, messages, scopes[place])
            await trio.testing.wait_all_tasks_blocked()
        assert order == []
        scopes[0].cancel()
    assert order[0] == "batch"
    assert sorted(order[1:]) == ["late", "single"]
    async with room.places_for(1_000_000):
        pass


async def test_work_is_metered_between_its_waits() -> None:
    """Waiting costs nothing, every step is charged, and errors and cancelling go through to the work."""
    charged: list[float] = []
    seen: list[str] = []

    async def work() -> None:
        await trio.lowlevel.checkpoint()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            seen.append("cancelled")
            raise

    with trio.move_on_after(0.01) as scope:
        await metered(work(), charged.append)
    assert scope.cancelled_caught
    assert seen == ["cancelled"]
    assert len(charged) >= 2

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await metered(fail(), charged.append)


async def test_a_batch_that_is_cancelled_between_two_slices_leaves_nothing() -> None:
    """Places and money of what was taken already are given back."""
    async with api() as client:
        await client.gateway.settle()
        with trio.CancelScope() as scope:
            slices = 0

            async def turn() -> None:
                nonlocal slices
                slices += 1
                if slices == 2:
                    scope.cancel()
                await trio.lowlevel.checkpoint()

            client.app._sending._turn = turn
            await client.call("POST", "/v1/messages/batch", {"messages": [{"to": "447700900123", "text": "a"}] * 200})
        assert scope.cancelled_caught
        await client.gateway.settle()
        assert client.gateway.sent == []
        client.gateway.assert_nothing_is_held()
