"""How requests share the event loop with everything else that it serves: SMPP comes first.

Theory of operation. A flood of requests that become readable at once would all be worked on in one turn of the loop,
and whoever else it serves would wait for all of them. So requests *take turns*: one begins in each turn of the loop,
and work on many messages is cut into slices that take a turn each. SMPP sessions, carriers and the store get every turn
what they have to do, and wait for one slice of HTTP at most.

What is under way to the store is bounded too (*room*): every commit that is awaited wakes those who wait for it, and
an SMPP submit waits for the rows of the commit before its own.

After each piece of work HTTP rests, so that it has half of the loop's time at most; for each message that it took in it
rests for as long as that one will keep the loop busy (:data:`TAKEN_S`), so that batches come no faster than they leave.
When the front door for SMPP itself is near its limit (its ``load``, see ``esme.pace``: the loop is late, and messages
pile up), it rests for longer, until at full load it has :data:`SHARE_MIN` of the loop. Of requests that wait for their
first turn there are :data:`WAITING_MAX` at most; beyond, the answer is 503 at once.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from types import coroutine
from typing import Any

import trio

from smsagg.api.v1.problem import Problem

SHARE_MAX, SHARE_MIN = 0.5, 0.05
BURST_S = 0.005
"""HTTP may be behind with its rests by so much."""
WAITING_MAX = 150
"""Requests that wait for their first turn."""
REST_S_MAX = 0.5
TAKEN_S = 30e-6
"""What a message that was taken costs the loop on its way: its hand-over, the carrier's answer, its receipt."""
DEBT_S_MAX = 2.0
"""What takes no turns (streams, answers after a commit) is charged too; it puts nobody off for longer than this."""
ROOM = 16
"""Requests that are under way to the store at once; a batch counts as one for each so many messages:"""
MESSAGES_A_PLACE = 64


class Turns:
    """Of all requests."""

    def __init__(self, load: Callable[[], float]) -> None:
        """``load``: how near everything else is to its limit, 0 to 1."""
        self._load = load
        self._turn = trio.StrictFIFOLock()
        self._waiting = 0
        self._rests_until = 0.0

    async def begin(self) -> None:
        """Wait for a request's first turn; raises :class:`Problem` (503) when too many wait already."""
        if self._waiting >= WAITING_MAX:
            raise Problem(503, "busy", "Too many requests are waiting. Try again.", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            await self.take()
        finally:
            self._waiting -= 1

    async def take(self) -> None:
        """Wait for a turn; cancelling the wait is harmless."""
        async with self._turn:
            if self._rests_until - BURST_S > trio.current_time():
                await trio.sleep_until(self._rests_until - BURST_S)

    def taken(self, messages: int) -> None:
        """So many messages go their way, for which the loop has work to come."""
        self.charge(messages * TAKEN_S)

    def charge(self, seconds: float) -> None:
        """So long has the loop been worked with."""
        share = SHARE_MAX * (SHARE_MIN / SHARE_MAX) ** self._load()
        rest_s = min(seconds * (1 / share - 1), REST_S_MAX)
        now = trio.current_time()
        self._rests_until = min(max(self._rests_until, now) + rest_s, now + DEBT_S_MAX)


class Room:
    """Places for what is under way, given in the order in which they are asked for."""

    def __init__(self) -> None:
        self._free = ROOM
        self._queue: deque[tuple[int, trio.Event]] = deque()

    @asynccontextmanager
    async def places_for(self, messages: int) -> AsyncIterator[None]:
        """Places for a request of so many messages, as many as there are at most."""
        places = min(1 + (messages - 1) // MESSAGES_A_PLACE, ROOM)
        if self._queue or places > self._free:
            await self._wait(places)
        else:
            self._free -= places
        try:
            yield
        finally:
            self._give_back(places)

    async def _wait(self, places: int) -> None:
        given = trio.Event()
        entry = (places, given)
        self._queue.append(entry)
        try:
            await given.wait()
        except trio.Cancelled:
            if given.is_set():
                self._give_back(places)
            else:
                self._queue.remove(entry)
                self._give_back(0)
            raise

    def _give_back(self, places: int) -> None:
        self._free += places
        while self._queue and self._queue[0][0] <= self._free:
            places, given = self._queue.popleft()
            self._free -= places
            given.set()


@coroutine
def metered(work: Coroutine[Any, Any, None], charge: Callable[[float], None]) -> Generator[Any, Any, None]:
    """Do ``work``, and tell of the time of each of its steps between two waits, by the clock that rests go by."""
    clock = trio.current_time
    step, argument = work.send, None
    while True:
        began = clock()
        try:
            waits_for = step(argument)
        except StopIteration:
            return
        finally:
            charge(clock() - began)
        try:
            step, argument = work.send, (yield waits_for)
        except BaseException as error:  # noqa: BLE001 — whatever it is, it is the work's
            step, argument = work.throw, error
