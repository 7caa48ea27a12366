"""Retry delays."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import Duration, RetrySettings
from smsagg.routing.backoff import retry_delay_s


def retry(first: float, multiplier: float, most: float, jitter: float) -> RetrySettings:
    return RetrySettings(first=Duration(first), multiplier=multiplier, max=Duration(most), jitter=jitter)


def test_delays_double_up_to_the_maximum() -> None:
    """Without jitter the schedule is exact."""
    settings = retry(2.0, 2.0, 30.0, 0.0)
    assert [retry_delay_s(settings, n, Random(1)) for n in range(1, 7)] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(
    st.floats(0.001, 1e4),
    st.floats(1.0, 100.0),
    st.floats(0.001, 1e6),
    st.floats(0.0, 1.0),
    st.integers(0, 10**9),
    st.integers(),
)
def test_the_delay_stays_in_its_bounds(
    first: float, multiplier: float, most: float, jitter: float, attempts: int, seed: int
) -> None:
    """Never above the maximum, never below the part that is not random, and no overflow however many attempts."""
    settings = retry(first, multiplier, most, jitter)
    whole = retry_delay_s(retry(first, multiplier, most, 0.0), attempts, Random(seed))
    delay = retry_delay_s(settings, attempts, Random(seed))
    assert whole * (1.0 - jitter) * (1.0 - 1e-9) <= delay <= whole <= most


def test_jitter_spreads_what_failed_together() -> None:
    """A thousand messages that failed at once do not come back at once."""
    rng = Random(7)
    delays = [retry_delay_s(retry(10.0, 2.0, 300.0, 0.2), 1, rng) for _ in range(1000)]
    assert min(delays) < 8.1
    assert max(delays) > 9.9
    assert len({round(delay, 2) for delay in delays}) > 150
