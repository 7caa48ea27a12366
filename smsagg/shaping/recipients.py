"""How much one destination number may get: a limit for each, in bounded memory.

Theory of operation. For each number an instant is kept, the one at which all it got so far would have come had it come
evenly (GCRA: a message moves it on by an interval, and is one too many when it is further ahead than the burst). An
instant that has passed says nothing, so entries are kept in two generations: what was not touched during the life of
one has passed, and is dropped with it. Memory: ``numbers_max`` numbers in each generation; beyond, a generation ends
early, and numbers that were quiet for the longest are forgotten, to their advantage.
"""

from collections.abc import Hashable

NUMBERS_MAX = 200_000


class RecipientCap:
    """One limit. Instants are milliseconds; a clock that steps back refuses nobody for longer than the burst."""

    __slots__ = ("_ahead_ms", "_before", "_began_at", "_instants", "_interval_ms", "_life_ms", "_numbers_max")

    def __init__(self, rate_per_s: float, burst: int, numbers_max: int = NUMBERS_MAX) -> None:
        """At most ``rate_per_s`` to a number, and ``burst`` at once."""
        self._interval_ms = 1000 / rate_per_s
        self._ahead_ms = self._interval_ms * (burst - 1)
        self._life_ms = self._interval_ms * burst
        self._numbers_max = numbers_max
        self._instants: dict[Hashable, float] = {}
        self._before: dict[Hashable, float] = {}
        self._began_at = 0.0

    def __len__(self) -> int:
        return len(self._instants) + len(self._before)

    def admits(self, number: Hashable, now: int) -> bool:
        """Count one more message to ``number``; False when it is one too many, which is not counted."""
        if not 0 <= now - self._began_at < self._life_ms or len(self._instants) >= self._numbers_max:
            self._turn(now)
        instant = self._instants.get(number)
        if instant is None:
            instant = self._before.get(number, 0.0)
        ahead_ms = instant - now
        if self._is_beyond(ahead_ms):
            return False
        if ahead_ms > self._ahead_ms:
            ahead_ms = 0.0  # the clock was set back
        self._instants[number] = now + max(ahead_ms, 0.0) + self._interval_ms
        return True

    def would_admit(self, number: Hashable, now: int) -> bool:
        """What :meth:`admits` would say, without counting."""
        ahead_ms = self._instants.get(number, self._before.get(number, 0.0)) - now
        return not self._is_beyond(ahead_ms)

    def _is_beyond(self, ahead_ms: float) -> bool:
        """Whether that is too far ahead, and no further than a history can lead (but for rounding)."""
        return self._ahead_ms < ahead_ms <= self._life_ms + 1.0

    def _turn(self, now: int) -> None:
        """The next generation."""
        self._before = self._instants
        self._instants = {}
        self._began_at = now
