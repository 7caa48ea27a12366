"""Counts over a sliding window, from counters that only grow.

A window of w seconds keeps a look at the counters each w / ``SLOTS`` seconds; what happened within it is the present
look less the oldest kept. So it is at most a slot longer or shorter than asked for, and memory is constant.
"""

from collections import deque

Counts = tuple[int, ...]

SLOTS = 20


class SlidingCounts:
    """``now`` is seconds of any clock that does not step back."""

    __slots__ = ("_looks", "_slot_s", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._slot_s = window_s / SLOTS
        self._looks: deque[tuple[float, Counts]] = deque()

    def look(self, counts: Counts, now: float) -> tuple[Counts, float]:
        """What was counted within the window up to ``now``, and since when, in seconds; ``counts`` are the counters.

        The first look sees nothing.
        """
        looks = self._looks
        while len(looks) > 1 and looks[1][0] <= now - self._window_s:
            looks.popleft()
        if not looks:
            looks.append((now, counts))
        since, first = looks[0]
        if now - looks[-1][0] >= self._slot_s:
            looks.append((now, counts))
        if len(first) != len(counts):  # more is counted than at first
            first = first + (0,) * (len(counts) - len(first))
        return tuple(map(int.__sub__, counts, first)), now - since

    def restart(self) -> None:
        """What was counted so far is no evidence any more: the window begins with the next look."""
        self._looks.clear()
