"""Checks of what the configuration says about money: currencies have rates, and limits limit something."""

from collections.abc import Iterator, Mapping

from smsagg.config.problems import Problem
from smsagg.config.schema import AccountSettings, CapSettings, Config, QuotaSettings


def money_problems(config: Config, countries: frozenset[str]) -> Iterator[Problem]:
    """All problems with money between the values of ``config``; ``countries`` are the codes that there are."""
    money = config.money
    if money.currency in money.rates:
        yield Problem(("money", "rates", money.currency), "is the base currency, which needs no rate")
    for section in ("accounts", "carriers"):
        for name, settings in getattr(config, section).items():
            yield from _has_rate(config, (section, name, "currency"), settings.currency)
    for name, account in config.accounts.items():
        yield from _account(("accounts", name), account, countries)


def _has_rate(config: Config, path: tuple[str, ...], currency: str | None) -> Iterator[Problem]:
    money = config.money
    if currency is not None and currency not in (money.currency, *money.rates):
        yield Problem(path, f'"{currency}" has no rate in [money.rates]')


def _account(path: tuple[str, ...], account: AccountSettings, countries: frozenset[str]) -> Iterator[Problem]:
    if account.credit_limit is not None and account.billing != "postpaid":
        yield Problem((*path, "credit_limit"), 'means nothing without billing = "postpaid"')
    if account.price_list is None:
        if account.billing != "none":
            yield Problem((*path, "billing"), "means nothing without a price_list")
        if account.when_unpriced != "allow":
            yield Problem((*path, "when_unpriced"), "means nothing without a price_list")
        if account.margin_guard not in (None, "off"):
            yield Problem((*path, "margin_guard"), "means nothing without a price_list")
        if account.caps != CapSettings() or account.caps_by_country:
            yield Problem((*path, "caps"), "mean nothing without a price_list; quotas count messages")
    if account.margin_guard == "off" and account.margin_min is not None:
        yield Problem((*path, "margin_min"), 'means nothing with margin_guard = "off"')
    yield from _limits(path, "caps", account.caps, account.caps_by_country, countries)
    yield from _limits(path, "quotas", account.quotas, account.quotas_by_country, countries)


def _limits(
    path: tuple[str, ...],
    key: str,
    whole: CapSettings | QuotaSettings,
    by_country: Mapping[str, CapSettings] | Mapping[str, QuotaSettings],
    countries: frozenset[str],
) -> Iterator[Problem]:
    for country in by_country:
        if country not in countries:
            reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
            yield Problem((*path, f"{key}_by_country", country), reason)
    limits = [((key,), whole), *(((f"{key}_by_country", country), limit) for country, limit in by_country.items())]
    for keys, limit in limits:
        if limit.daily is not None and limit.monthly is not None and limit.daily > limit.monthly:
            yield Problem((*path, *keys, "daily"), "must be monthly or less")
