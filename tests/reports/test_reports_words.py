"""Figures for people, and instants that people write."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.reports import words
from smsagg.reports.instants import format_instant, parse_instant

NOW = 1_795_330_561_791
"""2026-11-22T06:56:01.791Z."""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (0.34, "340 ms"), (1.424, "1.42 s"), (59.94, "59.9 s"), (185, "3 m 5 s"), (7_800, "2 h 10 m"),
        (86_400 * 3 + 4 * 3_600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    """In the two units that matter."""
    assert words.duration(seconds) == text


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_money_is_rounded_half_away_from_zero(micros: int, places: int) -> None:
    """And says no minus where nothing is left."""
    text = words.money(micros, places)
    unit = 10 ** (6 - places)
    shown = int(text.replace(",", "").replace(".", "").replace("-", "")) * (-1 if text.startswith("-") else 1)
    assert abs(shown * unit - micros) * 2 <= unit
    assert not (text.startswith("-") and shown == 0)


def test_small_pictures() -> None:
    """The highest is full, nothing is blank, a bar is as long as its share."""
    assert words.sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert words.sparkline([]) == ""
    assert words.sparkline([0, 1, 1_000_000]) == " ▁█"
    assert [words.bar(share, 2) for share in (0, 0.25, 0.5, 1, 2)] == ["", "▌", "█", "██", "██"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", "2026-11-22T06:56:01.791Z"),
        ("24h", "2026-11-21T06:56:01.791Z"),
        ("90m", "2026-11-22T05:26:01.791Z"),
        ("today", "2026-11-21T18:30:00.000Z"),
        ("yesterday", "2026-11-20T18:30:00.000Z"),
        ("2026-11-20", "2026-11-19T18:30:00.000Z"),
        ("2026-11-20T10:00", "2026-11-20T04:30:00.000Z"),
        ("2026-11-20 10:00:30", "2026-11-20T04:30:30.000Z"),
        ("2026-11-20T10:00Z", "2026-11-20T10:00:00.000Z"),
        ("2026-11-20T10:00+01:00", "2026-11-20T09:00:00.000Z"),
    ],
)
def test_instants(text: str, instant: str) -> None:
    """Dates and words are those of the zone, unless an offset is written."""
    assert format_instant(parse_instant(text, NOW, ZoneInfo("Asia/Kolkata"))) == instant


@pytest.mark.parametrize("text", ["", "tomorrow", "24", "2026-13-01", "2026-11-20T25:00", "20261120", "2026-11-20T10"])
def test_what_is_no_instant(text: str) -> None:
    """Refused with what was expected."""
    with pytest.raises(ValueError, match=r"must be a time ago|is no date"):
        parse_instant(text, NOW)
