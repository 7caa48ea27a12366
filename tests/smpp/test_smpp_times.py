"""Absolute and relative times (A24, E05)."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.smpp.errors import InvalidTime, PastTime
from smsagg.smpp.times import format_absolute, format_relative, parse_time


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


NOW = ms(2026, 11, 21, 12, 0, 0)
DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("261121120000000+", NOW),
        ("261121120000900+", NOW + 900),
        ("261121190000028+", NOW),
        ("261121040000032-", NOW),
        ("261122000000048+", NOW),
        ("270101000000000+", ms(2027, 1, 1)),
        ("280229235959000-", ms(2028, 2, 29, 23, 59, 59)),
        ("760101000000000+", ms(2076, 1, 1)),
    ],
)
def test_absolute_times(text: str, instant: int) -> None:
    """Tenths and quarter hours of offset, both signs."""
    assert parse_time(text, NOW) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("000000000000000R", NOW),
        ("000000000001000R", NOW + 1000),
        ("000001020304000R", NOW + DAY + 7_384_000),
        ("000000480000000R", NOW + 2 * DAY),
        ("000100000000000R", ms(2026, 12, 21, 12)),
        ("010300000000000R", ms(2028, 2, 21, 12)),
        ("990000000000000R", ms(2125, 11, 21, 12)),
    ],
)
def test_relative_times(text: str, instant: int) -> None:
    """Years and months go by the calendar, the rest is added."""
    assert parse_time(text, NOW) == instant


def test_a_month_too_short_gives_its_last_day() -> None:
    """One month after 31 January is the end of February."""
    assert parse_time("000100000000000R", ms(2027, 1, 31)) == ms(2027, 2, 28)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26112112000000+",
        "2611211200000000+",
        "261321120000000+",
        "261100120000000+",
        "261131120000000+",
        "270229120000000+",
        "261121240000000+",
        "261121126000000+",
        "261121120060000+",
        "261121120000049+",
        "261121120000000Z",
        "261121120000000r",
        "261121120000000 ",
        "000001000000100R",
        "000001000000001R",
        "2611211200000a0+",
        "+61121120000000+",
        "2_1121120000000+",
        "٢٦١١٢١١٢٠٠٠٠٠٠٠+",
        "²61121120000000+",
    ],
)
def test_what_is_no_time_is_invalid(text: str) -> None:
    """Fields out of range, other lengths, other signs, and digits that are not ASCII."""
    with pytest.raises(InvalidTime):
        parse_time(text, NOW)


def test_a_past_time_is_told_from_an_invalid_one() -> None:
    """The instant is given, so that the caller can decide."""
    with pytest.raises(PastTime) as caught:
        parse_time("261121115959900+", NOW)
    assert caught.value.instant_ms == NOW - 100


def test_the_century_is_the_nearest() -> None:
    """At the end of a century the next one is meant, at its beginning the last is past."""
    assert parse_time("000101000000000+", ms(2099, 12, 31)) == ms(2100, 1, 1)
    with pytest.raises(PastTime) as caught:
        parse_time("991231000000000+", ms(2100, 1, 1))
    assert caught.value.instant_ms == ms(2099, 12, 31)


@given(st.integers(NOW // 100, ms(2070, 1, 1) // 100), st.integers(-48, 48))
def test_absolute_times_survive_a_round_trip(tenths: int, quarter_hours: int) -> None:
    """Any instant to the tenth, in any zone."""
    text = format_absolute(tenths * 100, quarter_hours)
    assert len(text) == 16
    assert parse_time(text, NOW) == tenths * 100


@given(st.integers(0, 100 * DAY - 1000))
def test_relative_times_survive_a_round_trip(duration: int) -> None:
    """Any duration, rounded up to seconds."""
    assert parse_time(format_relative(duration), NOW) - NOW == -(-duration // 1000) * 1000


@given(st.text(max_size=17), st.text("0123456789R+-", min_size=16, max_size=16))
def test_arbitrary_text_is_a_time_or_says_why_not(text: str, likely: str) -> None:
    """Nothing else is raised."""
    for candidate in (text, likely):
        with suppress(InvalidTime, PastTime):
            assert isinstance(parse_time(candidate, NOW), int)


@pytest.mark.parametrize("quarter_hours", [-49, 49])
def test_there_are_48_quarter_hours_at_most(quarter_hours: int) -> None:
    """Twelve hours either way."""
    with pytest.raises(InvalidTime):
        format_absolute(NOW, quarter_hours)


@pytest.mark.parametrize("duration", [-1001, 100 * DAY])
def test_a_relative_time_is_below_100_days(duration: int) -> None:
    """More does not fit the days."""
    with pytest.raises(InvalidTime):
        format_relative(duration)
