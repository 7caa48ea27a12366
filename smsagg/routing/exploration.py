"""Which of a country's messages go to a carrier that is not the best, to see whether it still is not.

Theory of operation. A carrier that gets nothing cannot show that it has recovered. So of each country's messages a
small share (``explore``) goes to carriers below the top, who was tried longest ago first, and at least one message in
``explore_every``. A carrier whose score is less than half of the best one's gets only the latter: what it loses is
bounded by time, not by traffic. Constant memory for each member. ``now`` is monotonic seconds.
"""

from collections.abc import Callable, Iterable, Sequence
from math import inf

HOPELESS = 0.5
"""Below this share of the best score a carrier gets no share of the traffic."""
CREDIT_MAX = 32.0
"""Messages explored at once, at most."""


class Explorer:
    """One country in one pool."""

    __slots__ = ("_credit", "_every_s", "_last_at", "_share", "_tried_at")

    def __init__(self, share: float, every_s: float, now: float) -> None:
        self._share = share
        self._every_s = every_s
        self._credit = 0.0
        self._last_at = now
        self._tried_at: dict[int, float] = {}

    def is_due(self, now: float) -> bool:
        """Whether the next message is to explore. Cheap."""
        return self._credit >= 1.0 or (self._share > 0 and now - self._last_at >= self._every_s)

    def candidates(
        self, below_top: Sequence[int], scores: Callable[[int], float], best: float, now: float
    ) -> list[int]:
        """Whom to try, in this order."""
        is_time = now - self._last_at >= self._every_s
        able: Iterable[int] = below_top if is_time else [i for i in below_top if scores(i) >= best * HOPELESS]
        return sorted(able, key=lambda index: self._tried_at.get(index, -inf))

    def quota(self, score: float, best: float) -> int:
        """How many messages a candidate with that score gets at once."""
        return max(int(self._credit), 1) if score >= best * HOPELESS else 1

    def sent(self, count: int) -> None:
        """``count`` messages went by the ranking."""
        self._credit = min(self._credit + count * self._share, CREDIT_MAX)

    def explored(self, index: int, count: int, now: float) -> None:
        """``count`` messages went to see how member ``index`` fares."""
        self._credit = max(self._credit - count, 0.0)
        self._last_at = now
        self._tried_at[index] = now
