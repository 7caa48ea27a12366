"""What every store promises of parts of long messages and their groups."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import attrs
import pytest
from store_records import NOW, finished, group, group_update, message, new, parts, update

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.model import MessageState, PartGroup, PartReceipts
from smsagg.store.base import Changes, Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import open_sqlite_store

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


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as opened:
        yield opened


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


def same(found: PartGroup | None, expected: PartGroup) -> bool:
    return found is not None and attrs.asdict(found) == attrs.asdict(expected)


async def test_a_part_comes_with_its_group_as_it_was(store: Store) -> None:
    """Every field of the group comes back, and a message that is alone has none."""
    await commit(store, parts(7, 7))
    await commit(store, new(8))
    part, alone = await store.find_message(7), await store.find_message(8)
    assert part is not None
    assert (part.group_seq, part.part_number) == (7, 1)
    assert same(part.group, group(7))
    assert isinstance(part.group.receipts, PartReceipts)  # type: ignore[union-attr]
    assert part.group.is_split is False  # type: ignore[union-attr]
    assert alone is not None
    assert (alone.group_seq, alone.part_number, alone.group) == (0, 0, None)


async def test_parts_that_come_later_are_added_to_their_group(store: Store) -> None:
    """``received`` counts up, ``numbers`` are joined, the highest registered_delivery stands, all else stays."""
    await commit(store, parts(1, 1))
    await commit(store, Changes(group_updates=[group_update(1)]))
    later = group(1, received=2, numbers=0b1100, registered_delivery=2, excerpt=b"other", closes_at=NOW)
    await commit(store, Changes(new_messages=[message(2, group_seq=1), message(3, group_seq=1)], new_parts=[later]))
    found = await store.find_message(3)
    expected = group(1, received=3, numbers=0b1110, registered_delivery=2)
    assert found is not None
    assert same(found.group, attrs.evolve(expected, **group_update(1)._asdict()))


async def test_parts_of_one_answer_share_their_group(store: Store) -> None:
    """Claimed, found by carrier id, expired, live or in history: one object for each group."""
    await commit(store, parts(1, 1, 2, parked=True))
    await commit(store, parts(3, 3, parked=True))
    claimed = await store.claim_messages("gb", NOW + 10, 10)
    assert [part.seq for part in claimed] == [1, 2, 3]
    assert claimed[0].group is claimed[1].group
    assert claimed[2].group is not claimed[0].group
    await commit(store, Changes(message_updates=[update(1), update(2, carrier_message_id="c1")]))
    both = await store.find_by_carrier_id("alpha", ["c1"])
    assert [part.seq for part in both] == [1, 2]
    assert both[0].group is both[1].group is not None
    expired = await store.find_expired(NOW + 90_000_000, 10)
    assert expired[0].group is expired[1].group is not None
    await commit(store, Changes(finished=[finished(1)], group_updates=[group_update(1)]))
    over = await store.find_message(1)
    assert over is not None
    assert same(over.group, group(received=2, **group_update(1)._asdict()))


async def test_the_parts_of_a_split_message_are_found_by_number(store: Store) -> None:
    """Those that are live, and no neighbours."""
    await commit(store, parts(5, 5, 6, 7))
    await commit(store, new(4, 8))
    await commit(store, Changes(finished=[finished(6)]))
    found = await store.find_parts(5)
    assert [part.part_number for part in found] == [1, 3]
    assert found[0].group is found[1].group is not None
    assert await store.find_parts(8) == []


async def test_groups_that_miss_parts_are_told_when_they_close(store: Store) -> None:
    """Once all that came have ended, and not before the instant; a group that is whole or over is none of them."""
    await commit(store, parts(1, 1))
    await commit(store, parts(10, 10, 11, 12))
    await commit(store, parts(20, 20))
    await commit(store, parts(30, 30))
    await commit(store, Changes(group_updates=[group_update(1), group_update(10), group_update(30, done_at=NOW)]))
    assert await store.find_closed_groups(NOW + 60_000, 10) == []
    assert [found.group_seq for found in await store.find_closed_groups(NOW + 60_001, 10)] == [1]
    await commit(store, Changes(group_updates=[group_update(20)]))
    assert len(await store.find_closed_groups(NOW + 60_001, 10)) == 2
    assert len(await store.find_closed_groups(NOW + 60_001, 1)) == 1


async def test_recovery_tells_of_groups_that_miss_parts(open_store: OpenStore) -> None:
    """Whether or not those that came have ended; and messages in doubt come with their group."""
    async with open_store() as store:
        await commit(store, parts(1, 1))
        await commit(store, parts(10, 10, 11, 12))
        await commit(store, parts(20, 20, state=MessageState.SENDING))
        await commit(store, Changes(group_updates=[group_update(20, done_at=NOW)]))
    async with open_store() as store:
        recovered = await store.recover(NOW)
        assert [found.group_seq for found in recovered.open_groups] == [1]
        assert same(recovered.open_groups[0], group(1))
        assert [part.seq for part in recovered.in_doubt] == [20]
        assert recovered.in_doubt[0].group is not None


async def test_old_groups_are_dropped_with_history(store: Store) -> None:
    """Those that were over before the instant; one that is not over stays, however old."""
    for group_seq in (1, 2, 3):
        await commit(store, parts(group_seq, group_seq))
        await commit(store, Changes(finished=[finished(group_seq, done_at=NOW)]))
    await commit(store, Changes(group_updates=[group_update(1, done_at=NOW), group_update(3, done_at=NOW + 9)]))
    assert await store.drop_history(NOW, 10) == 0
    assert await store.drop_history(NOW + 1, 2) == 2
    kept = await store.find_message(3)
    assert kept is not None
    assert kept.group is not None
    await commit(store, new(4, group_seq=1))
    await commit(store, new(5, group_seq=2))
    dropped, open_still = await store.find_message(4), await store.find_message(5)
    assert dropped is not None
    assert dropped.group is None
    assert open_still is not None
    assert open_still.group is not None


async def test_refused_parts_leave_no_group() -> None:
    """Parts and their group are refused together."""
    store = MemoryStore()
    store.fail_next(StoreFailed("disk"))
    store.write(parts(1, 1))
    with pytest.raises(StoreFailed):
        await store.find_message(1)
    assert await store.find_message(1) is None
    assert store.tables.groups == {}
