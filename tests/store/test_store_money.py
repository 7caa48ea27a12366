"""Money in the store: what both stores promise of balances, spending and ledger entries."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from store_records import NOW, finished, message, new

from smsagg.config.schema import Octets, StoreSettings
from smsagg.errors import StoreError, StoreFull
from smsagg.model import IN_LEDGER
from smsagg.store.base import Changes, Store
from smsagg.store.ledger import (
    Balance,
    BalanceKey,
    BalanceMove,
    DayCharges,
    DaySpending,
    EntryKind,
    LedgerEntry,
    SpendingKey,
    SpendingMove,
)
from smsagg.store.memory import MemoryStore
from smsagg.store.memory_tables import Tables
from smsagg.store.sqlite.connection import Seams
from smsagg.store.sqlite.store import open_sqlite_store

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]
DAY = 20260131
ACME = BalanceKey("acme", "EUR", DAY)
ENTRY = LedgerEntry("acme", "EUR", EntryKind.TOP_UP, 500, NOW, "wire", "", "uid 0")


@pytest.fixture(params=["memory", "sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same store again and again."""
    tables, settings = Tables(), StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[Store]:
        store = MemoryStore(tables)
        yield store
        await store.flush()

    return open_memory if request.param == "memory" else lambda: open_sqlite_store(settings)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as opened:
        yield opened


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


async def balance_of(store: Store, account: str = "acme") -> tuple[int, int, int]:
    balance = {balance.account: balance for balance in await store.load_balances()}[account]
    return balance.credited, balance.charged, balance.reserved


async def test_moves_of_many_calls_add_up(store: Store) -> None:
    """Each exactly once, whether their calls share a commit or not."""
    for _ in range(200):
        store.write(Changes(money={ACME: BalanceMove(reserved=30)}))
    await store.flush()
    store.write(Changes(money={ACME: BalanceMove(reserved=-30, charged=30, messages=1)}))
    store.write(Changes(money={ACME._replace(day=DAY + 1): BalanceMove(reserved=-60, charged=30, messages=1)}))
    await store.flush()
    assert await store.load_balances() == [Balance("acme", "EUR", 0, 60, 5_910)]
    assert await store.find_charges("acme", DAY) == [DayCharges("acme", DAY, 30, 1), DayCharges("acme", DAY + 1, 30, 1)]
    assert await store.find_charges("acme", DAY + 1) == [DayCharges("acme", DAY + 1, 30, 1)]


async def test_refused_messages_move_nothing(tmp_path: Path) -> None:
    """The money of a commit that is refused is as absent as its messages."""
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=Octets(1))
    memory = MemoryStore()
    memory.fail_next(StoreFull("full"))
    async with open_sqlite_store(settings, Seams(free_octets=lambda _: 0)) as sqlite:
        for store in (memory, sqlite):
            told: list[StoreError | None] = []
            changes = new(1)
            changes.money[ACME] = BalanceMove(reserved=30)
            store.write(changes, told.append)
            await store.flush()
            assert isinstance(told[0], StoreFull)
            assert await store.load_balances() == []


async def test_an_entry_credits_its_account(store: Store) -> None:
    """It gets a number and the balance after it; what was reserved does not count there."""
    await commit(store, Changes(money={ACME: BalanceMove(reserved=40, charged=20, messages=1)}))
    first, is_new = await store.post_entry(ENTRY)
    assert (first.entry_id, first.balance_after, is_new) == (1, 480, True)
    second, _ = await store.post_entry(ENTRY._replace(kind=EntryKind.ADJUSTMENT, amount=-100, posted_at=NOW + 1))
    assert second.balance_after == 380
    assert await store.find_entries("acme", 0, 10) == [first, second]
    assert await store.find_entries("acme", NOW + 1, 10) == [second]
    assert await store.find_entries("acme", 0, 1) == [second]
    assert await balance_of(store) == (400, 20, 40)


async def test_a_reference_is_used_once(store: Store) -> None:
    """By an account: repeating a command that was carried out changes nothing, and tells what was done."""
    first, _ = await store.post_entry(ENTRY._replace(reference="INV-1"))
    again, is_new = await store.post_entry(ENTRY._replace(reference="INV-1", amount=9, posted_at=NOW + 9))
    assert (again, is_new) == (first, False)
    _, is_new = await store.post_entry(ENTRY._replace(reference="INV-1", account="other"))
    assert is_new
    assert [await balance_of(store, name) for name in ("acme", "other")] == [(500, 0, 0)] * 2


async def test_money_outlives_the_process(open_store: OpenStore) -> None:
    """Balances, counts and entries are there at the next start."""
    async with open_store() as store:
        await store.post_entry(ENTRY)
        await commit(store, Changes(money={ACME: BalanceMove(reserved=40)}, spending=spent(40, 1)))
    async with open_store() as store:
        assert await store.load_balances() == [Balance("acme", "EUR", 500, 0, 40)]
        assert len(await store.find_entries("acme", 0, 10)) == 1
        assert await store.load_spending(DAY) == [DaySpending("acme", "", DAY, 40, 1)]


def spent(micros: int, messages: int, scope: str = "", day: int = DAY) -> dict[SpendingKey, SpendingMove]:
    return {SpendingKey("acme", scope, day): SpendingMove(micros, messages)}


async def test_spending_adds_up_by_scope_and_day(store: Store) -> None:
    """Also within one commit; old days are dropped on demand."""
    for moves in (spent(40, 1), spent(30, 1, "GB"), spent(-10, 0), spent(5, 2, day=DAY - 1)):
        store.write(Changes(spending=moves))
    await store.flush()
    today = [DaySpending("acme", "", DAY, 30, 1), DaySpending("acme", "GB", DAY, 30, 1)]
    assert await store.load_spending(DAY) == today
    assert len(await store.load_spending(0)) == 3
    assert await store.drop_spending(DAY) == 1
    assert await store.load_spending(0) == today


async def test_recovery_tells_what_live_messages_have_reserved(store: Store) -> None:
    """Only of those that are in the ledger."""
    changes = Changes(
        new_messages=[message(1, price=30), message(2, price=12), message(3, price=5, accounted=0)],
    )
    await commit(store, changes)
    await commit(store, Changes(finished=[finished(2)]))
    assert (await store.recover(NOW)).reserved_by_account == {"acme": 30}


async def test_an_empty_ledger_takes_the_currency_of_its_account(store: Store) -> None:
    """One that holds money keeps its own."""
    await commit(store, Changes(money={ACME: BalanceMove(reserved=40)}))
    await commit(store, Changes(money={ACME._replace(currency="USD"): BalanceMove(reserved=-40)}))
    assert [balance.currency for balance in await store.load_balances()] == ["EUR"]
    await commit(store, Changes(money={ACME._replace(currency="USD"): BalanceMove(reserved=40)}))
    assert [balance.currency for balance in await store.load_balances()] == ["USD"]


async def test_history_that_is_dropped_leaves_its_charges(store: Store) -> None:
    """The days' charges stay, and what no message shows any more is known."""
    await commit(store, Changes(new_messages=[message(seq, accounted=IN_LEDGER) for seq in (1, 2)]))
    money = {ACME: BalanceMove(charged=62_000, messages=2)}
    await commit(store, Changes(finished=[finished(1), finished(2)._replace(done_at=NOW + 9_000)], money=money))
    assert await store.drop_history(NOW + 5_000, 10) == 1
    assert await store.find_charges("acme", 0) == [DayCharges("acme", DAY, 62_000, 2)]
    assert await balance_of(store) == (0, 62_000, 0)
