"""Answers of a look-up of ported numbers, remembered for a while.

Least recently used first out; an answer that says that nothing is known of a number is kept for its own, shorter time,
since numbers are ported and services learn. Memory: ``capacity`` entries of some 200 octets.
"""


class PortedNumbers:
    """Networks of numbers that were asked about. ``now`` is monotonic seconds."""

    __slots__ = ("_capacity", "_entries", "_negative_ttl_s", "_ttl_s")

    def __init__(self, capacity: int, ttl_s: float, negative_ttl_s: float) -> None:
        self._entries: dict[str, tuple[str, float]] = {}
        """(network, until) by digits; who was asked for last is last."""
        self.set_limits(capacity, ttl_s, negative_ttl_s)

    def set_limits(self, capacity: int, ttl_s: float, negative_ttl_s: float) -> None:
        """Other limits from now on; what is remembered keeps the time that it was given."""
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        while len(self._entries) > capacity:
            del self._entries[next(iter(self._entries))]

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, digits: str, now: float) -> str | None:
        """The network, ``""`` when nothing is known of the number, ``None`` when it has to be asked about."""
        entry = self._entries.pop(digits, None)
        if entry is None or entry[1] <= now:
            return None
        self._entries[digits] = entry
        return entry[0]

    def add(self, digits: str, network: str, now: float) -> None:
        """An answer came."""
        self._entries.pop(digits, None)
        if len(self._entries) >= self._capacity:
            del self._entries[next(iter(self._entries))]
        self._entries[digits] = network, now + (self._ttl_s if network else self._negative_ttl_s)
