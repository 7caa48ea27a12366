"""Virtual time, and what happens in it: functions to be called at instants.

Theory of operation. The agenda is trio's clock. When no task can run, trio asks how long it may sleep until its next
deadline; instead of sleeping the clock moves to that deadline or to the next entry, whichever is first, and calls what
is due. So a peer, a packet on its way or a commit costs a heap entry and not a task, and nothing ever waits for real.
Each step of a task takes a little virtual time as well (:meth:`Agenda.step`), so packets arrive and commits happen
between any two steps of the gateway, not only when it is idle.

Things due at the same instant happen in the order in which they were put down. An exception ends the run; it is kept.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

import trio

STEP_S = 0.00005
"""What a step of a task takes at most."""


class Agenda(trio.abc.Clock):
    """Instants are seconds; it shows 0 when the world begins."""

    def __init__(self, rng: Random) -> None:
        self.now = 0.0
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._random = rng.random
        self._entries: list[tuple[float, int, Callable[[], None]]] = []
        self._added = 0

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Have ``act()`` called in so many seconds."""
        self.at(self.now + delay_s, act)

    def at(self, at: float, act: Callable[[], None]) -> None:
        """Have ``act()`` called at that instant; one that is past is as soon as possible."""
        self._added += 1
        heappush(self._entries, (at, self._added, act))

    def step(self) -> None:
        """A task has taken one step."""
        self.now += STEP_S * self._random()
        if self._entries and self._entries[0][0] <= self.now:
            self._act()

    def _act(self) -> None:
        entries = self._entries
        try:
            while entries and entries[0][0] <= self.now:
                heappop(entries)[2]()
        except Exception as error:  # noqa: BLE001  the run's supervisor
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the run."""
        if self.failure is None:
            self.failure = error
            self._entries.clear()
            self.on_failure()

    # --- trio's clock ---

    def start_clock(self) -> None:
        """Nothing to start."""

    def current_time(self) -> float:
        return self.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nobody sleeps: the time has come."""
        if self._entries and self._entries[0][0] < deadline:
            deadline = self._entries[0][0]
        if deadline > self.now:
            self.now = deadline
        self._act()
        return 0.0
