"""How an endpoint stands after what it answered."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smsagg.events.standing import ERROR_CHARACTERS_MAX, Disabled, Standing, standing_from_record

HOUR = 3_600_000
answers = st.lists(st.tuples(st.booleans(), st.integers(1, 30 * HOUR)), max_size=30)


@given(answers, st.integers(1, 100 * HOUR))
def test_it_is_disabled_once_it_has_taken_nothing_for_too_long(
    said: list[tuple[bool, int]], disable_after_ms: int
) -> None:
    """Counted from the first failure after the last success; a success in time begins anew."""
    standing, now, failing_since = Standing(), 1, 0
    for is_taken, later in said:
        now += later
        if is_taken:
            standing, failing_since = standing.succeeded(now), 0
        else:
            failing_since = failing_since or now
            standing = standing.failed(now, "answered 500", disable_after_ms, "x")
            assert standing.is_disabled == (now - failing_since >= disable_after_ms)
        if standing.is_disabled:
            assert standing.disabled_for is Disabled.FAILING
            return
    assert standing.failing_since == failing_since


@pytest.mark.parametrize("why", Disabled)
def test_what_other_settings_undo(why: Disabled) -> None:
    """What the ones before led to; not what somebody wants."""
    standing = Standing().disabled(why, 5, "old")
    assert standing.under("old") == standing
    assert standing.under("new").is_disabled == (why is Disabled.ASKED)


def test_the_first_reason_stays() -> None:
    """Until it is enabled; then it has its time to fail anew."""
    standing = Standing().failed(5, "x", 10, "s").disabled(Disabled.GONE, 7, "s").disabled(Disabled.ASKED, 9, "s")
    assert (standing.disabled_for, standing.disabled_at) == (Disabled.GONE, 7)
    assert standing.enabled().failing_since == 0
    assert not standing.enabled().failed(100, "x", 10, "s").is_disabled


def test_errors_are_cut() -> None:
    """They are kept for each endpoint."""
    assert len(Standing().failed(5, "x" * 9_999, 10, "s").last_error) == ERROR_CHARACTERS_MAX


@given(answers, st.none() | st.sampled_from(Disabled))
def test_a_record_gives_it_again(said: list[tuple[bool, int]], why: Disabled | None) -> None:
    """All of it."""
    standing = evolve(Standing(), disabled_for=why)
    for is_taken, at in said:
        standing = standing.succeeded(at) if is_taken else standing.failed(at, "x", HOUR, "s")
    assert standing_from_record(standing.to_record()) == standing


def test_times_alone_are_worth_saving_now_and_then_only() -> None:
    """What decides is saved at once."""
    saved = Standing().succeeded(1_000)
    assert not saved.succeeded(2_000).is_worth_saving(saved)
    assert saved.succeeded(90_000).is_worth_saving(saved)
    assert saved.failed(2_000, "x", HOUR, "s").is_worth_saving(saved)
    assert saved.disabled(Disabled.GONE, 2_000, "s").is_worth_saving(saved)
