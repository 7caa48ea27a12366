"""Who would be left without a usable carrier if one were taken away."""

from smsagg.engine.core import Core
from smsagg.engine.sending.pools import CarrierState, Pool


def left_without(core: Core, carrier: CarrierState, country: str, now: float) -> list[str]:
    """Names of the pools whose messages (for ``country``, ``""``: for any) could go nowhere without ``carrier``.

    A pool that has no usable carrier anyway is not among these, for nothing gets worse there; nor is one to which no
    message can come, since it is only another's backup.
    """
    left = []
    for pool in core.pools.values():
        if not _may_have(core, pool, country):
            continue
        members = [member for source in pool.chain() for member in source.members]
        usable = [m for m in members if m.is_usable(now) and not core.health.is_barred(m, country, now)]
        if carrier in usable and all(member is carrier for member in usable):
            left.append(pool.name)
    return left


def _may_have(core: Core, pool: Pool, country: str) -> bool:
    """Whether messages for ``country`` come to ``pool``: with routing rules they may come to any."""
    if core.tables.routes is not None or pool.depth:
        return True
    countries = pool.settings.countries
    if pool.name != core.config.routing.default_pool:
        return country in countries if country else bool(countries)
    others = (other.settings.countries for other in core.pools.values() if other is not pool)
    return not country or not any(country in named for named in others)
