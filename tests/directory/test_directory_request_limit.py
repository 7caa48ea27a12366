"""How many requests may come, and how that is told."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.engine.directory.request_limit import RequestLimit, headers_of, take_one


def test_the_headers_say_what_is_allowed_and_what_is_left() -> None:
    limit = RequestLimit("key", 10.0, 50, now=0.0)
    assert headers_of([limit], 0.0) == {"RateLimit-Policy": '"key";q=50;w=5', "RateLimit": '"key";r=50;t=0'}
    assert take_one([limit], 0.0) == 0
    assert headers_of([limit], 0.0)["RateLimit"] == '"key";r=49;t=1'


def test_of_several_limits_the_narrowest_holds_and_a_refusal_costs_nothing() -> None:
    wide, narrow = RequestLimit("account", 10.0, 10, now=0.0), RequestLimit("key", 0.5, None, now=0.0)
    assert take_one([narrow, wide], 0.0) == 0
    assert take_one([narrow, wide], 0.0) == 2.0
    assert wide.remaining(0.0) == 9
    assert take_one([narrow, wide], 2.0) == 0


@given(st.floats(0.01, 1_000), st.integers(1, 100), st.lists(st.floats(0, 10), max_size=200))
def test_no_more_than_burst_and_rate_ever_pass(rate: float, burst: int, pauses: list[float]) -> None:
    limit, now, passed = RequestLimit("key", rate, burst, now=0.0), 0.0, 0
    for pause in pauses:
        now += pause
        wait_s = take_one([limit], now)
        assert wait_s >= 0
        passed += wait_s == 0
    assert passed <= burst + rate * now + 1e-6
