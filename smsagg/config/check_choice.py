"""Checks of what the configuration says about the choice of carriers: what a policy goes by must be known."""

from collections.abc import Iterator

from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config, PoolSettings

BY_COST = ("least_cost", "combined")
BY_DESTINATION = (*BY_COST, "quality")


def choice_problems(config: Config) -> Iterator[Problem]:
    """All problems with pools' policies between the values of ``config``."""
    for name, pool in config.pools.items():
        path = ("pools", name)
        if pool.policy in BY_COST:
            yield from _prices(path, pool, config)
        if pool.policy not in BY_COST and pool.unpriced != "last":
            yield Problem((*path, "unpriced"), "means nothing but with policy least_cost or combined")
        if pool.policy not in BY_DESTINATION and pool.wait_for_cheaper:
            yield Problem((*path, "wait_for_cheaper"), "means nothing but with policy least_cost, quality or combined")
    for i, probe in enumerate(config.probes):
        yield from unknown_name(("probes", f"[{i}]", "pool"), probe.pool, config.pools, "pool")


def _prices(path: tuple[str, ...], pool: PoolSettings, config: Config) -> Iterator[Problem]:
    members = [member.carrier for member in pool.carriers if member.carrier in config.carriers]
    unpriced = [name for name in members if config.carriers[name].rate_card is None]
    if members and len(unpriced) == len(members):
        yield Problem((*path, "policy"), f'"{pool.policy}" needs a rate_card of its carriers, and none of them has one')
    elif pool.unpriced == "refuse":
        for name in unpriced:
            yield Problem((*path, "carriers"), f'"{name}" has no rate_card, so unpriced = "refuse" never takes it')
