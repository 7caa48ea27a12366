"""Number pools: which numbers are used for what, in what order, and where to go on when they are used up.

A pool belongs to a country and a purpose. An account that sends from a pool gets those of its numbers that the
account has (its own, its leases, what it shares). When none of them may be used, because there are none, all are
suspended, or all have written to the recipient as often as they may, the pools of ``fallback`` follow in that order,
each with its own fallback behind it. No pool comes twice, and an order that would lead back to a pool is refused when
it is made.
"""

from collections.abc import Mapping

from attrs import define

from smsagg.errors import InventoryError
from smsagg.inventory.number import NumberType

ROTATIONS = ("round_robin", "least_recently_used", "sticky")
DAY_MS = 86_400_000


@define(frozen=True)
class NumberPool:
    """One pool. Durations are milliseconds."""

    name: str
    country: str = ""
    """Of all its numbers; ``""``: they may be of any."""
    purpose: str = ""
    """``otp``, ``marketing`` …, for people."""
    types: tuple[NumberType, ...] = ()
    """The types it may hold, those to be used first before the others; empty: any, without preference."""
    rotation: str = "round_robin"
    """``round_robin``: one after the other; ``least_recently_used``: who has been silent longest; ``sticky``: a
    recipient hears from the number that it heard from before, and at first from who has been silent longest."""
    limit: int = 0
    """Messages from one number to one recipient within ``period``; then the next number follows. 0: no limit."""
    period: int = DAY_MS
    quarantine: int | None = None
    """How long a number is nobody's after it was somebody's; ``None``: as the configuration says."""
    low_mark: int = 0
    """Fewer available numbers are worth a warning; 0: never."""
    fallback: tuple[str, ...] = ()
    """Pools that follow, in order."""

    @property
    def is_sticky(self) -> bool:
        return self.rotation == "sticky"

    @property
    def keeps_records(self) -> bool:
        """Whether what was sent to a recipient matters for what is sent to it next."""
        return self.is_sticky or self.limit > 0


def fallback_order(name: str, pools: Mapping[str, NumberPool]) -> tuple[str, ...]:
    """``name`` and all pools behind it, each once, in the order in which they are tried. Unknown names are left out."""
    seen: dict[str, None] = {}
    _walk(name, pools, seen)
    return tuple(seen)


def _walk(name: str, pools: Mapping[str, NumberPool], seen: dict[str, None]) -> None:
    if name in pools and name not in seen:
        seen[name] = None
        for behind in pools[name].fallback:
            _walk(behind, pools, seen)


def check_fallback(changed: NumberPool, pools: Mapping[str, NumberPool]) -> None:
    """Raise InventoryError when ``changed`` names a pool that is not there, or one that leads back to it."""
    for name in changed.fallback:
        if name not in pools and name != changed.name:
            raise InventoryError(f"pool {changed.name}: fallback: there is no number pool {name}")
    after = {**pools, changed.name: changed}
    way = _way_back(changed.name, changed.name, after, (changed.name,), set())
    if way:
        raise InventoryError(f"pool {changed.name}: fallback leads back to itself: {' -> '.join(way)}")


def _way_back(
    name: str, target: str, pools: Mapping[str, NumberPool], way: tuple[str, ...], seen: set[str]
) -> tuple[str, ...]:
    """The way from ``name`` to ``target`` over fallbacks, empty for none."""
    for behind in pools[name].fallback if name in pools else ():
        if behind == target:
            return (*way, target)
        if behind not in seen:
            seen.add(behind)
            found = _way_back(behind, target, pools, (*way, behind), seen)
            if found:
                return found
    return ()
