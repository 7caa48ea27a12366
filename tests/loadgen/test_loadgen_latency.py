"""The latency histogram against a sorted list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.loadgen.latency import LatencyHistogram


@given(st.lists(st.floats(0, 1_000), min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_right_within_a_bucket(latencies: list[float], percent: float) -> None:
    """A percentile is no less than the true one, and at most two microseconds and 1.6 % above it."""
    histogram = LatencyHistogram()
    for latency in latencies:
        histogram.record(latency)
    rank = max(-(-percent * len(latencies) // 100), 1)
    true = sorted(latencies)[int(rank) - 1]
    got = histogram.percentile(percent)
    assert got >= true - 1e-6 or got == histogram.max_s
    assert got <= true * 1.016 + 2e-6
    assert histogram.count == len(latencies)
    assert histogram.max_s == max(latencies)
    assert histogram.mean_s == pytest.approx(sum(latencies) / len(latencies))


def test_an_empty_histogram_has_no_latency() -> None:
    """Nothing recorded: every answer is 0."""
    histogram = LatencyHistogram()
    assert (histogram.percentile(99), histogram.mean_s, histogram.max_s) == (0, 0, 0)


def test_absurd_values_stay_in_range() -> None:
    """A negative latency and one of days are counted at the ends."""
    histogram = LatencyHistogram()
    histogram.record(-1.0)
    histogram.record(1e6)
    assert histogram.count == 2
    assert histogram.percentile(1) <= 2e-6
