"""The two clocks: wall time for records and the wire, monotonic time for deadlines.

The pure ring takes ``now`` as an argument; only the trio ring and the root hold a :class:`Clock`.
"""

import time
from typing import Protocol

import trio


class Clock(Protocol):
    """Source of both kinds of time."""

    def now_ms(self) -> int:
        """Wall time: UTC milliseconds since 1970-01-01."""
        ...

    def monotonic_s(self) -> float:
        """Monotonic seconds, comparable with trio deadlines in the same run."""
        ...


class SystemClock:
    """The real clocks. Needs a running trio loop for :meth:`monotonic_s`."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return trio.current_time()
