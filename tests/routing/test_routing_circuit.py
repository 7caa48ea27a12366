"""The circuit breaker, by example and over every sequence of what can happen."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.circuit import CircuitBreaker, CircuitState


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker(3, 10.0)
    for _ in range(3):
        breaker.on_failure(now)
    return breaker


def test_a_healthy_carrier_is_not_limited() -> None:
    """Nor one whose failures are never in a row."""
    breaker = CircuitBreaker(3, 10.0)
    for _ in range(10):
        breaker.on_failure(0.0)
        breaker.on_failure(0.0)
        breaker.on_success()
    assert breaker.allowance(0.0) == inf
    assert breaker.next_probe_at == inf


def test_failures_in_a_row_open_it() -> None:
    """Nothing goes out until it is time for a probe, and then exactly one message."""
    breaker = opened(now=100.0)
    assert breaker.state is CircuitState.OPEN
    assert breaker.next_probe_at == 110.0
    assert breaker.allowance(109.9) == 0
    assert breaker.allowance(110.0) == 1
    breaker.on_sent()
    assert breaker.allowance(500.0) == 0
    assert breaker.next_probe_at == inf


def test_a_successful_probe_closes_it() -> None:
    """And the count of failures begins anew."""
    breaker = opened()
    breaker.on_sent()
    breaker.on_success()
    assert breaker.allowance(10.0) == inf
    breaker.on_failure(10.0)
    assert breaker.allowance(10.0) == inf


def test_a_failed_probe_opens_it_again() -> None:
    """For as long as before."""
    breaker = opened()
    breaker.on_sent()
    breaker.on_failure(25.0)
    assert breaker.allowance(34.9) == 0
    assert breaker.allowance(35.0) == 1


def test_a_probe_that_was_never_sent_is_owed() -> None:
    """No evidence, so another probe, later."""
    breaker = opened()
    breaker.on_sent()
    breaker.on_not_sent(12.0)
    assert breaker.allowance(21.9) == 0
    assert breaker.allowance(22.0) == 1


def test_old_news_changes_nothing_while_it_is_open() -> None:
    """Outcomes of what was sent before it opened neither close it nor postpone the probe."""
    breaker = opened()
    breaker.on_success()
    breaker.on_failure(9.0)
    breaker.on_not_sent(9.0)
    assert breaker.state is CircuitState.OPEN
    assert breaker.next_probe_at == 10.0


def test_zero_failures_means_never() -> None:
    """``circuit_failures = 0`` switches it off."""
    breaker = CircuitBreaker(0, 10.0)
    for _ in range(1000):
        breaker.on_failure(0.0)
    assert breaker.allowance(0.0) == inf


@given(st.lists(st.sampled_from(["send", "success", "failure", "not_sent", "wait"]), max_size=60), st.integers(1, 4))
def test_it_always_comes_back(happenings: list[str], failures_max: int) -> None:
    """In every state either messages are allowed, or a probe is out, or a probe's time is known."""
    breaker, now = CircuitBreaker(failures_max, 10.0), 0.0
    for happening in happenings:
        if happening == "send" and breaker.allowance(now) > 0:
            breaker.on_sent()
        elif happening == "success":
            breaker.on_success()
        elif happening == "failure":
            breaker.on_failure(now)
        elif happening == "not_sent":
            breaker.on_not_sent(now)
        elif happening == "wait":
            now += 4.0
        match breaker.state:
            case CircuitState.CLOSED:
                assert breaker.allowance(now) == inf
                assert breaker.next_probe_at == inf
            case CircuitState.OPEN:
                assert breaker.next_probe_at <= now + 10.0
                assert breaker.allowance(breaker.next_probe_at) == 1
            case CircuitState.PROBING:
                assert breaker.allowance(now) == 0
                assert breaker.next_probe_at == inf
