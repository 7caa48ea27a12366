"""Windows of the week."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.rules.week import DAYS, parse_days, parse_window, week_of

MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4 * 1440, 5 * 1440, 6 * 1440


def minutes(*texts: str, on: tuple[str, ...] = ()) -> set[int]:
    week = week_of(texts, on)
    assert week is not None
    assert len(week) == 10_080
    return {minute for minute, within in enumerate(week) if within}


def test_a_window_holds_its_first_minute_and_not_its_last() -> None:
    """On each of its days."""
    assert minutes("09:00-09:02", on=("fri",)) == {FRIDAY + 540, FRIDAY + 541}


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    """Friday's night ends on Saturday; Sunday's on Monday."""
    assert minutes("23:59-00:01", on=("fri",)) == {FRIDAY + 1439, SATURDAY}
    assert minutes("23:59-00:01", on=("sun",)) == {SUNDAY + 1439, MONDAY}


def test_a_whole_day_and_the_whole_week() -> None:
    """24:00 is the end of a day; days without times are whole."""
    assert minutes("00:00-24:00") == set(range(10_080))
    assert minutes(on=("sat-sun",)) == set(range(SATURDAY, 10_080))
    assert minutes(on=("sat-mon",)) == set(range(SATURDAY, 10_080)) | set(range(1440))
    assert minutes("22:00-24:00", "00:00-06:00") == minutes("22:00-06:00")
    assert week_of((), ()) is None


def test_like_windows_share_their_octets() -> None:
    """A thousand rules for office hours keep one week."""
    assert week_of(("08:00-18:00",), ("mon-fri",)) is week_of(("08:00-18:00",), ("mon-fri",))


@given(st.integers(0, 1439), st.integers(1, 1440), st.sampled_from(DAYS))
def test_a_window_is_as_long_as_it_says(begin: int, length: int, day: str) -> None:
    """Over midnight or not, on the last day of the week or not."""
    end = (begin + length) % 1440 if begin + length != 1440 else 1440
    if begin == end:
        return
    text = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    assert minutes(text, on=(day,)) == {(DAYS.index(day) * 1440 + begin + n) % 10_080 for n in range(length)}


@pytest.mark.parametrize(
    "text", ["", "9:00-10:00", "09:00", "25:00-26:00", "09:60-10:00", "24:00-01:00", "00:00-24:01"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_window(text)


def test_an_empty_window_is_refused() -> None:
    """It would hold never, or always, who knows."""
    with pytest.raises(ValueError, match="ends when it begins"):
        parse_window("08:00-08:00")


@pytest.mark.parametrize("text", ["", "monday", "mon-", "-fri", "mon-fri-sun", "1"])
def test_what_is_no_weekday_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match="mon-fri"):
        parse_days(text)
