"""Days of time zones: each instant belongs to the day that a clock there shows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.pricing.days import Days

ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Santiago",
    "Asia/Beirut",
]
INSTANTS = st.integers(1_350_000_000_000, 2_000_000_000_000)


@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=5))
def test_an_instant_is_in_the_day_that_a_clock_shows(zone: str, instants: list[int]) -> None:
    """Whatever was asked before."""
    days = Days(zone)
    for at_ms in instants:
        day = days.at(at_ms)
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))
        assert day.number == int(local.strftime("%Y%m%d"))
        assert day.month == int(local.strftime("%Y%m"))
        assert day.begins_at <= at_ms < day.ends_at
        assert days.at(day.begins_at).number == days.at(day.ends_at - 1).number == day.number
        assert days.at(day.ends_at).number > day.number


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_a_day_is_as_long_as_clocks_make_it(date: tuple[int, int, int], hours: int) -> None:
    """An hour shorter or longer when clocks are changed."""
    noon = datetime(*date, 12, tzinfo=ZoneInfo("Europe/London"))
    day = Days("Europe/London").at(int(noon.timestamp() * 1000))
    assert day.ends_at - day.begins_at == hours * 3_600_000
