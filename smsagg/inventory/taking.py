"""What operators and time do to numbers: each function says what the records would be, or why it cannot be.

Nothing is changed here. A function returns the new records of all that it was asked for, or raises InventoryError and
there are none; its caller puts them into the inventory and writes them down. All begin with the records as of now, so
that what time has ended is over.
"""

from collections.abc import Iterable, Sequence

from smsagg.errors import InventoryError
from smsagg.inventory.allocation import Allocation, Claim, Outlook, shortage
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, Status, assign, lease, release, renew, retire, share, unassign
from smsagg.inventory.pool import NumberPool, check_fallback

NEVER = 1 << 62


def pick(inventory: Inventory, pool: str, count: int, now: int) -> list[Number]:
    """``count`` available numbers of a pool: of its first type first, then in the order in which they came."""
    found = _available(inventory, pool, count, now)
    if len(found) < count:
        raise InventoryError(f"pool {pool} has {len(found)} available numbers, not {count}")
    return found


def assigned(inventory: Inventory, numbers: Iterable[Number], account: str, now: int) -> list[Number]:
    """Each of ``numbers`` dedicated to ``account``."""
    return check_claims(inventory, [assign(inventory.as_of(number, now), account) for number in numbers], now)


def shared(inventory: Inventory, numbers: Iterable[Number], account: str, now: int) -> list[Number]:
    """Each of ``numbers`` shared by ``account`` too."""
    return check_claims(inventory, [share(inventory.as_of(number, now), account) for number in numbers], now)


def unassigned(inventory: Inventory, numbers: Iterable[Number], account: str, now: int) -> list[Number]:
    """Each of ``numbers`` no more ``account``'s, or nobody's for ``""``."""
    return [unassign(inventory.as_of(one, now), account, now, inventory.quarantine_ms(one)) for one in numbers]


def leased(inventory: Inventory, numbers: Iterable[Number], account: str, until: int, now: int) -> list[Number]:
    """Each of ``numbers`` leased to ``account`` until ``until``."""
    return check_claims(
        inventory, [lease(inventory.as_of(number, now), account, until, now) for number in numbers], now
    )


def renewed(inventory: Inventory, numbers: Iterable[Number], account: str, until: int, now: int) -> list[Number]:
    """Each of these leases ends at ``until``."""
    return check_claims(
        inventory, [renew(inventory.as_of(number, now), account, until, now) for number in numbers], now
    )


def released(inventory: Inventory, numbers: Iterable[Number], account: str, now: int) -> list[Number]:
    """Each of these leases is over."""
    return [release(inventory.as_of(one, now), account, now, inventory.quarantine_ms(one)) for one in numbers]


def retired(inventory: Inventory, numbers: Iterable[Number], now: int) -> list[Number]:
    """None of ``numbers`` is ours any more."""
    return [retire(inventory.as_of(one, now), now, inventory.quarantine_ms(one)) for one in numbers]


def check_pool(inventory: Inventory, pool: NumberPool) -> None:
    """Raise InventoryError unless ``pool`` may be made, or changed to this."""
    check_fallback(pool, inventory.pools)
    for number in inventory.of_pool(pool.name):
        if number.state is Status.RETIRED:
            continue
        reason = misfit(number, pool)
        if reason:
            raise InventoryError(f"pool {pool.name}: {number.name} is in it already, and {reason}")


def misfit(number: Number, pool: NumberPool) -> str:
    """Why a number cannot be in a pool, ``""`` when it can."""
    if pool.country and number.country != pool.country:
        return f"pool {pool.name} is for {pool.country}, not for {number.country}"
    if pool.types and number.type not in pool.types:
        types = ", ".join(type.value for type in pool.types)
        return f"pool {pool.name} is for {types}, not for {number.type.value}"
    return ""


def check_pool_unused(inventory: Inventory, name: str) -> None:
    """Raise InventoryError unless the pool may be removed."""
    if name not in inventory.pools:
        raise InventoryError(f"there is no number pool {name}")
    held = next(iter(inventory.of_pool(name)), None)
    if held is not None:
        raise InventoryError(f"pool {name} still holds numbers, such as {held.name}")
    for pool in inventory.pools.values():
        if name in pool.fallback:
            raise InventoryError(f"pool {pool.name} falls back to {name}")
    for allocation in inventory.allocations.values():
        if allocation.pool == name:
            raise InventoryError(f"allocation {allocation.name} is of pool {name}")


