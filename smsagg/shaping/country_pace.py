"""The pace of a whole country, over all its carriers: less while much goes wrong there, more as it gets better.

Theory of operation. Looked at once a second, over a window of ``WINDOW_S``. When ``errors_above`` of at least
``samples_min`` attempts failed (refused for now, throttled, or unanswered), the pace becomes half of what was attempted
lately; at most once each ``WINDOW_S``, so that each decrease is judged by what came after it. Otherwise it grows by a
fixed step a second, which takes it from nothing to where it stood before in ``RECOVERY_S``, up to the cap; without a
cap it is lifted at twice of where it stood. Pure; ``now`` is monotonic seconds.
"""

from math import inf

from smsagg.shaping.window import SlidingCounts

WINDOW_S = 10.0
RECOVERY_S = 60.0
DECREASE = 0.5
FLOOR_PER_S = 0.2


class CountryPace:
    """One country's."""

    __slots__ = (
        "_before_per_s",
        "_cap_per_s",
        "_errors_above",
        "_looked_at",
        "_lowered_at",
        "_samples_min",
        "_window",
        "rate_per_s",
    )

    def __init__(self, cap_per_s: float | None, errors_above: float | None, samples_min: int) -> None:
        """``errors_above`` ``None``: the cap alone counts."""
        self._cap_per_s = inf if cap_per_s is None else cap_per_s
        self._errors_above = errors_above
        self._samples_min = samples_min
        self._window = SlidingCounts(WINDOW_S)
        self._before_per_s = self._cap_per_s
        """Where it stood before it was lowered."""
        self._looked_at = self._lowered_at = -inf
        self.rate_per_s = self._cap_per_s
        """``inf``: as much as can."""

    @property
    def is_lowered(self) -> bool:
        """Whether errors hold it below its cap."""
        return self.rate_per_s < self._cap_per_s

    def look(self, attempts: int, errors: int, now: float) -> bool:
        """Take in the country's counters, which only grow; whether the pace is another one now."""
        if self._errors_above is None:
            return False
        (attempts_before, errors_before), elapsed = self._window.look((attempts, errors), now)
        attempted, failed = attempts - attempts_before, errors - errors_before
        since_last, self._looked_at = now - self._looked_at, now
        rate = self.rate_per_s
        if attempted >= self._samples_min and failed >= self._errors_above * attempted:
            if now < self._lowered_at + WINDOW_S:
                return False
            lately = attempted / max(elapsed, 1.0)
            if not self.is_lowered:
                self._before_per_s = min(rate, lately)
            self.rate_per_s = max(min(rate, lately) * DECREASE, min(FLOOR_PER_S, self._cap_per_s))
            self._lowered_at = now
            self._window.restart()
        elif self.is_lowered:
            self._grow(since_last)
        return self.rate_per_s != rate

    def _grow(self, elapsed: float) -> None:
        grown = self.rate_per_s + max(self._before_per_s, FLOOR_PER_S) / RECOVERY_S * elapsed
        if self._cap_per_s == inf and grown >= 2 * self._before_per_s:
            grown = inf
        self.rate_per_s = min(grown, self._cap_per_s)
