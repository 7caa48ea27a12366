"""The two clocks: wall time for records and the wire, monotonic time for deadlines.

The pure ring takes ``now`` as an argument; only the trio ring and the root hold a :class:`Clock`.

Wall time may be set, by hand or by a time service, and what waits for an instant of it (a retry, a schedule, the end of
a validity period) must neither be forgotten for an hour nor judged by a time that has been before. So the clock that
the engine is told never runs back: when the system's is set back, it goes on at ``CATCH_UP_PACE`` of its pace until the
system's has caught up, and no wait becomes longer than by a ninth. When the system's is set forward (or the machine
slept), it follows at once.
"""

import time
from typing import Protocol

import trio


class Clock(Protocol):
    """Source of both kinds of time."""

    def now_ms(self) -> int:
        """Wall time: UTC milliseconds since 1970-01-01. Never less than before in the same run."""
        ...

    def monotonic_s(self) -> float:
        """Monotonic seconds, comparable with trio deadlines in the same run."""
        ...


CATCH_UP_PACE = 0.9


class SystemClock:
    """The real clocks. Needs a running trio loop for :meth:`monotonic_s`. One task or thread only."""

    def __init__(self) -> None:
        self._told_ms = 0.0
        self._told_at_s = time.monotonic()

    def now_ms(self) -> int:
        at_s = time.monotonic()
        least_ms = self._told_ms + (at_s - self._told_at_s) * (1_000 * CATCH_UP_PACE)
        self._told_ms = max(time.time_ns() / 1_000_000, least_ms)
        self._told_at_s = at_s
        return int(self._told_ms)

    def monotonic_s(self) -> float:
        return trio.current_time()
