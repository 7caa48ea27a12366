"""Amounts of money as strings and as whole micro-units: millionths of a currency's unit. Nothing here is ever a float.

An amount is written as a decimal with at most six places (``"0.0125"``), so that it is a whole number of micro-units
and reading it loses nothing.
"""

import re
from decimal import Decimal
from typing import NamedTuple, NewType

from smsagg.config.units import seen

Micros = NewType("Micros", int)
"""Millionths of a currency's unit; in TOML a string such as ``"0.0125"``."""
Amount = NewType("Amount", int)
"""The same, 0 or more."""
CurrencyCode = NewType("CurrencyCode", str)
"""Three capital letters (ISO 4217)."""
ExchangeRate = NewType("ExchangeRate", Decimal)
"""Units of the base currency for one unit of another; in TOML a string such as ``"0.9215"``."""

MICROS = 1_000_000
AMOUNT_MAX = 1_000_000_000 * MICROS
"""No single amount reaches this, so that sums of many fit the 64 bits of the store."""

_AMOUNT = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)%", re.ASCII)
_RATE = re.compile(r"\d{1,9}(?:\.\d{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Margin(NamedTuple):
    """What must be left of a price after the carrier's cost: both of these together."""

    micros: int = 0
    """In the base currency."""
    hundredths: int = 0
    """Of one per cent of the revenue."""


def parse_micros(value: object) -> Micros:
    """Micro-units from ``"12"``, ``"0.0125"`` or ``"-3.5"``, exactly; raises :class:`ValueError` with the reason."""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise ValueError(
            f'must be an amount such as "0.0125": digits, at most 9 before and 6 behind the point, not {seen(value)}'
        )
    return Micros(int(Decimal(value) * MICROS))


def parse_price(value: object) -> Amount:
    """The same, 0 or more."""
    micros = parse_micros(value)
    if micros < 0:
        raise ValueError(f"must be 0 or more, not {seen(value)}")
    return Amount(micros)


def parse_currency(value: object) -> CurrencyCode:
    """A currency's code; raises :class:`ValueError`."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ValueError(f'must be a currency of ISO 4217, three capital letters such as "EUR", not {seen(value)}')
    return CurrencyCode(value)


def parse_exchange_rate(value: object) -> ExchangeRate:
    """A rate above 0, exactly as written; raises :class:`ValueError`."""
    if not isinstance(value, str) or not _RATE.fullmatch(value) or not Decimal(value):
        raise ValueError(f'must be a rate above 0 as a decimal string such as "0.9215", not {seen(value)}')
    return ExchangeRate(Decimal(value))


def parse_margin(value: object) -> Margin:
    """A :class:`Margin` from an amount of the base currency (``"0.002"``) or a share of the price (``"10%"``); raises
    :class:`ValueError`."""
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is not None and Decimal(match[1]) <= 100:
        return Margin(hundredths=int(Decimal(match[1]) * 100))
    try:
        return Margin(micros=parse_price(value))
    except ValueError:
        raise ValueError(f'must be an amount such as "0.002", or a share such as "10%", not {seen(value)}') from None


def format_micros(micros: int) -> str:
    """The shortest exact decimal with at least two places: ``"0.0125"``, ``"-3.50"``."""
    units, rest = divmod(abs(micros), MICROS)
    places = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{units}.{places}"
