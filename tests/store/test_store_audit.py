"""What every store promises about the audit trail."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from store_records import NOW, new
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import StoreSettings
from smsagg.directory.audit import EMPTY, AuditEntry, AuditRecord, AuditSought, first_break
from smsagg.errors import StoreError, StoreFailed
from smsagg.store.base import Changes, EntityUpdate, Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.connection import Seams
from smsagg.testing.faulty_vfs import FaultyVfs, sync_error

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["sqlite", "memory"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same durable data each time that it is called."""
    tables = Tables()
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[Store]:
        store = MemoryStore(tables)
        yield store
        await store.flush()

    return open_memory if request.param == "memory" else lambda: open_sqlite_store(settings)


def entry(at: int = NOW, actor: str = "user:ann", account: str = "acme", subject: str = "acme/ACME") -> AuditEntry:
    return AuditEntry(at, actor, "", "192.0.2.1", account, "sender.put", subject, "{}")


async def trail(store: Store, sought: AuditSought = AuditSought()) -> list[AuditRecord]:  # noqa: B008 (immutable)
    records, before = await store.find_audit(sought, 0, 100)
    assert before == 0
    return records[::-1]


async def commit(store: Store, *entries: AuditEntry) -> None:
    store.write(Changes(audit=list(entries)))
    await store.flush()


async def test_records_are_chained_over_groups_and_restarts(open_store: OpenStore) -> None:
    """Those of one transaction, of calls that are committed together, and of another life make one chain."""
    async with open_store() as store:
        assert await store.audit_head() == EMPTY
        store.write(Changes(audit=[entry(NOW), entry(NOW + 1)]))
        store.write(new(1))
        store.write(Changes(audit=[entry(NOW + 2)]))
        await store.flush()
    async with open_store() as store:
        await commit(store, entry(NOW + 3))
        records = await trail(store)
        assert [record.entry.at - NOW for record in records] == [0, 1, 2, 3]
        assert first_break(records, await store.audit_head()) is None


async def test_records_are_found_by_what_they_say(open_store: OpenStore) -> None:
    """By account, actor, subject and time, the newest first, in pages."""
    async with open_store() as store:
        await commit(store, entry(), entry(actor="key:crm"), entry(account="other", subject="other/X"), entry(NOW + 9))
        assert [r.seq for r in await trail(store, AuditSought(account="acme"))] == [1, 2, 4]
        assert [r.seq for r in await trail(store, AuditSought(actor="key:crm", account="acme"))] == [2]
        assert [r.seq for r in await trail(store, AuditSought(subject="other/X"))] == [3]
        assert [r.seq for r in await trail(store, AuditSought(since=NOW + 9))] == [4]
        first, before = await store.find_audit(AuditSought(account="acme"), 0, 2)
        rest, end = await store.find_audit(AuditSought(account="acme"), before, 2)
        assert ([r.seq for r in first], [r.seq for r in rest], end) == ([4, 2], [1], 0)


async def test_a_change_that_cannot_be_recorded_is_not_made() -> None:
    """J18: it is told, also while the store fails on, and nothing of it is there; what is owed is kept."""
    store = MemoryStore()
    told: list[StoreError | None] = []
    audited = [EntityUpdate("register", "a/b", b"{}")]
    store.break_down(StoreFailed("no medium"))
    store.write(Changes(entities=audited, audit=[entry()]), told.append)
    store.write(Changes(entities=[EntityUpdate("lease", "c", b"{}")]))
    with pytest.raises(StoreFailed):
        await store.audit_head()
    assert store.failing is not None
    store.write(Changes(entities=audited, audit=[entry()]), told.append)
    await wait_all_tasks_blocked()
    store.repair()
    assert await trail(store) == []
    assert [type(error) for error in told] == [StoreFailed, StoreFailed]
    assert await store.load_entities("register") == []
    assert len(await store.load_entities("lease")) == 1


async def test_a_failing_disk_leaves_no_hole(settings: StoreSettings, vfs: FaultyVfs) -> None:
    """J18 on the real store: the refused record is absent, and the next one follows the last that is there."""
    told: list[StoreError | None] = []
    async with open_sqlite_store(settings, Seams(vfs=vfs.name, retry_first_s=0.001)) as store:
        await commit(store, entry(NOW))
        vfs.fail(sync=sync_error, count=1)
        store.write(Changes(entities=[EntityUpdate("register", "a/b", b"{}")], audit=[entry(NOW + 1)]), told.append)
        await store.flush()
        await commit(store, entry(NOW + 2))
        records = await trail(store)
        assert [record.entry.at - NOW for record in records] == [0, 2]
        assert first_break(records, await store.audit_head()) is None
        assert await store.load_entities("register") == []
    assert isinstance(told[0], StoreFailed)


async def test_low_space_keeps_no_operator_from_acting(settings: StoreSettings) -> None:
    """Below ``free_octets_min`` new messages are refused; what must be done about it can be done."""
    low = StoreSettings(path=settings.path, free_octets_min=1 << 20)  # type: ignore[arg-type]
    async with open_sqlite_store(low, Seams(free_octets=lambda _folder: 0)) as store:
        await commit(store, entry())
        assert len(await trail(store)) == 1
