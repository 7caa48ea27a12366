"""Draws what operators make of a running gateway's configuration; by draws of its own, so that the rest stays so."""

from random import Random

from attrs import evolve

from smsagg.config.schema import CarrierSettings, Config, PoolMember, PoolSettings
from tools.sim.scenario import PREFIXES, PlannedFault

RELOADED = 0.4
"""Share of the worlds with faults in which somebody reloads."""
FORMS = ("as_is", "as_is", "udh", "sar", "payload")


def draw_reloads(seed: int, config: Config, duration_s: float) -> tuple[tuple[Config, ...], tuple[PlannedFault, ...]]:
    """Configurations near ``config``, and when they come in force; none in most worlds."""
    rng = Random(f"{seed} reloads")
    if rng.random() >= RELOADED:
        return (), ()
    times = sorted(rng.uniform(0.2, duration_s) for _ in range(rng.choice((1, 2, 4, 8))))
    configs = tuple(_another(rng, config) for _ in times)
    return configs, tuple(PlannedFault(at, "reload", 0.0) for at in times)


def _another(rng: Random, config: Config) -> Config:
    """Other pools, some carriers told something else, some replaced, some of several gone."""
    names = list(config.carriers)
    kept = [name for name in names if rng.random() < 0.8] or names[:1]
    accounts = {
        name: evolve(account, queue_max=rng.choice((5, account.queue_max)), window_max=account.window_max)
        for name, account in config.accounts.items()
    }
    pools = _pools(rng, kept)
    carriers = {name: _carrier(rng, config.carriers[name]) for name in kept}
    default_pool = rng.choice(("", next(iter(pools))))
    return evolve(
        config,
        accounts=accounts,
        carriers=carriers,
        pools=pools,
        routing=evolve(config.routing, default_pool=default_pool),
    )


def _carrier(rng: Random, carrier: CarrierSettings) -> CarrierSettings:
    settings = evolve(carrier.settings, long_messages=rng.choice(FORMS))
    if rng.random() < 0.3:  # another bind
        settings = evolve(settings, system_type=rng.choice(("", "one", "two")))
    return evolve(carrier, settings=settings, circuit_failures=rng.choice((2, carrier.circuit_failures)))


def _pools(rng: Random, carriers: list[str]) -> dict[str, PoolSettings]:
    countries = list(PREFIXES)
    names = rng.sample(("west", "east", "north"), rng.choice((1, 2)))
    return {
        name: PoolSettings(
            carriers=tuple(
                PoolMember(carrier, weight=rng.randrange(1, 4), rank=rng.randrange(2))
                for carrier in rng.sample(carriers, rng.randrange(1, len(carriers) + 1))
            ),
            policy=rng.choice(("priority", "weighted")),
            countries=tuple(countries[index :: len(names)]),
            queue_max=rng.choice((1, 4, 1_000)),
        )
        for index, name in enumerate(names)
    }
