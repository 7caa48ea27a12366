"""The token bucket: never more than the contract, and never less than it for who waits."""

from math import inf, isclose

from hypothesis import given
from hypothesis import strategies as st

from smsagg.queueing.rate import TokenBucket


def test_a_burst_and_then_the_rate() -> None:
    """It starts full, and refills to the burst and no further."""
    bucket = TokenBucket(10.0, 5, now=100.0)
    assert bucket.take_up_to(99, 100.0) == 5
    assert bucket.available(100.0) == 0
    assert isclose(bucket.ready_at(100.0), 100.1)
    assert bucket.available(100.1) == 1
    assert bucket.available(100.25) == 2
    assert bucket.available(500.0) == 5


def test_no_limit() -> None:
    """An infinite rate lets everything pass at once."""
    bucket = TokenBucket(inf, 1, 0.0)
    assert bucket.take_up_to(10_000, 0.0) == 10_000
    assert bucket.available(0.0) == inf
    assert bucket.ready_at(7.0) == 7.0


def test_rate_zero_passes_the_burst_only() -> None:
    """And says that it never will pass more."""
    bucket = TokenBucket(0.0, 1, 0.0)
    assert bucket.take_up_to(5, 0.0) == 1
    assert bucket.ready_at(1e9) == inf


def test_a_debt_is_paid_first() -> None:
    """What passed without asking is made up for."""
    bucket = TokenBucket(10.0, 5, 0.0)
    bucket.take(15, 0.0)
    assert isclose(bucket.ready_at(0.0), 1.1)
    assert bucket.available(1.05) == 0
    assert bucket.available(1.1) == 1


def test_what_did_not_happen_is_given_back() -> None:
    """But never above the burst."""
    bucket = TokenBucket(10.0, 5, 0.0)
    bucket.take(3, 0.0)
    bucket.give_back(2)
    assert bucket.available(0.0) == 4
    bucket.give_back(100)
    assert bucket.available(0.0) == 5


def test_a_clock_that_steps_back_adds_nothing() -> None:
    """Nor takes anything."""
    bucket = TokenBucket(10.0, 5, 100.0)
    bucket.take(5, 100.0)
    assert bucket.available(50.0) == 0
    assert bucket.available(100.1) == 1


def test_a_new_rate_counts_from_now() -> None:
    """Tokens gained at the old rate stay, as far as the new burst allows."""
    bucket = TokenBucket(10.0, 100, 0.0)
    bucket.take(100, 0.0)
    bucket.set_rate(1.0, 100, 1.0)
    assert bucket.available(1.0) == 10
    assert bucket.available(6.0) == 15
    bucket.set_rate(1.0, 3, 6.0)
    assert bucket.available(60.0) == 3


@given(
    st.floats(0.5, 2000.0),
    st.integers(1, 500),
    st.lists(st.tuples(st.floats(0.0, 1.5), st.integers(1, 300)), max_size=120),
)
def test_in_no_second_does_more_pass_than_rate_plus_burst(
    rate: float, burst: int, asks: list[tuple[float, int]]
) -> None:
    """Over every window of one second of any history of asking."""
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    passed: list[tuple[float, int]] = []
    for pause, count in asks:
        now += pause
        passed.append((now, bucket.take_up_to(count, now)))
    for start, _ in passed:
        assert sum(count for at, count in passed if start <= at <= start + 1.0) <= rate + burst + 1e-6


@given(st.floats(0.5, 2000.0), st.integers(1, 50), st.integers(1, 300))
def test_who_comes_when_told_is_served(rate: float, burst: int, rounds: int) -> None:
    """At ``ready_at`` there is a token, so that a timer set to it never spins; and the contract is reached."""
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    bucket.take_up_to(burst, now)
    for _ in range(rounds):
        now = bucket.ready_at(now)
        assert bucket.take_up_to(1, now) == 1
    assert isclose(now, rounds / rate, rel_tol=1e-6)
