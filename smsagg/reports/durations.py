"""Times to deliver of millions of messages in constant memory: a histogram that can be merged with others.

Each power of two of milliseconds is cut into 128 buckets, and a quantile is the middle of its bucket: below 256 ms it
is exact, above it is wrong by :data:`ERROR` at most. A histogram of times from 1 ms to 30 days has at most 3,500
buckets; only those that are in use are kept.
"""

_SUB_BITS = 7
_SUB = 1 << _SUB_BITS
ERROR = 0.004
"""Relative error of a quantile: half a bucket, 1/256 of the value."""


class Durations:
    """Milliseconds in, quantiles out."""

    __slots__ = ("count", "counts")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        """By bucket."""
        self.count = 0

    def record(self, milliseconds: int) -> None:
        """Count one; below 0 counts as 0."""
        if milliseconds < _SUB:
            bucket = milliseconds if milliseconds > 0 else 0
        else:
            shift = milliseconds.bit_length() - _SUB_BITS - 1
            bucket = (shift << _SUB_BITS) + (milliseconds >> shift)
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + 1
        self.count += 1

    def merge(self, other: "Durations") -> None:
        """Count all that ``other`` counted; the result is that of one histogram that saw both."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.count += other.count

    def quantile(self, share: float) -> float | None:
        """The time in milliseconds that ``share`` (0 to 1) of all did not exceed; ``None`` when there are none."""
        if not self.count:
            return None
        wanted = max(share * self.count, 1)
        seen = 0
        for bucket, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted:
                return sum(_range_of(bucket)) / 2
        raise AssertionError("the buckets hold less than was counted")

    def within(self, bounds_ms: tuple[int, ...]) -> list[int]:
        """How many lie up to the first bound, between it and the second, and so on; last, beyond all.

        What lies beyond a bound by a bucket's width (1/128 of it) at most may be counted as within it.
        """
        parts = [0] * (len(bounds_ms) + 1)
        for bucket, count in self.counts.items():
            low, _ = _range_of(bucket)
            parts[sum(low > bound for bound in bounds_ms)] += count
        return parts


def _range_of(bucket: int) -> tuple[int, int]:
    """The least and the greatest value that a bucket holds."""
    if bucket < 2 * _SUB:
        return bucket, bucket
    shift = (bucket >> _SUB_BITS) - 1
    low = ((bucket & (_SUB - 1)) + _SUB) << shift
    return low, low + (1 << shift) - 1
