"""Draws what accounts pay and how they are billed; by draws of its own, so that the rest of a world stays as it was."""

from random import Random

from attrs import evolve

from smsagg.config.amounts import Amount
from smsagg.config.schema import AccountSettings, CapSettings, Config, QuotaSettings
from smsagg.model import ChargeOn
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.tables import Tables

PRICED = 0.8
"""Share of accounts with a price list."""
PLENTY = 10**9
"""More than a run can spend or send: limits that are counted and never reached."""


def draw_money(seed: int, configs: list[Config]) -> tuple[list[Config], Tables]:
    """The same configurations with billing, which another life may have changed; and everybody's prices."""
    rng = Random(f"{seed} money")
    names = list(configs[0].accounts)
    prices = {name: _price_list(rng) for name in names if rng.random() < PRICED}
    cards = {name: _price_list(rng) for name in configs[0].carriers if rng.random() < 0.5}
    limited = {name: rng.random() < 0.4 for name in names}
    billed = [_with_billing(rng, config, prices, limited) for config in configs]
    return billed, Tables(cards=cards, prices=prices)


def _price_list(rng: Random) -> RateCard:
    charge_on = rng.choice((ChargeOn.SUBMITTED, ChargeOn.DELIVERED))
    row = CardRow(DestinationKind.EVERYWHERE, "*", rng.choice((0, 3, 7)), "EUR", charge_on)
    dear = CardRow(DestinationKind.COUNTRY, "GB", 11, "EUR", ChargeOn.SUBMITTED)
    return RateCard([row, dear] if rng.random() < 0.5 else [row], Currencies())


def _with_billing(rng: Random, config: Config, prices: dict[str, RateCard], limited: dict[str, bool]) -> Config:
    accounts: dict[str, AccountSettings] = {}
    for name, settings in config.accounts.items():
        if name in prices:
            settings = evolve(settings, billing=rng.choice(("postpaid", "postpaid", "none")))
        if limited[name] and rng.random() < 0.8:
            caps = CapSettings(monthly=Amount(PLENTY))
            by_country = {"GB": QuotaSettings(daily=PLENTY)}
            settings = evolve(settings, caps=caps, quotas_by_country=by_country)
        accounts[name] = settings
    return evolve(config, accounts=accounts)
