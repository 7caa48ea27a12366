"""The tables of the configuration file that are about money; part of :mod:`smsagg.config.schema`."""

from attrs import Factory, define, field

from smsagg.config.amounts import Amount, CurrencyCode, ExchangeRate
from smsagg.config.validators import at_least

DEFAULT_BASE = CurrencyCode("EUR")


@define(frozen=True)
class MoneySettings:
    """``[money]``: the currencies of prices and balances."""

    currency: CurrencyCode = DEFAULT_BASE
    """The base currency: revenue, cost and margin are compared in it."""
    rates: dict[CurrencyCode, ExchangeRate] = Factory(dict)
    """``[money.rates]``: of each other currency, how much of the base currency one unit of it is."""


@define(frozen=True)
class CapSettings:
    """``[accounts.NAME.caps]``, ``[accounts.NAME.caps_by_country.CC]``: what may be spent, in the account's currency;
    none: any amount."""

    daily: Amount | None = None
    monthly: Amount | None = None


@define(frozen=True)
class QuotaSettings:
    """``[accounts.NAME.quotas]``, ``[accounts.NAME.quotas_by_country.CC]``: how many messages may be sent, and parts of
    long ones that we cut; none: any number."""

    daily: int | None = field(default=None, validator=at_least(0))
    monthly: int | None = field(default=None, validator=at_least(0))
