"""Conversion to the base currency, against exact fractions; and margins."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.amounts import Margin
from smsagg.pricing import Currencies, keeps_margin

MICROS = st.integers(-(10**15), 10**15)
RATES = st.decimals("0.000001", "99999", places=6)


@given(MICROS, RATES)
def test_conversion_is_to_the_nearest_micro_unit(micros: int, rate: Decimal) -> None:
    """Never further off than half of one, and a half goes away from zero."""
    converted = Currencies("EUR", {"USD": rate}).to_base(micros, "USD")
    exact = micros * Fraction(rate)
    assert abs(converted - exact) <= Fraction(1, 2)
    if abs(converted - exact) == Fraction(1, 2):
        assert abs(converted) > abs(exact)


@given(MICROS)
def test_the_base_is_itself(micros: int) -> None:
    """No rate is needed."""
    assert Currencies("EUR", {}).to_base(micros, "EUR") == micros


def test_a_currency_without_a_rate_is_not_known() -> None:
    """It is refused where a configuration is read, and never guessed."""
    currencies = Currencies("EUR", {"USD": Decimal("0.92"), "GBP": Decimal("1.15")})
    assert "JPY" not in currencies
    assert currencies.names == ["EUR", "GBP", "USD"]
    with pytest.raises(KeyError):
        currencies.to_base(1, "JPY")


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10_000))
def test_a_margin_is_kept_exactly(revenue: int, cost: int, micros: int, hundredths: int) -> None:
    """Without rounding, whatever the share."""
    least = micros + Fraction(revenue * hundredths, 10_000)
    assert keeps_margin(Margin(micros, hundredths), revenue, cost) is (revenue - cost >= least)


def test_without_a_margin_a_message_may_cost_what_it_brings() -> None:
    """Only a loss is below a margin of 0."""
    assert keeps_margin(Margin(), 5, 5)
    assert not keeps_margin(Margin(), 5, 6)
