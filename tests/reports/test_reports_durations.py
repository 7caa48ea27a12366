"""The histogram of times: exact where it says so, within its error elsewhere, and merged without loss."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.reports.durations import ERROR, Durations

TIMES = st.lists(st.integers(0, 30 * 86_400_000), min_size=1, max_size=200)


def durations_of(times: list[int]) -> Durations:
    durations = Durations()
    for time in times:
        durations.record(time)
    return durations


@given(TIMES, st.floats(0, 1))
def test_a_quantile_is_within_the_stated_error(times: list[int], share: float) -> None:
    """It is the value at that rank, as if all had been sorted, but for the error."""
    rank = next(i for i in range(len(times)) if i + 1 >= max(share * len(times), 1))
    exact = sorted(times)[rank]
    found = durations_of(times).quantile(share)
    assert found is not None
    assert abs(found - exact) <= (ERROR * exact if exact >= 256 else 0)


@given(TIMES, TIMES)
def test_merged_is_as_if_one_had_seen_all(one: list[int], other: list[int]) -> None:
    """Buckets and counts of both."""
    merged = durations_of(one)
    merged.merge(durations_of(other))
    both = durations_of(one + other)
    assert merged.counts == both.counts
    assert merged.count == both.count == len(one) + len(other)


def test_nothing_has_no_quantile() -> None:
    """Rather than a time of zero."""
    assert Durations().quantile(0.5) is None


def test_times_are_spread_over_bounds() -> None:
    """Up to each bound, and beyond the last."""
    assert durations_of([-5, 0, 100, 200, 201, 255, 100_000]).within((100, 200, 1000)) == [3, 1, 2, 1]
