"""Velocity limits: how many messages within a window."""

from random import Random

from abuse_bench import NOW, Bench, limits
from hypothesis import given
from hypothesis import strategies as st

from smsagg.abuse.bounded import RecentKeys
from smsagg.abuse.velocity import LimitTable, Velocity, Window
from smsagg.config.abuse import AbuseSettings
from smsagg.config.units import MessageLimit
from smsagg.smpp.status import ESME_RTHROTTLED


@given(
    st.integers(1, 20),
    st.integers(1, 100),
    st.lists(st.integers(0, 30_000), min_size=1, max_size=200),
)
def test_no_interval_holds_more_than_the_limit(messages: int, window_s: int, pauses_ms: list[int]) -> None:
    """Whatever the arrivals: never more than the limit within any interval as long as the window."""
    velocity = Velocity([(0, LimitTable(MessageLimit(messages, float(window_s)), 10))])
    now, taken = NOW, list[int]()
    for pause in pauses_ms:
        now += pause
        if velocity.count(("a",), now) is None:
            taken.append(now)
            assert sum(now - window_s * 1000 < at for at in taken) <= messages


@given(st.integers(1, 20), st.integers(1, 100), st.lists(st.integers(0, 3_000), max_size=200))
def test_room_comes_back_within_a_tenth_of_the_window(messages: int, window_s: int, pauses_ms: list[int]) -> None:
    """After a window and a tenth without messages the whole limit is there again."""
    velocity = Velocity([(0, LimitTable(MessageLimit(messages, float(window_s)), 10))])
    now = NOW
    for pause in pauses_ms:
        now += pause
        velocity.count(("a",), now)
    now += window_s * 1100 + 1
    assert [velocity.count(("a",), now) for _ in range(messages)] == [None] * messages
    assert velocity.count(("a",), now) is not None


def test_what_one_limit_refuses_no_other_counts() -> None:
    """K01: a flood that is refused for its prefix leaves the account's own limit to its other messages."""
    bench = Bench(limits=limits("10/m"), prefix_limits=limits("2/m"))
    answers = [bench.send("447700900001") for _ in range(50)]
    assert answers.count(None) == 2
    assert {answer.command_status for answer in answers if answer} == {ESME_RTHROTTLED}
    assert {answer.reason for answer in answers if answer} == {"velocity"}
    assert [bench.send(f"44770{i}00001") for i in range(9)].count(None) == 8


def test_several_windows_hold_at_once() -> None:
    """100 a minute and 2000 an hour are both kept."""
    bench = Bench(limits=limits("3/m", "5/h"))
    taken = [bench.send(at_s=at) is None for at in (0, 1, 2, 3, 70, 71, 72, 140, 4_100)]
    assert taken == [True, True, True, False, True, True, False, False, True]


def test_limits_by_country_count_each_country() -> None:
    """K01: the country that is flooded is limited, another is not."""
    bench = Bench(country_limits=limits("5/m"))
    assert sum(bench.send(country="GB") is None for _ in range(10)) == 5
    assert sum(bench.send(country="DE") is None for _ in range(10)) == 5
    assert bench.findings[0].subject == "GB"


def test_all_accounts_share_a_prefix() -> None:
    """K01: a prefix that several accounts flood together has one limit over all of them."""
    settings = AbuseSettings(prefix_limits_all=limits("5/m"))
    one, other = Bench(settings), Bench(settings)
    other.checks._shared = one.shared
    other.checks._make_velocity()
    taken = sum(bench.send() is None for _ in range(5) for bench in (one, other))
    assert taken == 5
    assert one.send("447701900123") is None


def test_a_clock_that_is_set_back_frees_nothing_and_locks_nobody_out() -> None:
    """Counts stand still until the clock has caught up."""
    window = Window()
    assert window.used(100) == 0
    window.add()
    assert window.used(50) == 1
    window.add()
    assert window.used(110) == 2
    assert window.used(111) == 0


def test_keys_are_bounded_and_those_in_use_stay() -> None:
    """A flood of new keys forgets the idle ones, never one that is used all the time."""
    keys: RecentKeys[int, list[int]] = RecentKeys(100, list)
    for n in range(10_000):
        keys[-1].append(n)
        keys[n].append(n)
        assert len(keys) <= 100
    assert len(keys[-1]) == 10_000
    assert keys[9_999] == [9_999]
    assert 0 not in set(keys)
    assert keys.forgotten > 9_000


def test_memory_stays_within_the_bound_under_random_prefixes() -> None:
    """A table of a limit holds at most as many keys as it may."""
    table = LimitTable(MessageLimit(5, 60.0), 1_000)
    rng = Random(1)
    for n in range(20_000):
        table.find_room(str(rng.randrange(10**7)), NOW + n)
    assert len(table) <= 1_000
