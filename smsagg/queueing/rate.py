"""A token bucket: so many events a second on average, so many at once.

Theory of operation. The bucket holds at most ``burst`` tokens and gains ``rate_per_s`` a second; an event takes one. In
any span of t seconds at most ``burst + rate_per_s * t`` events pass. Tokens are computed when asked for, from the time
since the last look: no timer, constant memory. ``now`` is monotonic seconds; a clock that steps back adds nothing.
"""

from math import inf

_EPSILON = 1e-9
"""Tokens by which float sums may fall short of the whole number that they mean."""


class TokenBucket:
    """A rate limit; :data:`math.inf` as rate means none."""

    __slots__ = ("_at", "_burst", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: float, now: float) -> None:
        """Starts full. ``burst`` is at least 1, or nothing would ever pass."""
        self._rate_per_s = rate_per_s
        self._burst = max(burst, 1.0)
        self._tokens = self._burst
        self._at = now

    @property
    def rate_per_s(self) -> float:
        return self._rate_per_s

    def set_rate(self, rate_per_s: float, burst: float, now: float) -> None:
        """Go on at another rate; of the tokens gained so far the new burst's worth stays."""
        self._fill(now)
        self._rate_per_s = rate_per_s
        self._burst = max(burst, 1.0)
        self._tokens = min(self._tokens, self._burst)

    def available(self, now: float) -> float:
        """How many events may pass now: a whole number, or ``inf``."""
        if self._rate_per_s == inf:
            return inf
        self._fill(now)
        return int(self._tokens + _EPSILON)

    def take(self, count: int, now: float) -> None:
        """``count`` events pass, whether they may or not; a debt is paid before anything is available again."""
        if self._rate_per_s != inf:
            self._fill(now)
            self._tokens -= count

    def take_up_to(self, count: int, now: float) -> int:
        """Let as many of ``count`` events pass as may, and return how many."""
        passed = int(min(self.available(now), count))
        self.take(passed, now)
        return passed

    def give_back(self, count: int) -> None:
        """``count`` events that were taken did not happen."""
        self._tokens = min(self._tokens + count, self._burst)

    def ready_at(self, now: float) -> float:
        """When the next event may pass: ``now`` if it may already, ``inf`` at rate 0."""
        if self.available(now) >= 1:
            return now
        return now + (1.0 - self._tokens) / self._rate_per_s if self._rate_per_s > 0 else inf

    def _fill(self, now: float) -> None:
        if now > self._at:
            if self._rate_per_s != inf:
                self._tokens = min(self._tokens + (now - self._at) * self._rate_per_s, self._burst)
            self._at = now
