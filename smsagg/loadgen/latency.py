"""Latencies of millions of messages in constant memory: a histogram whose buckets grow with the value.

Each power of two of microseconds is cut into 64 buckets, so that a percentile is right within 1.6 % from 1 µs to
over an hour.
"""

_SUB_BITS = 6
_SUB = 1 << _SUB_BITS
_BUCKETS = _SUB * 28


class LatencyHistogram:
    """Seconds in, percentiles out."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.max_s = 0.0
        self._sum_s = 0.0

    def record(self, seconds: float) -> None:
        """Count one latency; below 0 counts as 0, beyond the range as its end."""
        micros = int(seconds * 1e6)
        if micros < _SUB:
            index = micros if micros > 0 else 0
        else:
            shift = micros.bit_length() - _SUB_BITS - 1
            index = (shift << _SUB_BITS) + (micros >> shift)
            if index >= _BUCKETS:
                index = _BUCKETS - 1
        self._counts[index] += 1
        self.count += 1
        self._sum_s += seconds
        if seconds > self.max_s:
            self.max_s = seconds

    def percentile(self, percent: float) -> float:
        """The latency in seconds that ``percent`` of all did not exceed; 0 when there were none."""
        if not self.count:
            return 0.0
        wanted = max(percent / 100 * self.count, 1)
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(_upper_micros(index) / 1e6, self.max_s)
        return self.max_s

    @property
    def mean_s(self) -> float:
        return self._sum_s / self.count if self.count else 0.0


def _upper_micros(index: int) -> int:
    """The end of a bucket."""
    if index < _SUB:
        return index + 1
    shift = (index >> _SUB_BITS) - 1
    return ((index & (_SUB - 1)) + _SUB + 1) << shift
