"""The number inventory and its durable form: every change is in memory and on its way to the store in one step.

Theory of operation. A change is decided on the records in memory and put there at once, in the same synchronous step,
so no two can take one number. Its records go to the store in that step too, as what is owed: it is never refused, and
is written before whatever is written later, such as a message from a number that was just leased. Whoever must tell
somebody waits for the commit (:meth:`NumberBook.commit`). A crash before it leaves the number as it was, and nobody
has been told otherwise.
"""

import gc
from collections.abc import Callable, Iterable, Sequence

import structlog
import trio

from smsagg.clock import Clock
from smsagg.errors import InventoryError
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.lifecycle import NumberStep, steps_between
from smsagg.inventory.number import Number
from smsagg.inventory.pool import NumberPool
from smsagg.inventory.records import read_allocation, read_number, read_pool, write_record
from smsagg.store.base import Changes, EntityUpdate, OnDone, Store

NUMBER, POOL, ALLOCATION = "number", "number_pool", "number_allocation"
"""Kinds of entities."""
LOADED_IN_ONE_STEP = 1_000
STAY_FROM = 10_000
"""Numbers through which a collection takes milliseconds."""

log = structlog.get_logger("smsagg.numbers")


class NumberBook:
    """The inventory of one store."""

    def __init__(self, store: Store, clock: Clock, quarantine_ms: int) -> None:
        self._store = store
        self._clock = clock
        self.inventory = Inventory(quarantine_ms)
        self.on_change: Callable[[], None] = lambda: None
        """Called after each change in memory."""
        self.on_steps: Callable[[Sequence[NumberStep], Changes, int], None] = lambda _steps, _changes, _now: None
        """Told what happened to accounts' numbers, to note it in the transaction that makes it durable."""
        self._steps: list[NumberStep] = []
        """What the next write is to be told of; it comes in the same step."""
        self.is_importing = False
        """A file is being imported: what it was checked against must not change but by time."""
        self._low: set[str] = set()

    async def load(self) -> None:
        """Take up what the store holds; once, first."""
        for _, record in await self._store.load_entities(POOL):
            self.inventory.put_pool(read_pool(record))
        for _, record in await self._store.load_entities(ALLOCATION):
            self.inventory.put_allocation(read_allocation(record))
        for i, (_, record) in enumerate(await self._store.load_entities(NUMBER)):
            self.inventory.put(read_number(record))
            if i % LOADED_IN_ONE_STEP == 0:
                await trio.lowlevel.checkpoint()
        self.stay_for_good()
        self.changed()

    def stay_for_good(self) -> None:
        """Many numbers have come. They stay, so no garbage collection needs to look through them again and again."""
        if len(self.inventory.numbers) >= STAY_FROM:
            gc.freeze()

    def check_free(self) -> None:
        """Raise InventoryError while nothing may be changed but by time, or nothing can be made durable."""
        if self.is_importing:
            raise InventoryError("a file of numbers is being imported: try again when it is done")
        failing = self._store.failing
        if failing is not None:
            raise InventoryError(f"the store cannot write now: {failing}")

    def put(self, numbers: Iterable[Number]) -> list[EntityUpdate]:
        """Put records into memory; what the store is to be told."""
        updates = []
        now = self._clock.now_ms()
        for number in numbers:
            self._steps += steps_between(self.inventory.numbers.get(number.key), number, now)
            self.inventory.put(number)
            updates.append(EntityUpdate(NUMBER, number.key, write_record(number)))
        return updates

    def put_pool(self, pool: NumberPool) -> list[EntityUpdate]:
        self.inventory.put_pool(pool)
        return [EntityUpdate(POOL, pool.name, write_record(pool))]

    def drop_pool(self, name: str) -> list[EntityUpdate]:
        self.inventory.drop_pool(name)
        return [EntityUpdate(POOL, name, None)]

    def put_allocation(self, allocation: Allocation) -> list[EntityUpdate]:
        self.inventory.put_allocation(allocation)
        return [EntityUpdate(ALLOCATION, allocation.name, write_record(allocation))]

    def drop_allocation(self, name: str) -> list[EntityUpdate]:
        self.inventory.drop_allocation(name)
        return [EntityUpdate(ALLOCATION, name, None)]

    def write(self, updates: Sequence[EntityUpdate], on_done: OnDone | None = None) -> None:
        """Hand to the store what :meth:`put` and its like returned, in the step in which they did."""
        self.changed()
        changes = Changes(entities=list(updates))
        steps, self._steps = self._steps, []
        self.on_steps(steps, changes, self._clock.now_ms())
        self._store.write(changes, on_done)

    async def commit(self, updates: Sequence[EntityUpdate]) -> None:
        """The same, and wait until it is durable, however long. Cancelling the wait does not undo anything."""
        done = trio.Event()
        self.write(updates, lambda _error: done.set())
        await done.wait()

    def changed(self) -> None:
        """Tell of pools that have become low, each once, and whoever derives something from the inventory."""
        inventory = self.inventory
        for name, pool in inventory.pools.items():
            available = inventory.available[name]
            if available >= pool.low_mark:
                self._low.discard(name)
            elif name not in self._low:
                self._low.add(name)
                log.warning("number_pool_low", pool=name, available=available, low_mark=pool.low_mark)
        self._low &= inventory.pools.keys()
        self.on_change()

    @property
    def low_pools(self) -> frozenset[str]:
        """Pools with fewer available numbers than their low mark."""
        return frozenset(self._low)
