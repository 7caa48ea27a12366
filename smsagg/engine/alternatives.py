"""Who would be left without a usable carrier if one were taken away."""

from collections.abc import Iterable

from smsagg.engine.health import Health
from smsagg.engine.pools import CarrierState, Pool


def left_without(pools: Iterable[Pool], health: Health, carrier: CarrierState, country: str, now: float) -> list[str]:
    """Names of the pools whose messages (for ``country``, ``""``: for any) could go nowhere without ``carrier``.

    A pool that has no usable carrier anyway, ``carrier`` among them, is not among these: nothing gets worse there.
    """
    left = []
    for pool in pools:
        if country and pool.settings.countries and country not in pool.settings.countries:
            continue
        members = [member for source in pool.chain() for member in source.members]
        usable = [m for m in members if m.is_usable(now) and not health.is_barred(m, country, now)]
        if carrier in usable and all(member is carrier for member in usable):
            left.append(pool.name)
    return left
