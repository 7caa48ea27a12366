"""The adaptive rate: down when the carrier throttles, back to the contract, and never above it."""

from copy import deepcopy
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.queueing.aimd import CUBIC_S, FLOOR_SHARE, INTERVAL_S, PAUSE_FULL_S, PAUSE_S, RECOVERY_S, AimdRate
from smsagg.queueing.rate import TokenBucket


def throttle_for(rate: AimdRate, start: float, seconds: float) -> float:
    """Every message is answered ESME_RTHROTTLED; returns when it ended."""
    now = start
    while now < start + seconds:
        ready_at = rate.ready_at(now)
        now = max(now + 0.01, min(ready_at, start + seconds))
        count = int(min(rate.available(now), 50))
        rate.take(count, now)
        for _ in range(count):
            rate.on_throttled(now)
    return now


def test_an_unthrottled_link_has_its_contract() -> None:
    """As a token bucket."""
    rate = AimdRate(100.0, 10, 0.0)
    assert rate.available(0.0) == 10
    rate.take(10, 0.0)
    assert rate.available(0.05) == 5
    assert not rate.is_slowed
    assert rate.ready_at(0.05) == 0.05


def test_throttling_halves_the_rate_and_pauses() -> None:
    """Nothing goes out during the pause, and time alone ends it."""
    rate = AimdRate(100.0, 10, 0.0)
    rate.on_throttled(1.0)
    assert rate.is_slowed
    assert rate.rate_per_s(1.0) == 50.0
    assert rate.available(1.0) == 0
    assert rate.ready_at(1.0) == 1.0 + PAUSE_S
    assert rate.available(1.0 + PAUSE_S) > 0
    assert rate.available(3.0) <= 6


def test_the_answers_to_one_window_are_one_piece_of_news() -> None:
    """A hundred ESME_RTHROTTLED within an interval halve once."""
    rate = AimdRate(100.0, 10, 0.0)
    for _ in range(100):
        rate.on_throttled(1.0)
    assert rate.rate_per_s(1.0) == 50.0
    rate.on_throttled(1.0 + INTERVAL_S)
    assert rate.rate_per_s(1.0 + INTERVAL_S) < 30.0


def test_congestion_slows_without_a_pause() -> None:
    """What was taken was taken; what comes goes at half of the rate, and at most once an interval."""
    rate = AimdRate(100.0, 10, 0.0)
    for _ in range(5):
        rate.on_congested(1.0)
    assert rate.rate_per_s(1.0) == 50.0
    assert rate.ready_at(1.0) < 1.0 + PAUSE_S


def test_a_full_queue_is_given_longer() -> None:
    """ESME_RMSGQFUL pauses ten times as long as ESME_RTHROTTLED, and a shorter pause does not cut it."""
    rate = AimdRate(100.0, 10, 0.0)
    rate.on_throttled(1.0, queue_full=True)
    rate.on_throttled(1.0)
    assert rate.ready_at(1.0) == 1.0 + PAUSE_FULL_S


@pytest.mark.parametrize("contract", [1.0, 20.0, 5_000.0])
def test_it_recovers_from_a_minute_of_nothing_but_throttling(contract: float) -> None:
    """At least 90 % of the contract is back within the recovery time, however long it lasted."""
    rate = AimdRate(contract, contract, 0.0)
    end = throttle_for(rate, 0.0, 60.0)
    assert rate.rate_per_s(end) <= max(0.3 * contract, 0.6)
    assert rate.rate_per_s(end) >= min(FLOOR_SHARE * contract, contract)
    assert rate.rate_per_s(end + RECOVERY_S + PAUSE_S) >= 0.9 * contract
    assert rate.rate_per_s(end + 10 * RECOVERY_S) == contract


def test_a_reconnect_does_not_forget() -> None:
    """The object is the memory: time passes, no burst is waiting at the end of it."""
    rate = AimdRate(100.0, 10, 0.0)
    rate.on_throttled(1.0)
    assert rate.rate_per_s(3.0) < 65.0
    assert rate.available(3.0) <= 10


def test_without_a_contract_nothing_limits_until_the_carrier_speaks() -> None:
    """Then half of what it took lately is the rate, and it grows again without end."""
    rate = AimdRate(None, 100, 0.0)
    now = 0.0
    for _ in range(300):
        assert rate.available(now) == inf
        rate.take(2, now)
        rate.on_accepted(2, now)
        now += 0.01
    rate.on_throttled(now)
    assert 90.0 <= rate.rate_per_s(now) <= 110.0
    assert rate.available(now + PAUSE_S) <= 25
    assert rate.rate_per_s(now + 2 * RECOVERY_S) > 250.0


@pytest.mark.parametrize("accepted", [0, 1, 50])
def test_one_throttling_at_the_start_is_forgotten_in_seconds(accepted: int) -> None:
    """A link that idled and met one ESME_RTHROTTLED in its first burst is at a thousand a second soon again."""
    rate = AimdRate(None, 100, 0.0)
    now = 100.0
    for _ in range(accepted):
        rate.on_accepted(1, now)
    rate.on_throttled(now)
    assert rate.rate_per_s(now) < 1_000
    assert rate.rate_per_s(now + 15) >= 1_000


