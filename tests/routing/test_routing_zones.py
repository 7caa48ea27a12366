"""What time it is where a number is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from smsagg.routing.zone_prefixes import ZONES
from smsagg.routing.zones import LocalTimes, zone_of


@pytest.mark.parametrize(
    ("digits", "zone"),
    [
        ("447400123456", "Europe/London"),
        ("12125551234", "America/New_York"),
        ("19075551234", "America/Anchorage"),
        ("18085551234", "Pacific/Honolulu"),
        ("5511912345678", "America/Sao_Paulo"),
        ("79161234567", "Europe/Moscow"),
        ("77012345678", "Asia/Almaty"),
        ("61412345678", "Australia/Sydney"),
        ("8613812345678", "Asia/Shanghai"),
        ("870773111632", ""),
        ("999", ""),
    ],
)
def test_a_number_is_in_the_zone_of_its_prefix(digits: str, zone: str) -> None:
    """Where a country's numbers do not say, in that of most of them."""
    assert zone_of(digits) == zone


def test_every_zone_is_in_the_zone_database() -> None:
    """So that each has its offset."""
    assert {ZoneInfo(zone).key for zone in ZONES.values() if zone} == set(ZONES.values()) - {""}


@given(st.sampled_from(sorted(TIMEZONE_DATA)), st.text("0123456789", max_size=6))
def test_the_zone_is_one_that_phonenumbers_names(prefix: str, rest: str) -> None:
    """Of several the table chooses one; it never invents another."""
    digits = prefix + rest
    longest = next(digits[:n] for n in range(len(digits), 0, -1) if digits[:n] in TIMEZONE_DATA)
    assert (zone_of(digits) or "Etc/Unknown") in TIMEZONE_DATA[longest]


@given(
    st.sampled_from(sorted(set(ZONES.values()) - {""})),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_offsets_are_those_of_the_zone_database(zone: str, instant: datetime) -> None:
    """To the minute, at any instant: none changes within a quarter of an hour."""
    now = instant.replace(tzinfo=UTC)
    offset = now.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    assert LocalTimes().offset_min(zone, int(now.timestamp() * 1000)) == offset // timedelta(minutes=1)


def test_the_minute_of_the_week_follows_the_clocks_there() -> None:
    """Through a change to summer time."""
    before = int(datetime(2024, 3, 31, 0, 59, tzinfo=UTC).timestamp() * 1000)
    times = LocalTimes()
    sunday = 6 * 1440
    assert times.minute_of_week("447400123456", before) == sunday + 59
    assert times.minute_of_week("447400123456", before + 60_000) == sunday + 120
    assert times.minute_of_week("870773111632", before) == sunday + 59
    assert times.minute_of_week("61412345678", before) == sunday + 11 * 60 + 59
    assert times.minute_of_week("8613812345678", before + 16 * 3_600_000) == 59, "Monday"


def test_an_offset_is_asked_for_once_in_a_quarter_of_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone database is slow."""
    asked = []
    monkeypatch.setattr("smsagg.routing.zones._offset_min", lambda zone, quarter: asked.append(quarter) or 60)
    times = LocalTimes()
    for second in range(0, 1_800, 10):
        assert times.offset_min("Europe/London", second * 1000) == 60
    assert asked == [0, 1]


def test_a_zone_that_the_system_does_not_know_is_utc() -> None:
    """A message is routed whatever the system lacks."""
    assert LocalTimes().offset_min("Atlantis/Capital", 0) == 0
