"""Checks of money in the configuration: whatever has a currency has a rate."""

from decimal import Decimal

from attrs import evolve

from smsagg.config.amounts import CurrencyCode, ExchangeRate
from smsagg.config.check_money import money_problems
from smsagg.config.schema import Config, MoneySettings
from smsagg.testing.gateway import account_settings, carrier_settings, make_config

RATES = {CurrencyCode("USD"): ExchangeRate(Decimal("0.92"))}


def lines_of(config: Config) -> list[str]:
    return [problem.line("f").removeprefix("f: ") for problem in money_problems(config)]


def test_a_currency_without_a_rate_is_told_where_it_stands() -> None:
    """Accounts' and carriers'; the base currency needs none."""
    account = evolve(account_settings("acme"), currency=CurrencyCode("GBP"))
    carriers = {
        "alpha": evolve(carrier_settings(), currency=CurrencyCode("USD")),
        "beta": evolve(carrier_settings(), currency=CurrencyCode("VND")),
        "gamma": evolve(carrier_settings(), currency=CurrencyCode("EUR")),
    }
    config = make_config(accounts={"acme": account}, carriers=carriers, money=MoneySettings(rates=RATES))
    assert lines_of(config) == [
        'accounts.acme.currency: "GBP" has no rate in [money.rates]',
        'carriers.beta.currency: "VND" has no rate in [money.rates]',
    ]


def test_the_base_currency_has_no_rate() -> None:
    """Another than 1 would be a contradiction."""
    config = make_config(money=MoneySettings(CurrencyCode("USD"), RATES))
    assert lines_of(config) == ["money.rates.USD: is the base currency, which needs no rate"]
