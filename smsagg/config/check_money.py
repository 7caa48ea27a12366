"""Checks of what the configuration says about money: every currency has a rate."""

from collections.abc import Iterator

from smsagg.config.problems import Problem
from smsagg.config.schema import Config


def money_problems(config: Config) -> Iterator[Problem]:
    """All problems with money between the values of ``config``."""
    money = config.money
    if money.currency in money.rates:
        yield Problem(("money", "rates", money.currency), "is the base currency, which needs no rate")
    for section in ("accounts", "carriers"):
        for name, settings in getattr(config, section).items():
            yield from _has_rate(config, (section, name, "currency"), settings.currency)


def _has_rate(config: Config, path: tuple[str, ...], currency: str | None) -> Iterator[Problem]:
    money = config.money
    if currency is not None and currency not in (money.currency, *money.rates):
        yield Problem(path, f'"{currency}" has no rate in [money.rates]')
