"""Rate cards as CSV: read back as written, and every fault told with its line."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_rows import CURRENCIES, card_rows

from smsagg.config.csv_rows import FileProblems
from smsagg.model import ChargeOn
from smsagg.pricing import CardRow, DestinationKind
from smsagg.pricing.card_file import COLUMNS, format_instant, parse_instant, read_card, write_card
from smsagg.pricing.rate_card import ALWAYS, FOREVER

NEW_YEAR = 1_767_225_600_000


def read(text: str, only: str = "") -> tuple[CardRow, ...]:
    problems = FileProblems("card.csv")
    card = read_card(text, "EUR", CURRENCIES, problems, only)
    assert problems.lines == []
    assert card is not None
    return card.rows


def problems_of(text: str, only: str = "") -> list[str]:
    problems = FileProblems("card.csv")
    assert read_card(text, "EUR", CURRENCIES, problems, only) is None
    return problems.lines


@settings(max_examples=40)
@given(card_rows())
def test_a_card_is_read_as_it_was_written(rows: list[CardRow]) -> None:
    """Every row, in order, to the last micro-unit and millisecond."""
    assert list(read(write_card(rows))) == rows


def test_short_rows_mean_the_defaults() -> None:
    """The account's currency, on submit, always; a prefix may have its plus and a network its dash."""
    text = "price,prefix,mccmnc,country\n0.01,+44,,\n0.02,,234-15,\n0.03,,234,\n0.04,,,GB\n0.05,*,,\n"
    kinds = [(row.kind, row.value) for row in read(text)]
    assert kinds == [
        (DestinationKind.PREFIX, "44"),
        (DestinationKind.NETWORK, "23415"),
        (DestinationKind.MCC, "234"),
        (DestinationKind.COUNTRY, "GB"),
        (DestinationKind.EVERYWHERE, "*"),
    ]
    assert read(text)[0] == CardRow(DestinationKind.PREFIX, "44", 10_000, "EUR", ChargeOn.SUBMITTED, ALWAYS, FOREVER)


def test_dates_are_utc_unless_they_say_otherwise() -> None:
    """A date is its midnight in UTC."""
    text = (
        "prefix,price,effective_from,effective_until\n"
        "44,1,2025-12-31T23:00:00-01:00,2026-02-01\n49,1,2026-01-01,2026-01-01T00:00:00.001Z\n"
    )
    first, second = read(text)
    assert first.effective_from == second.effective_from == NEW_YEAR
    assert first.effective_until == NEW_YEAR + 31 * 86_400_000
    assert second.effective_until == NEW_YEAR + 1


@pytest.mark.parametrize("instant_ms", [0, NEW_YEAR, NEW_YEAR + 1, NEW_YEAR + 1_000])
def test_instants_are_read_as_they_were_written(instant_ms: int) -> None:
    """Dates, seconds and milliseconds."""
    assert parse_instant(format_instant(instant_ms)) == instant_ms


def test_every_fault_is_told_with_its_line_and_value() -> None:
    """All of them at once, and nothing of the file is used."""
    text = "\n".join(
        [
            "prefix,mccmnc,country,price,currency,effective_from,effective_until,charge",
            "044,,,0.01,,,,",
            ",2341,,0.01,,,,",
            ",,XX,0.01,,,,",
            ",,,0.01,,,,",
            "44,,GB,0.01,,,,",
            "45,,,-1,,,,",
            "46,,,,,,,",
            "47,,,0.01,JPY,,,",
            "48,,,0.01,,yesterday,,",
            "49,,,0.01,,2026-02-01,2026-01-01,",
            "50,,,1e2,,,2026-13-01,on delivery",
            "# a comment",
            "51,,,0.01",
        ]
    )
    assert problems_of(text) == [
        "card.csv:14: has 4 values, and the header names 8 columns",
        'card.csv:2: prefix must be 1 to 15 digits that do not begin with 0, or "*", not "044"',
        'card.csv:3: mccmnc must be 5 or 6 digits such as "23415", or 3 of a country, not "2341"',
        'card.csv:4: country must be a code of ISO 3166, two capital letters such as "GB", not "XX"',
        "card.csv:5: has no destination; exactly one of prefix, mccmnc, country is needed",
        "card.csv:6: has prefix and country; exactly one of prefix, mccmnc, country is needed",
        'card.csv:7: price must be 0 or more, not "-1"',
        "card.csv:8: price is required",
        'card.csv:9: currency "JPY" has no rate in [money.rates]; known: EUR, GBP, USD',
        'card.csv:10: effective_from must be a date or an instant such as "2026-01-31" or "2026-01-31T12:00:00Z", '
        'not "yesterday"',
        'card.csv:11: effective_until "2026-01-01" must be after effective_from',
        'card.csv:12: price must be an amount such as "0.0125": digits, at most 9 before and 6 behind the point, '
        'not "1e2"',
        'card.csv:12: effective_until must be a date or an instant such as "2026-01-31" or "2026-01-31T12:00:00Z", '
        'not "2026-13-01"',
        'card.csv:12: charge must be "submit" or "delivery", not "on delivery"',
    ]


def test_periods_of_one_destination_must_not_overlap() -> None:
    """Told at the later line, whatever their order in time; one that ends when the next begins does not overlap."""
    text = "\n".join(
        [
            "prefix,country,price,effective_from,effective_until",
            "44,,0.01,,2026-01-01",
            "44,,0.02,2026-01-01,2026-03-01",
            "44,,0.03,2026-02-01,",
            "+44,,0.04,2026-02-01,2026-02-02",
            ",GB,0.05,,",
        ]
    )
    assert problems_of(text) == [
        'card.csv:4: "44" has a price at the same time in line 3',
        'card.csv:5: "44" has a price at the same time in line 4',
    ]


def test_a_price_list_is_in_the_currency_of_its_account() -> None:
    """Balances have one currency."""
    assert read("prefix,price,currency\n44,1,EUR\n45,1,\n", only="EUR")
    assert problems_of("prefix,price,currency\n44,1,USD\n", only="EUR") == [
        'card.csv:2: currency must be EUR, the account\'s, not "USD"'
    ]


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["44", "+44", "*", "23415", "GB", "0.01", "EUR", "USD", "2026-01-01", "2026-01-02T00:00+14:00", ""]
    ),
)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A file from elsewhere never ends the server: it is a card, or its problems are told."""
    problems = FileProblems("card.csv")
    assert (read_card(text, "EUR", CURRENCIES, problems) is None) == bool(problems.lines)


@settings(max_examples=40)
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=8))
def test_any_rows_are_read_or_refused_with_their_lines(rows: list[list[str]]) -> None:
    """What is read holds no two prices for one destination at one time."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    problems = FileProblems("card.csv")
    card = read_card(text.getvalue(), "EUR", CURRENCIES, problems)
    assert (card is None) == bool(problems.lines)
    periods: dict[tuple[DestinationKind, str], list[CardRow]] = {}
    for row in () if card is None else card.rows:
        periods.setdefault((row.kind, row.value), []).append(row)
    for same in periods.values():
        same.sort(key=lambda row: row.effective_from)
        assert all(one.effective_until <= next_.effective_from for one, next_ in pairwise(same))
