"""Amounts of money: read and written exactly, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.amounts import (
    AMOUNT_MAX,
    Margin,
    format_micros,
    parse_currency,
    parse_exchange_rate,
    parse_margin,
    parse_micros,
    parse_price,
)


@given(st.integers(-AMOUNT_MAX + 1, AMOUNT_MAX - 1))
def test_an_amount_is_read_as_it_was_written(micros: int) -> None:
    """Every amount survives being written and read."""
    assert parse_micros(format_micros(micros)) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0.0125", 12_500),
        ("12", 12_000_000),
        ("-3.5", -3_500_000),
        ("+0.000001", 1),
        ("999999999.999999", AMOUNT_MAX - 1),
    ],
)
def test_decimals_become_whole_micro_units(text: str, micros: int) -> None:
    """What is written is what is meant, to the last place."""
    assert parse_micros(text) == micros


@pytest.mark.parametrize(
    "value", [0.0125, 1, True, None, "", "1e3", "NaN", "1.2345678", "1,5", " 1", "1.", ".5", "1_000", "٣", "1000000000"]
)
def test_what_is_not_exactly_an_amount_is_refused(value: object) -> None:
    """Floats, exponents, more than six places and other scripts' digits are no amounts."""
    with pytest.raises(ValueError, match="must be an amount"):
        parse_micros(value)


def test_prices_are_not_negative() -> None:
    """A price may be 0."""
    assert parse_price("0") == 0
    with pytest.raises(ValueError, match=r'must be 0 or more, not "-0\.01"'):
        parse_price("-0.01")


@pytest.mark.parametrize(("micros", "text"), [(0, "0.00"), (1, "0.000001"), (-1_500_000, "-1.50"), (23_500, "0.0235")])
def test_amounts_are_written_with_two_places_at_least(micros: int, text: str) -> None:
    """As people write money, and no digit is lost."""
    assert format_micros(micros) == text


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("0", Margin()),
        ("0.002", Margin(2_000)),
        ("10%", Margin(0, 1_000)),
        ("0.05%", Margin(0, 5)),
        ("100%", Margin(0, 10_000)),
    ],
)
def test_a_margin_is_an_amount_or_a_share(text: str, margin: Margin) -> None:
    """Both are exact."""
    assert parse_margin(text) == margin


@pytest.mark.parametrize("text", ["-1", "101%", "1.234%", "%", "10 %", 5])
def test_no_other_margin_is_taken(text: object) -> None:
    """The message says what could stand there."""
    with pytest.raises(ValueError, match=r'must be an amount such as "0\.002", or a share such as "10%"'):
        parse_margin(text)


@pytest.mark.parametrize("text", ["0", "0.000", "-1", "1e2", 1.5, "x"])
def test_an_exchange_rate_is_a_decimal_above_0(text: object) -> None:
    """As a string, since TOML's numbers with a point are floats."""
    with pytest.raises(ValueError, match="must be a rate above 0"):
        parse_exchange_rate(text)


@pytest.mark.parametrize("text", ["eur", "EURO", "", "E1R", 978])
def test_a_currency_is_three_capital_letters(text: object) -> None:
    """Nothing is guessed."""
    assert parse_currency("EUR") == "EUR"
    with pytest.raises(ValueError, match="must be a currency of ISO 4217"):
        parse_currency(text)
