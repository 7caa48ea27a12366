"""Dates in receipt text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.receipts.dates import format_date, parse_date


def ms(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp()) * 1000  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1807110700", ms(2018, 7, 11, 7, 0)),
        ("180711070003", ms(2018, 7, 11, 7, 0, 3)),
        ("201807110700", ms(2018, 7, 11, 7, 0)),
        ("20180711070003", ms(2018, 7, 11, 7, 0, 3)),
        ("180711070003912+", ms(2018, 7, 11, 4, 0, 3)),
        ("180711070003008-", ms(2018, 7, 11, 9, 0, 3)),
        ("0000000000", 0),
        ("000000000000", 0),
        ("", 0),
        ("0", 0),
        ("1813110700", 0),
        ("1802300700", 0),
        ("18-07-11", 0),
        ("180711070003912R", 0),
        ("180711070003x00+", 0),
        ("18071107000", 0),
        ("١٨٠٧١١٠٧٠٠", 0),
        ("1_07110700", 0),
    ],
)
def test_the_forms_that_carriers_write(text: str, instant: int) -> None:
    """What cannot be a date is none, without an exception."""
    assert parse_date(text) == instant


@given(st.text("0123456789+-R ", max_size=20) | st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    """The answer is an instant of this era or 0."""
    assert 0 <= parse_date(text) < ms(9999, 12, 31)


@given(st.integers(ms(2000, 1, 1), ms(2069, 12, 31)))
def test_what_we_write_we_read(instant: int) -> None:
    """To the minute."""
    text = format_date(instant)
    assert len(text) == 10
    assert parse_date(text) == instant // 60_000 * 60_000
