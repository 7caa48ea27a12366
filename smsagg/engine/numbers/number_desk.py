"""What operators do to the number inventory, for any front: each change is durable when its call returns.

All of a call's numbers change or none. A call that raises InventoryError has changed nothing; one that is cancelled
while it waits for its commit has changed everything, and that becomes durable all the same.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import islice
from typing import NamedTuple

import trio
from attrs import evolve

from smsagg.clock import Clock
from smsagg.config.csv_rows import CsvRow, FileProblems
from smsagg.engine.numbers.number_book import NumberBook
from smsagg.errors import InventoryError
from smsagg.inventory import taking
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.number import Number, Status, restore, resume, suspend
from smsagg.inventory.pool import NumberPool
from smsagg.inventory.table import COLUMNS, NumberTable, RefusedTable, imported, read_row, read_table
from smsagg.routing.prefix import country_of

NUMBERS_MAX = 10_000
"""In one call, but for imports."""
CHECKED_IN_ONE_STEP = 500
WRITTEN_AT_ONCE = 2_000
"""Rows of a file in one transaction."""

Progress = Callable[[int, int], Awaitable[None]]
"""Told how many of how many changes are durable."""


class Wanted(NamedTuple):
    """Numbers that are named, or so many of a pool."""

    names: Sequence[str] = ()
    pool: str = ""
    how_many: int = 0


class Imported(NamedTuple):
    """What an import did."""

    new: int
    changed: int
    unchanged: int


class NumberDesk:
    """Operations on one inventory."""

    def __init__(self, book: NumberBook, clock: Clock, accounts: Callable[[], Collection[str]]) -> None:
        """``accounts`` are those of the configuration of the moment."""
        self._book = book
        self._inventory = book.inventory
        self._clock = clock
        self._accounts = accounts

    # --- numbers ---

    async def assign(self, wanted: Wanted, account: str) -> list[Number]:
        """Dedicate them to ``account``."""
        numbers, now = self._begin(wanted, account)
        return await self._put(taking.assigned(self._inventory, numbers, account, now))

    async def share(self, wanted: Wanted, account: str) -> list[Number]:
        """Let ``account`` share them."""
        numbers, now = self._begin(wanted, account)
        return await self._put(taking.shared(self._inventory, numbers, account, now))

    async def lease(self, wanted: Wanted, account: str, until: int) -> list[Number]:
        """Lease them to ``account`` until that instant (UTC milliseconds)."""
        numbers, now = self._begin(wanted, account)
        return await self._put(taking.leased(self._inventory, numbers, account, until, now))

    async def renew(self, names: Sequence[str], until: int) -> list[Number]:
        """Let these leases end at ``until``."""
        numbers, now = self._begin(Wanted(names))
        return await self._put(taking.renewed(self._inventory, numbers, "", until, now))

    async def release(self, names: Sequence[str]) -> list[Number]:
        """End these leases."""
        numbers, now = self._begin(Wanted(names))
        return await self._put(taking.released(self._inventory, numbers, "", now))

    async def unassign(self, names: Sequence[str], account: str) -> list[Number]:
        """Take them from ``account``; ``""``: from all that have them."""
        numbers, now = self._begin(Wanted(names))
        return await self._put(taking.unassigned(self._inventory, numbers, account, now))

    async def suspend(self, names: Sequence[str]) -> list[Number]:
        """Send nothing from them for now."""
        numbers, _ = self._begin(Wanted(names))
        return await self._put([suspend(number) for number in numbers])

    async def resume(self, names: Sequence[str]) -> list[Number]:
        """Send from them again."""
        numbers, _ = self._begin(Wanted(names))
        return await self._put([resume(number) for number in numbers])

    async def retire(self, names: Sequence[str]) -> list[Number]:
        """They are ours no more."""
        numbers, now = self._begin(Wanted(names))
        return await self._put(taking.retired(self._inventory, numbers, now))

    async def restore(self, names: Sequence[str]) -> list[Number]:
        """They are ours again."""
        numbers, now = self._begin(Wanted(names))
        return await self._put([restore(number, now) for number in numbers])

    async def add(self, values: dict[str, str]) -> Number:
        """One new number; ``values`` by the columns of an import."""
        self._book.check_free()
        problems = FileProblems(values.get("number", ""))
        row = read_row(CsvRow(0, dict.fromkeys(COLUMNS, "") | values), country_of, problems)
        if row is not None and row.number.key in self._inventory.numbers:
            raise InventoryError(f"{row.number.name} is in the inventory already")
        table = NumberTable(frozenset(COLUMNS), [] if row is None else [row])
        now = self._clock.now_ms()
        added = imported(self._inventory, table, table.rows, self._accounts(), now, problems)
        if problems.lines:
            raise InventoryError("\n".join(problems.lines))
        self._inventory.check_room(1)
        return (await self._put(added))[0]

    def _begin(self, wanted: Wanted, account: str = "") -> tuple[list[Number], int]:
        """The numbers, and the instant of the change."""
        self._book.check_free()
        if account and account not in self._accounts():
            raise InventoryError(f"there is no account {account}")
        now = self._clock.now_ms()
        if len(wanted.names) > NUMBERS_MAX or wanted.how_many > NUMBERS_MAX:
            raise InventoryError(f"at most {NUMBERS_MAX:,} numbers at once")
        if wanted.pool:
            return taking.pick(self._inventory, wanted.pool, wanted.how_many, now), now
        return taking.named(self._inventory, wanted.names, now), now

    async def _put(self, numbers: list[Number]) -> list[Number]:
        await self._book.commit(self._book.put(numbers))
        return numbers

    # --- files ---

    async def import_file(self, text: str, file: str, told: Progress) -> Imported:
        """Take in a CSV file: all of it, after all of it was found to be right. Raises RefusedTable.

        Checking lets the loop go on, and so does writing, which is cut into transactions of ``WRITTEN_AT_ONCE``
        numbers. Nobody else changes the inventory meanwhile, but time does. When it is cut off while it writes, what
        was written stays, and importing the file again does the rest.
        """
        self._book.check_free()
        self._book.is_importing = True
        try:
            problems = FileProblems(file)
            table = await trio.to_thread.run_sync(read_table, text, country_of, problems)
            changed = await self._check(table, problems)
            new = sum(number.key not in self._inventory.numbers for number in changed)
            if not problems.lines:
                try:
                    self._inventory.check_room(new)
                    known = [number for number in changed if number.key in self._inventory.numbers]
                    taking.check_claims(self._inventory, known, self._clock.now_ms())
                    self._check_moves(known, self._clock.now_ms())
                except InventoryError as error:
                    problems.add(0, str(error))
            if problems.lines:
                raise RefusedTable(problems.lines)
            done = 0
            while done < len(changed):
                batch = changed[done : done + WRITTEN_AT_ONCE]
                await self._put(batch)
                done += len(batch)
                await told(done, len(changed))
            self._book.stay_for_good()
            return Imported(new, len(changed) - new, len(table.rows) - len(changed))
        finally:
            self._book.is_importing = False

    async def _check(self, table: NumberTable, problems: FileProblems) -> list[Number]:
        changed: list[Number] = []
        accounts, now, rows = self._accounts(), self._clock.now_ms(), iter(table.rows)
        while some := list(islice(rows, CHECKED_IN_ONE_STEP)):
            changed += imported(self._inventory, table, some, accounts, now, problems)
            await trio.lowlevel.checkpoint()
        return changed

    # --- pools ---

    async def set_pool(self, pool: NumberPool) -> NumberPool:
        """Make a pool, or change its rules to these."""
        self._book.check_free()
        taking.check_pool(self._inventory, pool)
        await self._book.commit(self._book.put_pool(pool))
        return pool

    async def remove_pool(self, name: str) -> None:
        """A pool without numbers, of which nothing speaks."""
        self._book.check_free()
        taking.check_pool_unused(self._inventory, name)
        await self._book.commit(self._book.drop_pool(name))

    async def move(self, names: Sequence[str], pool: str) -> list[Number]:
        """Put numbers into ``pool``; ``""``: into none."""
        numbers, now = self._begin(Wanted(names))
        rules = self._inventory.pools.get(pool)
        if pool and rules is None:
            raise InventoryError(f"there is no number pool {pool}")
        for number in numbers:
            reason = taking.misfit(number, rules) if rules is not None else ""
            if number.allocation:
                reason = f"it is leased for the allocation {number.allocation}"
            if reason:
                raise InventoryError(f"{number.name}: {reason}")
        moved = [evolve(number, pool=pool) for number in numbers]
        self._check_moves(moved, now)
        return await self._put(moved)

    def _check_moves(self, changed: Sequence[Number], now: int) -> None:
        """For the pool that a number leaves it is as if it were struck off."""
        before = self._inventory.numbers
        left = [before[number.key] for number in changed if before[number.key].pool != number.pool]
        taking.check_claims(self._inventory, [evolve(number, state=Status.RETIRED) for number in left], now)

    # --- allocations ---

    async def allocate(self, allocation: Allocation) -> Allocation:
        """Keep a share of a pool for an account; from its begin on the numbers are the account's."""
        self._book.check_free()
        if allocation.account not in self._accounts():
            raise InventoryError(f"there is no account {allocation.account}")
        taking.check_allocation(self._inventory, allocation, self._clock.now_ms())
        await self._book.commit(self._book.put_allocation(allocation))
        return allocation

    async def cancel_allocation(self, name: str) -> list[Number]:
        """Give up an allocation; the numbers that it has are given back."""
        self._book.check_free()
        allocation = self._inventory.allocations.get(name)
        if allocation is None:
            raise InventoryError(f"there is no allocation {name}")
        back = taking.ended(self._inventory, allocation, self._clock.now_ms())
        await self._book.commit(self._book.put(back) + self._book.drop_allocation(name))
        return back
