"""What is usual for an account, and breaks with it."""

from typing import Any

import pytest
from abuse_bench import NOW, Bench
from hypothesis import given
from hypothesis import strategies as st

from smsagg.abuse.checks import FROZEN
from smsagg.abuse.usage import HOUR_MS, NETWORKS_MAX, Usage, UsageWatch, network_of, usage_from_record


def learned(**rules: Any) -> Bench:
    """Three days of 100 messages an hour to one country, from one network."""
    bench = Bench(**{"takeover": "freeze", **rules})
    bench.checks.bound_from("192.0.2.7", NOW)
    for hour in range(72):
        for n in range(100):
            assert bench.send(at_s=hour * 3_600 + n) is None
    assert not bench.findings
    return bench


def test_fifty_times_the_usual_volume_freezes_the_account() -> None:
    """K09: the hour's volume is a sign at twenty times the usual, and what comes then is refused."""
    bench = learned(takeover_messages=100)
    answers = [bench.send(at_s=72 * 3_600 + n / 10) for n in range(5_000)]
    first = next(n for n, answer in enumerate(answers) if answer is not None)
    assert 1_900 < first <= 2_000
    assert answers[first] == FROZEN
    assert [(f.kind, f.action) for f in bench.findings] == [("volume", "freeze")]
    assert "100 is usual" in bench.findings[0].detail


def test_a_busy_day_is_not_stolen_credentials() -> None:
    """Ten times the usual volume, or few messages in all, are no sign."""
    bench = learned(takeover_messages=100)
    assert all(bench.send(at_s=72 * 3_600 + n) is None for n in range(1_000))
    quiet = learned(takeover_messages=10_000)
    assert all(quiet.send(at_s=72 * 3_600 + n / 10) is None for n in range(5_000))
    assert not bench.findings + quiet.findings


def test_new_countries_and_networks_are_signs() -> None:
    """K09: each raises one alarm, and freezes when the setting says so."""
    bench = learned()
    assert bench.send(country="ZW", at_s=72 * 3_600) is None
    assert bench.send(country="ZW", at_s=72 * 3_601) is None
    bench.checks.bound_from("192.0.2.200", NOW + 72 * HOUR_MS)
    bench.checks.bound_from("198.51.100.1", NOW + 72 * HOUR_MS)
    bench.checks.bound_from("198.51.100.2", NOW + 72 * HOUR_MS)
    assert [(f.kind, f.subject, f.action) for f in bench.findings] == [
        ("country", "ZW", "monitor"),
        ("network", "198.51.100.0/24", "monitor"),
    ]
    strict = learned(takeover_freeze_on=("country", "network"))
    assert strict.send(country="ZW", at_s=72 * 3_600) == FROZEN
    monitored = learned(takeover="monitor", takeover_freeze_on=("country",))
    assert monitored.send(country="ZW", at_s=72 * 3_600) is None


def test_nothing_is_a_sign_while_the_ways_are_learned() -> None:
    """A new account may begin as it likes."""
    bench = Bench(takeover="freeze", takeover_messages=10)
    for n in range(2_000):
        assert bench.send(country=f"{n % 50}", at_s=n) is None
    assert not bench.findings


def test_what_was_learned_outlives_a_restart() -> None:
    """The record says all that counts."""
    bench = learned()
    watch = bench.checks.usage
    assert watch is not None
    again = usage_from_record(watch.usage.to_record())
    assert again == watch.usage
    assert watch.is_changed


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50)), max_size=50))
def test_an_average_of_hours_is_within_what_came(hours: list[tuple[int, int]]) -> None:
    """Whatever the pauses: between zero and the busiest hour, and the peak no more than that."""
    watch = UsageWatch(20.0, 10**9, 3_600.0, Usage(NOW, NOW // HOUR_MS))
    now = NOW
    for pause, count in hours:
        now += pause * HOUR_MS
        for _ in range(count):
            watch.note_message("GB", now)
    busiest = max((count for _, count in hours), default=0) * (len(hours) or 1)
    assert 0 <= watch.usage.average <= watch.usage.peak * 1.0001 + 1e-9 <= busiest + 1


def test_networks_are_bounded_and_wide_enough() -> None:
    """A /24 of IPv4 and a /48 of IPv6 are one place; the oldest of too many is forgotten."""
    assert network_of("192.0.2.7") == network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8::1") == network_of("2001:db8:0:9::1") == "2001:db8::/48"
    assert network_of("unix") == "unix"
    watch = UsageWatch(20.0, 100, 3_600.0, Usage(NOW, NOW // HOUR_MS))
    for n in range(200):
        watch.note_network(f"10.0.{n}.1", NOW)
    assert len(watch.usage.networks) == NETWORKS_MAX


@pytest.mark.parametrize("factor", [20.0, 50.0])
def test_an_alarmed_hour_is_learned_only_as_far_as_it_was_usual(factor: float) -> None:
    """K09: an attack that goes on for hours is a sign in each of them."""
    bench = learned(takeover="monitor", takeover_messages=100, takeover_factor=factor)
    for hour in range(72, 75):
        for n in range(12_000):
            bench.send(at_s=hour * 3_600 + n / 10)
    assert [f.kind for f in bench.findings] == ["volume"] * (3 if factor == 20.0 else 2)