def drive(rate: AimdRate, limit_per_s: float, start: float, seconds: float) -> tuple[int, int]:
    """Send what may be sent to a carrier that takes so much a second; returns (accepted, throttled)."""
    carrier = TokenBucket(limit_per_s, limit_per_s / 10, start)
    accepted = throttled = 0
    for step in range(round(seconds * 100)):
        now = start + step / 100
        count = int(min(rate.available(now), 50))
        rate.take(count, now)
        taken = carrier.take_up_to(count, now)
        if taken:
            rate.on_accepted(taken, now)
        for _ in range(count - taken):
            rate.on_throttled(now)
        accepted += taken
        throttled += count - taken
    return accepted, throttled


@pytest.mark.parametrize("limit", [20.0, 300.0, 3_000.0])
def test_without_a_contract_it_finds_what_the_carrier_takes(limit: float) -> None:
    """Most of the carrier's rate is used from the first minute on, and little is refused."""
    rate = AimdRate(None, 100, 0.0)
    drive(rate, limit, 0.0, 20)
    accepted, throttled = drive(rate, limit, 20.0, 60)
    assert accepted >= 0.7 * limit * 60
    assert throttled <= 0.1 * accepted


def test_a_limit_that_became_lower_is_learned_and_one_that_went_is_forgotten() -> None:
    """Down to a tenth within half a minute, with few refusals from then on; and up again as quickly."""
    rate = AimdRate(None, 100, 0.0)
    drive(rate, 1_000, 0.0, 30)
    drive(rate, 100, 30.0, 30)
    accepted, throttled = drive(rate, 100, 60.0, 60)
    assert accepted >= 0.7 * 100 * 60
    assert throttled <= 0.1 * accepted
    drive(rate, 1_000, 120.0, 45)
    accepted, _ = drive(rate, 1_000, 165.0, 30)
    assert accepted >= 0.7 * 1_000 * 30


def test_a_minute_of_nothing_but_throttling_says_nothing_about_the_rate() -> None:
    """After it the last good rate is back in seconds."""
    rate = AimdRate(None, 100, 0.0)
    drive(rate, 500, 0.0, 30)
    end = throttle_for(rate, 30.0, 60.0)
    assert rate.rate_per_s(end) < 30
    assert rate.rate_per_s(end + CUBIC_S + 1) >= 200


def test_throttled_from_the_first_message() -> None:
    """With nothing to learn from there is still a rate above zero."""
    rate = AimdRate(None, 10, 0.0)
    rate.on_throttled(0.0)
    assert 0 < rate.rate_per_s(0.0) <= 1.0
    assert rate.ready_at(0.0) < 5.0


@given(
    st.none() | st.floats(0.1, 5000.0),
    st.lists(
        st.tuples(st.floats(0.0, 3.0), st.sampled_from(["ok", "throttled", "full"]), st.integers(1, 50)), max_size=80
    ),
)
def test_it_never_passes_the_contract_and_never_stops(
    contract: float | None, answers: list[tuple[float, str, int]]
) -> None:
    """After any history the rate is in its bounds and the next message has a time."""
    rate, now = AimdRate(contract, 10, 0.0), 0.0
    for pause, answer, count in answers:
        now += pause
        sent = int(min(rate.available(now), count))
        rate.take(sent, now)
        if answer == "ok":
            rate.on_accepted(sent, now)
        else:
            rate.on_throttled(now, queue_full=answer == "full")
        limit = inf if contract is None else contract
        assert min(FLOOR_SHARE * limit, 0.1) <= rate.rate_per_s(now) <= limit
        ready_at = rate.ready_at(now)
        assert now <= ready_at < inf
        assert deepcopy(rate).available(ready_at) >= 1


def test_another_contract_keeps_what_was_learned_of_the_carrier() -> None:
    """A slowed link goes on from where it is, one in full use has the new contract at once; nothing bursts."""
    rate = AimdRate(100.0, 100, 0.0)
    rate.take(100, 0.0)
    rate.set_contract(200.0, 200, 0.0)
    assert rate.available(0.5) == 100
    rate.take(100, 0.5)
    rate.on_throttled(0.5)
    rate.set_contract(400.0, 400, 0.5)
    assert rate.is_slowed
    assert rate.rate_per_s(0.5) == 100.0
    assert rate.rate_per_s(0.5 + PAUSE_S + RECOVERY_S) == 400.0
    rate.on_throttled(30.0)
    rate.set_contract(10.0, 10, 30.0)
    assert rate.rate_per_s(30.0) == 10.0
    assert rate.available(31.0) <= 10


def test_a_contract_comes_and_goes() -> None:
    """Without one nothing limits a link that was in full use; one that was slowed finds its rate again."""
    rate = AimdRate(None, 100, 0.0)
    rate.set_contract(50.0, 100, 1.0)
    assert rate.rate_per_s(1.0) == 50.0
    rate.set_contract(None, 100, 2.0)
    assert rate.available(2.0) == inf
    rate.set_contract(50.0, 100, 3.0)
    rate.on_throttled(4.0)
    rate.set_contract(None, 100, 5.0)
    slowed = rate.rate_per_s(5.0)
    assert 25.0 <= slowed < 50.0
    assert rate.rate_per_s(60.0) > 50.0
