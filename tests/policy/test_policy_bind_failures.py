"""Counts, delays and bans of failed binds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import BindFailureSettings
from smsagg.policy.bind_failures import Bans, BindFailures

HOST, OTHER = "192.0.2.1", "198.51.100.1"


def failures(**values: Any) -> BindFailures:
    defaults: dict[str, Any] = {"free": 2, "delay_first": 1.0, "delay_max": 8.0, "ban_after": 6, "ban": 100.0}
    return BindFailures(BindFailureSettings(**(defaults | values)))


def fail(counts: BindFailures, times: int, system_id: str = "acme", address: str = HOST, now: float = 0.0) -> None:
    for _ in range(times):
        counts.failed(address, system_id, now)


def test_delays_grow_from_the_first_that_is_not_free() -> None:
    """They double up to the longest."""
    counts = failures(ban_after=20)
    delays = []
    for _ in range(8):
        fail(counts, 1)
        delays.append(counts.delay_s(HOST, "acme", 0.0))
    assert delays == [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_ten_thousand_failures_overflow_no_delay() -> None:
    """However long somebody goes on."""
    counts = failures(ban_after=100_000, address_ban_after=100_000)
    fail(counts, 10_000)
    assert counts.delay_s(HOST, "acme", 0.0) == 8.0


def test_a_ban_is_of_one_system_id_at_one_address() -> None:
    """Nobody can lock out a victim at the victim's own address, nor one account by guessing at another."""
    counts = failures()
    fail(counts, 6)
    assert counts.is_banned(HOST, "acme", 1.0, is_listed=False)
    assert not counts.is_banned(OTHER, "acme", 1.0, is_listed=False)
    assert not counts.is_banned(HOST, "other", 1.0, is_listed=False)


def test_a_listed_network_does_not_shield_who_guesses_there() -> None:
    """Its own account's count still holds."""
    counts = failures()
    fail(counts, 6)
    assert counts.is_banned(HOST, "acme", 1.0, is_listed=True)


def test_an_address_that_tries_many_system_ids_is_banned() -> None:
    """But for accounts that name its network, and those that were right from there before."""
    counts = failures(address_ban_after=20)
    counts.succeeded(HOST, "tenant")
    for number in range(20):
        fail(counts, 1, f"guess{number}")
    assert counts.is_banned(HOST, "never-seen", 1.0, is_listed=False)
    assert not counts.is_banned(HOST, "never-seen", 1.0, is_listed=True)
    assert not counts.is_banned(HOST, "tenant", 1.0, is_listed=False)
    assert not counts.is_banned(OTHER, "tenant", 1.0, is_listed=False)
    assert counts.delay_s(HOST, "never-seen", 1.0) == counts.delay_s(HOST, "tenant", 1.0) == 8.0


def test_a_right_bind_of_ones_own_does_not_clear_the_address() -> None:
    """Else one valid account would pay for guessing at all others."""
    counts = failures(address_ban_after=20)
    for number in range(20):
        fail(counts, 1, f"guess{number}")
        counts.succeeded(HOST, "mine")
    assert counts.is_banned(HOST, "guess21", 1.0, is_listed=False)


def test_a_ban_ends_and_one_more_failure_bans_again() -> None:
    """The count stands; a right bind clears it."""
    counts = failures()
    fail(counts, 6)
    assert counts.is_banned(HOST, "acme", 99.9, is_listed=False)
    assert not counts.is_banned(HOST, "acme", 100.0, is_listed=False)
    assert counts.failed(HOST, "acme", 100.0) == Bans(of_bind=True, of_address=False)
    assert counts.is_banned(HOST, "acme", 199.0, is_listed=False)
    counts.succeeded(HOST, "acme")
    assert not counts.is_banned(HOST, "acme", 199.0, is_listed=False)
    assert counts.failed(HOST, "acme", 199.0) == Bans(False, False)


