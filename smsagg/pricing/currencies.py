"""Currencies and their exact rates to the base currency, in which revenue, cost and margin are compared."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from smsagg.config.money_settings import DEFAULT_BASE


class Currencies:
    """The base currency and the others that have a rate. Immutable."""

    __slots__ = ("_ratios", "base")

    def __init__(self, base: str = DEFAULT_BASE, rates: Mapping[Any, Decimal] = MappingProxyType({})) -> None:
        """``rates``: units of ``base`` for one unit of each other currency, above 0."""
        self.base = base
        self._ratios = {currency: rate.as_integer_ratio() for currency, rate in rates.items()} | {base: (1, 1)}

    def __contains__(self, currency: object) -> bool:
        return currency in self._ratios

    @property
    def names(self) -> list[str]:
        """All that have a rate, the base first."""
        return [self.base, *sorted(self._ratios.keys() - {self.base})]

    def to_base(self, micros: int, currency: str) -> int:
        """``micros`` of ``currency`` in micro-units of the base: the nearest whole one, a half away from zero.

        Raises :class:`KeyError` for a currency without a rate.
        """
        numerator, denominator = self._ratios[currency]
        if denominator == numerator:
            return micros
        doubled = 2 * abs(micros) * numerator + denominator
        nearest = doubled // (2 * denominator)
        return nearest if micros >= 0 else -nearest