def check_allocation(inventory: Inventory, allocation: Allocation, now: int) -> None:
    """Raise InventoryError unless the pool will have the numbers that ``allocation`` wants, beside all others."""
    if allocation.pool not in inventory.pools:
        raise InventoryError(f"there is no number pool {allocation.pool}")
    if allocation.name in inventory.allocations:
        raise InventoryError(f"there is an allocation {allocation.name} already")
    if not now < allocation.ends_at or not allocation.begins_at < allocation.ends_at:
        raise InventoryError(f"allocation {allocation.name} must end in the future, and after it begins")
    before = _outlook(inventory, allocation.pool, {}, now)
    claim = _claim(inventory, allocation, {})
    short = shortage(now, before, Outlook(before.free_from, [*before.claims, claim]))
    if short is not None:
        raise InventoryError(
            f"pool {allocation.pool} has too few numbers for allocation {short.allocation}: {short.missing} are missing"
        )


def allotted(inventory: Inventory, now: int, limit: int) -> tuple[list[Number], dict[str, int]]:
    """Leases, at most ``limit``, for allocations that hold now and miss numbers, who began first coming first; and what
    each misses all the same.

    Numbers whose quarantine is over and not yet written down do not count.
    """
    changed: dict[str, Number] = {}
    missing: dict[str, int] = {}
    for allocation in sorted(inventory.allocations.values(), key=lambda one: (one.begins_at, one.name)):
        if not allocation.holds_at(now):
            continue
        wanted = allocation.numbers - inventory.allotted[allocation.name]
        if wanted > 0 and inventory.available[allocation.pool] > 0:
            found = _available(inventory, allocation.pool, wanted + len(changed), now)
            found = [number for number in found if number.key not in changed][: min(wanted, limit - len(changed))]
            for number in found:
                changed[number.key] = lease(number, allocation.account, allocation.ends_at, now, allocation.name)
            wanted -= len(found)
        if wanted > 0 and len(changed) < limit:
            missing[allocation.name] = wanted
    return list(changed.values()), missing


def ended(inventory: Inventory, allocation: Allocation, now: int) -> list[Number]:
    """The numbers of ``allocation``, given back."""
    own = [one for one in inventory.of_pool(allocation.pool) if one.allocation == allocation.name]
    own = [one for one in (inventory.as_of(one, now) for one in own) if one.allocation]
    return [release(one, "", now, inventory.quarantine_ms(one)) for one in own]


def _available(inventory: Inventory, pool: str, count: int, now: int) -> list[Number]:
    rules = inventory.pools.get(pool)
    if rules is None:
        raise InventoryError(f"there is no number pool {pool}")
    found: list[Number] = []
    for number_type in rules.types or (None,):
        for number in inventory.of_pool(pool):
            if len(found) >= count:
                return found
            if number_type in (None, number.type) and number.status in (Status.AVAILABLE, Status.QUARANTINE):
                number = inventory.as_of(number, now)
                if number.status is Status.AVAILABLE:
                    found.append(number)
    return found


def check_claims(inventory: Inventory, changed: list[Number], now: int) -> list[Number]:
    """``changed``, unless that leaves an allocation too few numbers: then InventoryError."""
    if len({number.key for number in changed}) < len(changed):
        raise InventoryError("a number is named twice")
    pools = {number.pool for number in changed}
    for pool in pools & {allocation.pool for allocation in inventory.allocations.values()}:
        own = {number.key: number for number in changed if number.pool == pool}
        before, after = _outlook(inventory, pool, {}, now), _outlook(inventory, pool, own, now)
        short = shortage(now, before, after)
        if short is not None:
            raise InventoryError(f"pool {pool}: that would leave allocation {short.allocation} {short.missing} too few")
    return changed


def _outlook(inventory: Inventory, pool: str, changed: dict[str, Number], now: int) -> Outlook:
    """As it is, or as it will be with these records ``changed``."""
    free_from = [_free_from(inventory, changed.get(number.key, number), now) for number in inventory.of_pool(pool)]
    allocations = [one for one in inventory.allocations.values() if one.pool == pool and one.ends_at > now]
    claims = [_claim(inventory, allocation, changed) for allocation in allocations]
    return Outlook(sorted(instant for instant in free_from if instant < NEVER), claims)


def _free_from(inventory: Inventory, number: Number, now: int) -> int:
    number = inventory.as_of(number, now)
    if number.status is Status.AVAILABLE:
        return now
    if number.status is Status.LEASED:
        return number.leased_until + inventory.quarantine_ms(number)
    return number.quarantine_until if number.status is Status.QUARANTINE else NEVER


def _claim(inventory: Inventory, allocation: Allocation, changed: dict[str, Number]) -> Claim:
    has = inventory.allotted[allocation.name]
    for number in changed.values():
        has += (number.allocation == allocation.name) - (inventory.numbers[number.key].allocation == allocation.name)
    rests_until = allocation.ends_at + inventory.pool_quarantine_ms(allocation.pool)
    return Claim(allocation.name, max(allocation.numbers - has, 0), allocation.begins_at, rests_until)


def named(inventory: Inventory, names: Sequence[str], now: int) -> list[Number]:
    """The numbers that an operator names, as of ``now``."""
    return [inventory.as_of(inventory.find(name), now) for name in names]