def test_failures_are_forgotten_in_time() -> None:
    """A mistake a day bans nobody."""
    counts = failures(forget_after=50.0)
    for day in range(100):
        assert counts.failed(HOST, "acme", day * 86_400.0) == Bans(False, False)
    assert counts.delay_s(HOST, "acme", 99 * 86_400.0) == 0.0


def test_guesses_side_by_side_are_no_more_than_one_after_the_other() -> None:
    """What is being checked counts as failed until it is known."""
    counts = failures()
    fail(counts, 2)
    assert [counts.begin(HOST, "acme", 0.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert counts.begin(OTHER, "acme", 0.0)
    for _ in range(4):
        counts.end(HOST, "acme")
    assert counts.begin(HOST, "acme", 0.0)


def test_after_a_ban_there_is_one_guess_at_a_time() -> None:
    """Its failure bans again."""
    counts = failures()
    fail(counts, 6)
    assert [counts.begin(HOST, "acme", 100.0) for _ in range(2)] == [True, False]


def test_bans_in_force_are_counted() -> None:
    """For the metrics, by kind."""
    counts = failures(address_ban_after=7)
    fail(counts, 6)
    assert counts.bans(1.0) == {"bind": 1, "address": 0}
    fail(counts, 1, "other")
    assert counts.bans(1.0) == {"bind": 1, "address": 1}
    assert counts.bans(200.0) == {"bind": 0, "address": 0}


@pytest.mark.parametrize("is_flood", [True, False])
def test_memory_is_bounded(is_flood: bool) -> None:
    """A hundred thousand addresses, or one with as many system_ids, are not all kept; the newest ones are."""
    counts = failures(remembered_max=100)
    for number in range(100_000):
        address, system_id = (f"host{number}", "acme") if is_flood else (HOST, f"id{number}")
        fail(counts, 1, system_id, address, number / 1000)
        counts.succeeded(address, "good" + system_id)
    assert len(counts._binds) <= 100
    assert len(counts._addresses) <= 100
    assert len(counts._known) <= 100
    fail(counts, 5, system_id, address, 100.0)
    assert counts.is_banned(address, system_id, 100.0, is_listed=True)


@given(
    st.lists(
        st.tuples(st.sampled_from([HOST, OTHER]), st.sampled_from(["a", "b"]), st.floats(0, 60), st.booleans()),
        max_size=60,
    )
)
def test_no_history_gives_more_guesses_than_the_limit_in_a_bans_time(
    steps: list[tuple[str, str, float, bool]],
) -> None:
    """Whatever others do and however it is timed: between two bans of a pair there are at most ``ban_after`` failures
    that were let through, none during a ban, and other pairs' failures never ban it (with the address spared)."""
    counts = failures()
    now = 0.0
    since_clear = {(address, system_id): 0 for address in (HOST, OTHER) for system_id in ("a", "b")}
    banned_until = dict.fromkeys(since_clear, 0.0)
    for address, system_id, pause, is_right in steps:
        now += pause
        pair = address, system_id
        banned = counts.is_banned(address, system_id, now, is_listed=True)
        assert banned == (now < banned_until[pair])
        if banned:
            continue
        if is_right:
            counts.succeeded(address, system_id)
            since_clear[pair] = 0
            continue
        since_clear[pair] += 1
        began = counts.failed(address, system_id, now).of_bind
        assert began == (since_clear[pair] >= 6)
        if began:
            banned_until[pair] = now + 100.0


def test_other_settings_keep_what_was_counted() -> None:
    """The count stands, a ban in force lasts as it was to, and the next is by the new settings."""
    counts = failures(ban_after=6, ban=100.0)
    fail(counts, 5)
    counts.set_limits(BindFailureSettings(free=0, ban_after=3, ban=10.0))
    assert not counts.is_banned(HOST, "acme", 1.0, is_listed=False)
    assert counts.failed(HOST, "acme", 1.0).of_bind
    counts.set_limits(BindFailureSettings(ban=1_000.0))
    assert counts.is_banned(HOST, "acme", 10.9, is_listed=False)
    assert not counts.is_banned(HOST, "acme", 11.1, is_listed=False)
