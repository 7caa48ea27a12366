"""Nothing leaves outside of its hours: whoever is told an instant is told one that is open, and the earliest."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.compliance import Hours, opens_at
from smsagg.routing.rules.week import week_of
from smsagg.routing.zones import MINUTES_A_DAY, MINUTES_A_WEEK, LocalTimes

MINUTE_MS = 60_000
BEGIN = 1_790_000_000_000
YEAR_MS = 366 * MINUTES_A_DAY * MINUTE_MS
ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")
WINDOWS = st.tuples(st.integers(0, 1_439), st.integers(0, 1_439)).filter(lambda window: window[0] != window[1])
DAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), max_size=3)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def written(windows: list[tuple[int, int]]) -> tuple[str, ...]:
    return tuple(f"{clock(begin)}-{clock(end)}" for begin, end in windows)


def local(zone: str, at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))


@given(
    st.sampled_from(ZONES),
    st.integers(BEGIN, BEGIN + YEAR_MS),
    st.lists(WINDOWS, min_size=1, max_size=2),
    DAYS,
    st.sets(st.integers(0, 30), max_size=5),
)
def test_it_opens_when_clocks_there_say_so(
    zone: str, now: int, windows: list[tuple[int, int]], days: list[str], holidays: set[int]
) -> None:
    """In every zone, over changes of clocks, over holidays; and no open hour before it is passed over."""
    week = week_of(written(windows), tuple(days))
    assert week is not None
    today = now // MINUTE_MS // MINUTES_A_DAY
    hours = Hours(week, frozenset(today + day for day in holidays))
    times = LocalTimes()
    at = opens_at(hours, now, lambda instant: times.offset_min(zone, instant))
    assert at is not None
    there = local(zone, at)
    assert week[there.weekday() * MINUTES_A_DAY + there.hour * 60 + there.minute]
    assert (there.replace(tzinfo=None) - datetime(1970, 1, 1)).days not in hours.holidays
    assert at == now or at > now
    offset = times.offset_min(zone, at)
    if offset == times.offset_min(zone, now):
        begin = now // MINUTE_MS + offset
        assert not any(map(hours.is_open, range(begin, min(at // MINUTE_MS + offset, begin + 3_000))))


def test_what_never_opens_is_told() -> None:
    """A week without a minute, and holidays without end, are no loop."""
    assert opens_at(Hours(bytes(MINUTES_A_WEEK)), BEGIN, lambda _: 0) is None
    days = frozenset(range(20_000, 30_000))
    assert Hours(bytes([1]) * MINUTES_A_WEEK, days).next_open(20_000 * MINUTES_A_DAY) == 30_000 * MINUTES_A_DAY


@pytest.mark.parametrize("minute", [59, 60, 61])
def test_the_end_of_a_window_is_not_in_it(minute: int) -> None:
    """Sent at the last minute, not after it."""
    week = week_of(("00:00-01:00",), ())
    assert week is not None
    assert Hours(week).is_open(minute) is (minute < 60)
