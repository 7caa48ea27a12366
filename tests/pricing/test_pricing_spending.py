"""Caps and quotas, against a model that keeps every message."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.pricing.days import Days
from smsagg.pricing.spending import WHOLE, Alarm, Limit, LimitKind, Spending, SpentDay

DAY = 86_400_000
START = 20_484 * DAY  # 2026-01-31, the last day of a month
SCOPES = [WHOLE, "GB", "US"]
COUNTRIES = st.sampled_from(["GB", "US", "DE"])
BOUNDS = st.dictionaries(st.tuples(st.sampled_from(SCOPES), st.sampled_from(list(LimitKind))), st.integers(0, 60))
STEPS = st.lists(
    st.tuples(COUNTRIES, st.integers(0, 20), st.integers(1, 3), st.integers(0, DAY), st.booleans()), max_size=40
)
Bounds = dict[tuple[str, LimitKind], int]


def spending_of(bounds: Bounds) -> Spending:
    return Spending(Days("UTC"), [Limit(scope, kind, bound) for (scope, kind), bound in bounds.items()])


def used(messages: list[list[int | str]], scope: str, kind: LimitKind, now: int) -> int:
    """What counts towards a limit, from all that was taken: (country, price, count, accepted_at)."""
    days = Days("UTC")
    today = days.at(now)
    total = 0
    for country, price, count, accepted_at in messages:
        day = days.at(int(accepted_at))
        is_counted = day.number == today.number if kind.value.startswith("daily") else day.month == today.month
        if is_counted and scope in (WHOLE, country):
            total += int(price) if kind.value.endswith("cap") else int(count)
    return total


@given(BOUNDS, STEPS)
def test_limits_hold_whatever_comes(bounds: Bounds, steps: list[tuple[str, int, int, int, bool]]) -> None:
    """A message is taken if and only if it exceeds none of its limits; what gives its price back makes room."""
    spending, now = spending_of(bounds), START
    taken: list[list[int | str]] = []
    spending.load([], now)
    for country, price, count, later, is_released in steps:
        now += later
        wanted = [country, price * count, count, now]
        exceeded = {
            kind
            for (scope, kind), bound in bounds.items()
            if scope in (WHOLE, country) and used([*taken, wanted], scope, kind, now) > bound
        }
        refused_by = spending.take(country, price * count, count, now)
        assert (refused_by in exceeded) if exceeded else (refused_by is None)
        if refused_by is None:
            taken.append(wanted)
        if is_released and taken:
            released = taken[len(taken) // 2]
            spending.give_back(spending.scopes_of(str(released[0])), int(released[1]), 0, int(released[3]), now)
            released[1] = 0
        for limit in spending.limits:
            if limit.is_daily or now - START < 31 * DAY:
                assert limit.used == used(taken, limit.scope, limit.kind, max(now, START))


@given(BOUNDS, STEPS)
def test_counts_go_on_after_a_restart(bounds: Bounds, steps: list[tuple[str, int, int, int, bool]]) -> None:
    """What the store's days add up to is what memory had, in the scopes that have a limit."""
    spending, now = spending_of(bounds), START
    stored: dict[tuple[str, int], tuple[int, int]] = {}
    for country, price, count, later, _ in steps:
        now += later
        if spending.take(country, price, count, now) is None:
            for scope in spending.scopes_of(country):
                spent, messages = stored.get((scope, Days("UTC").at(now).number), (0, 0))
                stored[scope, Days("UTC").at(now).number] = (spent + price, messages + count)
    again = spending_of(bounds)
    again.load([SpentDay(scope, day, *counts) for (scope, day), counts in stored.items()], now)
    spending.take("XX", 0, 0, now)
    assert [limit.used for limit in again.limits] == [limit.used for limit in spending.limits]
    other = spending_of(bounds)
    other.take_over(spending, now)
    assert [limit.used for limit in other.limits] == [limit.used for limit in spending.limits]


def test_each_alarm_is_told_once_a_period() -> None:
    """At 80 and 100 per cent, or when something is refused; a new day begins anew."""
    spending = spending_of({(WHOLE, LimitKind.DAILY_QUOTA): 10})

    def told(count: int, now: int) -> list[Alarm]:
        spending.take("GB", 0, count, now)
        alarms = list(spending.alarms)
        spending.alarms.clear()
        return alarms

    def alarm(percent: int) -> Alarm:
        return Alarm(WHOLE, LimitKind.DAILY_QUOTA, percent)

    assert told(7, START) == []
    assert told(1, START) == [alarm(80)]
    assert told(1, START) == []
    assert told(2, START) == [alarm(100)]
    assert told(2, START) == []
    assert told(10, START + DAY) == [alarm(100)]
    assert told(1, START + DAY) == []


def test_a_limit_of_nothing_lets_nothing_through() -> None:
    """0 is a limit."""
    assert spending_of({("GB", LimitKind.DAILY_QUOTA): 0}).take("GB", 0, 1, START) is LimitKind.DAILY_QUOTA
    assert spending_of({("GB", LimitKind.DAILY_QUOTA): 0}).take("US", 0, 1, START) is None


def test_a_clock_that_is_set_back_does_not_begin_the_day_anew() -> None:
    """A little after midnight and a little before it again, what was counted counts."""
    spending = spending_of({(WHOLE, LimitKind.DAILY_QUOTA): 2})
    assert spending.take("GB", 0, 2, START + 1_000) is None
    for now in (START - 1_000, START + 2_000, START - 5_000):
        assert spending.take("GB", 0, 1, now) is LimitKind.DAILY_QUOTA
    assert spending.take("GB", 0, 1, START + DAY) is None
