"""Counts over a sliding window, from counters that only grow.

A window of w seconds keeps a look at the counters each w / ``SLOTS`` seconds; what happened within it is the present
counters less those of the oldest look kept. So it is at most a slot longer or shorter than asked for, and memory is
constant.
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
        """The counters as they were at the beginning of the window up to ``now``, and how many seconds ago that was;
        ``counts`` are the counters now. At the first look these two are the same.
        """
        looks = self._looks
        while len(looks) > 1 and looks[1][0] <= now - self._window_s:
            looks.popleft()
        if not looks or now - looks[-1][0] >= self._slot_s:
            looks.append((now, counts))
        since, first = looks[0]
        return first, now - since

    def restart(self) -> None:
        """What was counted so far is no evidence any more: the window begins with the next look."""
        self._looks.clear()


def between(first: Counts, last: Counts) -> Counts:
    """What was counted from the one look to the other."""
    return tuple(map(int.__sub__, last, first))
