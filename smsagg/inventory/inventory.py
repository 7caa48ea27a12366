"""All numbers, pools and allocations in memory, found by whatever they are asked for.

Theory of operation. :class:`Inventory` only holds and finds; what may happen is said by :mod:`smsagg.inventory.number`
and :mod:`smsagg.inventory.taking`. Whoever changes something makes the new records first, all of them or none, and then
puts them in (:meth:`Inventory.put`) in the same step in which they are handed to the store.

``versions`` grows with each change of an account's numbers in a pool, ``rules_version`` with each change of the
pools' rules, so that whoever derives something from them sees when it is to be made anew. What ends by itself stands
in a list sorted by its instant.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator

from attrs import evolve

from smsagg.errors import InventoryError
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.number import Number, Status, as_of
from smsagg.inventory.pool import NumberPool

NUMBERS_MAX = 1_000_000


class Inventory:
    """Bounded by :data:`NUMBERS_MAX`, some 700 octets each. Instants are UTC milliseconds."""

    def __init__(self, quarantine_ms: int) -> None:
        self._default_quarantine_ms = quarantine_ms
        self.numbers: dict[str, Number] = {}
        self.pools: dict[str, NumberPool] = {}
        self.allocations: dict[str, Allocation] = {}
        self.versions: Counter[tuple[str, str]] = Counter()
        """By pool and account."""
        self.rules_version = 0
        self.counts: Counter[tuple[str, str, str]] = Counter()
        """Numbers by country, type and status."""
        self.available: Counter[str] = Counter()
        """Numbers of a pool that somebody could have now."""
        self.allotted: Counter[str] = Counter()
        """Numbers that allocations have."""
        self.shares: Counter[str] = Counter()
        """Shared numbers that accounts have."""
        self._by_address: dict[str, tuple[str, ...]] = {}
        self._by_pool: dict[str, dict[str, None]] = {}
        self._by_account: dict[str, dict[str, None]] = {}
        self._leases: list[tuple[int, str]] = []
        self._quarantines: list[tuple[int, str]] = []

    # --- changes ---

    def put(self, number: Number) -> None:
        """Take in a number, or its new record."""
        key = number.key
        old = self.numbers.get(key)
        if old is None:
            same = self._by_address.get(number.address, ())
            self._by_address[number.address] = (*same, key)
        else:
            if old.address != number.address:
                self._forget_address(old, key)
                self._by_address[number.address] = (*self._by_address.get(number.address, ()), key)
            self._count(old, -1)
        self.numbers[key] = number
        self._count(number, 1)

    def put_pool(self, pool: NumberPool) -> None:
        """Take in a pool, or its new rules."""
        self.pools[pool.name] = pool
        self.rules_version += 1

    def drop_pool(self, name: str) -> None:
        del self.pools[name]
        self.rules_version += 1

    def put_allocation(self, allocation: Allocation) -> None:
        self.allocations[allocation.name] = allocation

    def drop_allocation(self, name: str) -> None:
        del self.allocations[name]

    def _forget_address(self, number: Number, key: str) -> None:
        left = tuple(other for other in self._by_address[number.address] if other != key)
        if left:
            self._by_address[number.address] = left
        else:
            del self._by_address[number.address]

    def _count(self, number: Number, change: int) -> None:
        key = number.key
        kind = (number.country, number.type.value, number.status.value)
        self.counts[kind] += change
        if not self.counts[kind]:
            del self.counts[kind]
        if number.status is Status.AVAILABLE:
            self.available[number.pool] += change
        if number.allocation:
            self.allotted[number.allocation] += change
        if number.is_shared:
            for account in number.accounts:
                self.shares[account] += change
        groups = [(self._by_pool, number.pool), *((self._by_account, account) for account in number.accounts)]
        for index, name in groups:
            if change > 0:
                index.setdefault(name, {})[key] = None
            else:
                index[name].pop(key, None)
                if not index[name]:
                    del index[name]
        for account in number.accounts:
            self.versions[number.pool, account] += 1
        if number.state is Status.LEASED:
            _note(self._leases, (number.leased_until, key), change)
        elif number.state is Status.QUARANTINE:
            _note(self._quarantines, (number.quarantine_until, key), change)

    # --- what is there ---

    def find(self, name: str) -> Number:
        """The number that an operator means by ``447700900123``, ``GB/12345``, or ``ACME`` if that is in one country
        only. Raises InventoryError."""
        plain = name.removeprefix("+")
        country, slash, address = plain.partition("/")
        found = self.numbers.get(f"{country}/{address.casefold()}" if slash else plain)
        if found is not None:
            return found
        keys = self._by_address.get(plain, ())
        if len(keys) > 1:
            names = ", ".join(self.numbers[key].name for key in keys)
            raise InventoryError(f"{name} may be {names}: say which")
        if not keys:
            raise InventoryError(f"there is no number {name}")
        return self.numbers[keys[0]]

    def at(self, address: str, country: str, provider: str) -> Number | None:
        """The number that a message to ``address`` was for, which ``provider`` brought from somebody in ``country``:
        a short code may be one number here and another there. ``None``: it is not in the inventory, or ours no more.

        Where that does not tell which of several it was for, the answer is nobody's number."""
        keys = self._by_address.get(address)
        if keys is None:
            return None
        found = [self.numbers[key] for key in keys if self.numbers[key].state is not Status.RETIRED]
        if len(found) > 1:
            found = (
                [one for one in found if one.country == country]
                or [one for one in found if one.provider == provider]
                or found
            )
        if len(found) > 1:
            return evolve(found[0], state=Status.AVAILABLE, accounts=(), is_shared=False, leased_until=0)
        return found[0] if found else None

    def has_address(self, address: str) -> bool:
        """Whether some number that is ours has this address."""
        return any(self.numbers[key].state is not Status.RETIRED for key in self._by_address.get(address, ()))

    def of_pool(self, name: str) -> Iterator[Number]:
        """All numbers of a pool."""
        return (self.numbers[key] for key in self._by_pool.get(name, ()))

    def pool_size(self, name: str) -> int:
        """How many numbers a pool has, retired ones included."""
        return len(self._by_pool.get(name, ()))

    def of_account(self, account: str) -> Iterator[Number]:
        """All numbers that an account has, alone or not."""
        return (self.numbers[key] for key in self._by_account.get(account, ()))

    def quarantine_ms(self, number: Number) -> int:
        """How long it is nobody's when somebody had it."""
        return self.pool_quarantine_ms(number.pool)

    def pool_quarantine_ms(self, name: str) -> int:
        """The same of all numbers of a pool."""
        pool = self.pools.get(name)
        own = None if pool is None else pool.quarantine
        return self._default_quarantine_ms if own is None else own

    def as_of(self, number: Number, now: int) -> Number:
        """Its record at ``now``."""
        return as_of(number, now, self.quarantine_ms(number))

    def due(self, now: int, limit: int) -> list[Number]:
        """New records of up to ``limit`` numbers whose lease or quarantine is over, the earliest first."""
        keys = [key for at, key in self._leases[:limit] if at <= now]
        keys += [key for at, key in self._quarantines[: limit - len(keys)] if at <= now]
        return [self.as_of(self.numbers[key], now) for key in keys]

    def leases_ending_before(self, instant: int) -> int:
        """How many leases end before then."""
        return bisect_left(self._leases, (instant, ""))

    def set_default_quarantine(self, quarantine_ms: int) -> None:
        """From the configuration."""
        self._default_quarantine_ms = quarantine_ms

    def check_room(self, more: int) -> None:
        """Raise InventoryError when so many more numbers are too many."""
        if len(self.numbers) + more > NUMBERS_MAX:
            raise InventoryError(f"the inventory holds {NUMBERS_MAX:,} numbers at most")


def _note(instants: list[tuple[int, str]], entry: tuple[int, str], change: int) -> None:
    if change > 0:
        insort(instants, entry)
    else:
        place = bisect_right(instants, entry) - 1
        assert instants[place] == entry
        del instants[place]
