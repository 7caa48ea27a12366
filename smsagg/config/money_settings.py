"""The tables of the configuration file that are about money; part of :mod:`smsagg.config.schema`."""

from attrs import Factory, define

from smsagg.config.amounts import CurrencyCode, ExchangeRate

DEFAULT_BASE = CurrencyCode("EUR")


@define(frozen=True)
class MoneySettings:
    """``[money]``: the currencies of prices and balances."""

    currency: CurrencyCode = DEFAULT_BASE
    """The base currency: revenue, cost and margin are compared in it."""
    rates: dict[CurrencyCode, ExchangeRate] = Factory(dict)
    """``[money.rates]``: of each other currency, how much of the base currency one unit of it is."""
