"""Who cannot take anything now, and until when: so that nobody is asked again before there is a reason.

With two hundred carriers of ten messages a second nearly all of them are waiting for a rate token at any time. Asking
each of them at each choice was most of the CPU time of such a system; here they wait in a heap by the instant at which
time alone gives them room, and an event (an answer, a bind, a commit) calls them back at once.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from math import inf

ASK_AGAIN_S = 1.0
"""Nobody is left unasked for longer than this, should an event ever be missed."""


class Blocked:
    """Members by index. ``now`` is monotonic seconds."""

    __slots__ = ("_heap", "_until")

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []
        """(until, index); an entry counts while it says what ``_until`` says."""

    def __len__(self) -> int:
        return len(self._until)

    def add(self, index: int, until: float, now: float) -> None:
        """Member ``index`` has no room before ``until``; at most :data:`ASK_AGAIN_S` from now."""
        until = min(until, now + ASK_AGAIN_S)
        self._until[index] = until
        heappush(self._heap, (until, index))
        if len(self._heap) > 4 * len(self._until) + 8:
            self._heap = [(until, index) for index, until in self._until.items()]
            heapify(self._heap)

    def release(self, index: int) -> bool:
        """An event may have given it room; whether it was blocked."""
        return self._until.pop(index, None) is not None

    def take_due(self, now: float) -> Iterator[int]:
        """Those whose time has come; they are blocked no more."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            until, index = heappop(heap)
            if self._until.get(index) == until:
                del self._until[index]
                yield index

    def next_at(self) -> float:
        """When the first one's time comes; ``inf`` for never."""
        heap = self._heap
        while heap:
            until, index = heap[0]
            if self._until.get(index) == until:
                return until
            heappop(heap)
        return inf
