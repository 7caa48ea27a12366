"""Where accounts' data may be kept and go: regions, which are words of the operator's own."""

from collections.abc import Iterator

from smsagg.config.problems import Problem
from smsagg.config.schema import Config


def residencies_of(config: Config) -> dict[str, str]:
    """The region of each account that must stay in one. What sandboxes send leaves this process nowhere."""
    return {
        name: account.residency
        for name, account in config.accounts.items()
        if account.residency and not account.sandbox
    }


def residency_problems(config: Config) -> Iterator[Problem]:
    """An account is kept in its region, and some carrier is there."""
    regions = {region for carrier in config.carriers.values() for region in carrier.regions}
    for name, account in config.accounts.items():
        if not account.residency:
            continue
        path = ("accounts", name, "residency")
        if account.residency != config.store.region:
            where = f'in "{config.store.region}"' if config.store.region else "in no region (store.region)"
            yield Problem(path, f'is "{account.residency}", but the store is {where}')
        elif account.residency not in regions and not account.sandbox:
            yield Problem(path, f'is "{account.residency}", and no carrier is there (carriers.*.regions)')
