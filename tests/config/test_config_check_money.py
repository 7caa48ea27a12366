"""Checks of money in the configuration: whatever has a currency has a rate."""

from decimal import Decimal

from attrs import evolve

from smsagg.config.amounts import Amount, CurrencyCode, ExchangeRate, Margin
from smsagg.config.check import COUNTRIES
from smsagg.config.check_money import money_problems
from smsagg.config.schema import CapSettings, Config, DataFile, MoneySettings, QuotaSettings
from smsagg.testing.gateway import account_settings, carrier_settings, make_config

RATES = {CurrencyCode("USD"): ExchangeRate(Decimal("0.92"))}


def lines_of(config: Config) -> list[str]:
    return [problem.line("f").removeprefix("f: ") for problem in money_problems(config, COUNTRIES)]


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


def test_what_needs_prices_is_not_asked_for_without() -> None:
    """Billing, caps and guards of an account that pays nothing would do nothing."""
    account = account_settings(
        "acme",
        billing="prepaid",
        when_unpriced="refuse",
        margin_guard="refuse",
        caps_by_country={"GB": CapSettings(daily=Amount(1))},
        quotas=QuotaSettings(daily=1),
    )
    assert lines_of(make_config(accounts={"acme": account})) == [
        "accounts.acme.billing: means nothing without a price_list",
        "accounts.acme.when_unpriced: means nothing without a price_list",
        "accounts.acme.margin_guard: means nothing without a price_list",
        "accounts.acme.caps: mean nothing without a price_list; quotas count messages",
    ]


def test_limits_are_checked_against_each_other() -> None:
    """A daily one above the monthly one, countries that are none, credit of who pays first."""
    account = account_settings(
        "acme",
        price_list=DataFile("prices.csv"),
        billing="prepaid",
        credit_limit=Amount(5),
        caps=CapSettings(Amount(2), Amount(1)),
        quotas_by_country={"gb": QuotaSettings(daily=2, monthly=1)},
        margin_guard="off",
        margin_min=Margin(5),
    )
    assert lines_of(make_config(accounts={"acme": account})) == [
        'accounts.acme.credit_limit: means nothing without billing = "postpaid"',
        'accounts.acme.margin_min: means nothing with margin_guard = "off"',
        "accounts.acme.caps.daily: must be monthly or less",
        'accounts.acme.quotas_by_country.gb: "gb" is no country code of ISO 3166 (two capital letters, such as "GB")',
        "accounts.acme.quotas_by_country.gb.daily: must be monthly or less",
    ]
