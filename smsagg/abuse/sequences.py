"""Runs of neighbouring numbers: how those pump one-time passwords who are paid for traffic to ranges that they rent.

Theory of operation. Numbers that differ in their last three digits only are a *thousand*. For each thousand that an
account writes to, a bit is kept for each of its numbers that was written to within the window (two generations of half
a window each). The numbers among them that have another one within ``gap`` above them are counted; so many as
``numbers`` are a run. The order in which they come does not matter, nor does what comes in between, nor how often the
same number comes again.

What chance does: of ``n`` numbers strewn over a thousand each has a near neighbour above it with probability
``1 - (1 - n / 1000) ** gap``. With the defaults, 50 within a gap of 2, a thousand must get some 165 different
recipients within ten minutes by chance: every sixth of all numbers that there are.

Two integers of a thousand bits and an instant for each thousand, a bounded number of thousands.
"""

from smsagg.abuse.bounded import RecentKeys

_LAST_DIGITS = 3


class _Thousand:
    __slots__ = ("generation", "older", "younger")

    def __init__(self) -> None:
        self.generation = 0
        self.older = 0
        self.younger = 0


class Sequences:
    """One account's recipients."""

    __slots__ = ("_gap", "_half_ms", "_numbers", "_thousands")

    def __init__(self, numbers: int, gap: int, window_s: float, thousands_max: int) -> None:
        self._numbers = numbers
        self._gap = gap
        self._half_ms = max(int(window_s * 500), 1)
        self._thousands: RecentKeys[str, _Thousand] = RecentKeys(thousands_max, _Thousand)

    def __len__(self) -> int:
        return len(self._thousands)

    @property
    def forgotten(self) -> int:
        """How many were dropped for want of room."""
        return self._thousands.forgotten

    def note(self, digits: str, now: int) -> int:
        """A message to ``digits`` (E.164, no plus), ``now`` (UTC milliseconds); of how many numbers the run is that it
        belongs to, 0 for none."""
        thousand = self._thousands[digits[:-_LAST_DIGITS]]
        generation = now // self._half_ms
        if generation != thousand.generation:
            follows = generation == thousand.generation + 1
            thousand.older = thousand.younger if follows else 0
            thousand.younger = 0
            thousand.generation = generation
        thousand.younger |= 1 << int(digits[-_LAST_DIGITS:])
        written_to = thousand.older | thousand.younger
        if written_to.bit_count() <= self._numbers:
            return 0
        near = 0
        for distance in range(1, self._gap + 1):
            near |= written_to & (written_to >> distance)
        count = near.bit_count()
        return count if count >= self._numbers else 0

    def forget(self, prefix: str) -> None:
        """Begin anew in all thousands of ``prefix``."""
        for thousand in [key for key in self._thousands if key.startswith(prefix) or prefix.startswith(key)]:
            self._thousands.pop(thousand)
