"""Messages that wait in the store alone: found by their addresses, claimed by key, replaced; on both stores."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from store_records import NOW, delivery, finished, message, update

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreError, StoreFailed
from smsagg.model import FROZEN_UNTIL, HELD_UNTIL, MessageState
from smsagg.store.base import Changes, QueuedMatch, ReplacedMessage, Store
from smsagg.store.memory import MemoryStore
from smsagg.store.sqlite.store import open_sqlite_store

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]
MATCH = QueuedMatch("acme", "ACME", "447700900123", None)


@asynccontextmanager
async def open_memory() -> AsyncIterator[Store]:
    yield MemoryStore()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: Any, tmp_path: Path) -> AsyncIterator[Store]:
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"))
    open_store: OpenStore = open_memory if request.param == "memory" else lambda: open_sqlite_store(settings)
    async with open_store() as opened:
        yield opened


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


def waiting(seq: int, **values: Any) -> Any:
    fields = {"source_addr": "ACME", "destination_addr": "447700900123", "parked": True} | values
    return message(seq, **fields)


async def test_what_waits_is_found_by_its_addresses(store: Store) -> None:
    """Parked and QUEUED, of that account, from and to these addresses; by seq, a part at a time."""
    others = [
        waiting(10, account="other"),
        waiting(11, source_addr="X"),
        waiting(12, destination_addr="447700900223"),
        waiting(13, parked=False),
        waiting(14, state=MessageState.ENROUTE),
    ]
    await commit(store, Changes(new_messages=[*others, *(waiting(seq) for seq in range(1, 6))]))
    found = await store.find_queued(MATCH, 3)
    assert [m.seq for m in found] == [1, 2, 3]
    assert [m.seq for m in await store.find_queued(MATCH, 3, after_seq=3)] == [4, 5]
    assert all(m.parked for m in found)
    assert [m.seq for m in await store.find_queued(MATCH, 9)] == [1, 2, 3, 4, 5]


async def test_a_service_type_narrows_what_is_found(store: Store) -> None:
    """``None`` is any; the empty one is one of its own."""
    await commit(store, Changes(new_messages=[waiting(1, service_type="CMT"), waiting(2, service_type="")]))
    for service_type, seqs in ((None, [1, 2]), ("CMT", [1]), ("", [2]), ("VMN", [])):
        match = MATCH._replace(service_type=service_type)
        assert [m.seq for m in await store.find_queued(match, 9)] == seqs


@pytest.mark.parametrize("destination", ["1", "", "12", "+447700900123"])
async def test_odd_destinations_are_found_too(store: Store, destination: str) -> None:
    """Shorter than what the index looks at."""
    await commit(store, Changes(new_messages=[waiting(1, destination_addr=destination)]))
    found = await store.find_queued(MATCH._replace(destination_addr=destination), 9)
    assert [m.seq for m in found] == [1]


async def test_messages_are_claimed_by_key(store: Store) -> None:
    """Those that are parked and QUEUED, once; they are parked no more."""
    messages = [waiting(seq) for seq in range(1, 101)]
    await commit(store, Changes(new_messages=[*messages, waiting(101, parked=False)]))
    claimed = await store.claim_by_key([*range(50, 102), 999])
    assert sorted(m.seq for m in claimed) == list(range(50, 101))
    assert not any(m.parked for m in claimed)
    assert await store.claim_by_key([50, 51]) == []
    assert len(await store.find_queued(MATCH, 200)) == 49


async def test_messages_of_a_range_are_found_live_and_over(store: Store) -> None:
    """By seq, whatever became of them."""
    await commit(store, Changes(new_messages=[waiting(seq) for seq in range(1, 7)]))
    await commit(store, Changes(finished=[finished(3), finished(5)]))
    assert [m.seq for m in await store.find_messages(2, 4)] == [2, 3, 4, 5]


async def test_a_replaced_message_has_the_new_text(store: Store) -> None:
    """In the group in which it came, in a later one, and as part of history."""
    replaced = ReplacedMessage(1, 2, b"new", False, NOW + 7, NOW + 8)
    store.write(Changes(new_messages=[waiting(1)]))
    await commit(store, Changes(replaced=[replaced._replace(body=b"first")]))
    found = await store.find_message(1)
    assert found is not None
    assert found.body == b"first"
    await commit(store, Changes(replaced=[replaced], message_updates=[update(1, state=MessageState.QUEUED)]))
    await commit(store, Changes(finished=[finished(1)]))
    over = await store.find_message(1)
    assert over is not None
    assert (over.body, over.registered_delivery, over.in_payload) == (b"new", 2, False)
    assert (over.not_before, over.expires_at) == (NOW + 7, NOW + 8)


async def test_what_ends_with_a_new_message_is_committed_with_it(store: Store) -> None:
    """The new one is live, the old one history, and its receipt is owed."""
    await commit(store, Changes(new_messages=[waiting(1)]))
    store.write(Changes(new_messages=[waiting(3)]))
    both = Changes(new_messages=[waiting(2)], finished=[finished(1)], new_deliveries=[delivery(1, parked=True)])
    await commit(store, both)
    assert [m.seq for m in await store.find_queued(MATCH, 9)] == [2, 3]
    assert len(await store.claim_deliveries("acme", NOW + 10_000_000, 9)) == 1


async def test_what_ends_with_a_new_message_is_refused_with_it() -> None:
    """A commit that fails leaves the old one as it was."""
    store = MemoryStore()
    await commit(store, Changes(new_messages=[waiting(1)]))
    store.fail_next(StoreFailed("disk"))
    told: list[StoreError | None] = []
    changes = Changes(new_messages=[waiting(2)], finished=[finished(1)], new_deliveries=[delivery(1)])
    store.write(changes, told.append)
    await store.flush()
    assert isinstance(told[0], StoreFailed)
    assert [m.seq for m in await store.find_queued(MATCH, 9)] == [1]
    assert store.tables.deliveries == {}
    assert store.failing is None


async def test_held_messages_are_found_by_what_holds_them(store: Store) -> None:
    """By seq, a part at a time, of one account or of all; no others."""
    held = [waiting(seq, next_attempt_at=HELD_UNTIL, account="acme" if seq % 2 else "other") for seq in range(1, 8)]
    others = [waiting(10), waiting(11, next_attempt_at=FROZEN_UNTIL), waiting(12, parked=False)]
    await commit(store, Changes(new_messages=[*held, *others]))
    assert [m.seq for m in await store.find_held(HELD_UNTIL, 3)] == [1, 2, 3]
    assert [m.seq for m in await store.find_held(HELD_UNTIL, 9, after_seq=3)] == [4, 5, 6, 7]
    assert [m.seq for m in await store.find_held(HELD_UNTIL, 9, account="other")] == [2, 4, 6]
    assert [m.seq for m in await store.find_held(FROZEN_UNTIL, 9)] == [11]


async def test_held_messages_stay_so_when_the_store_recovers(store: Store) -> None:
    """K05: a restart makes nothing due that waits for a word; what a clock set back had planned late is due now."""
    held = [waiting(1, next_attempt_at=HELD_UNTIL), waiting(2, next_attempt_at=FROZEN_UNTIL)]
    await commit(store, Changes(new_messages=[*held, waiting(3, next_attempt_at=NOW + 10**9)]))
    await store.recover(NOW + 5, NOW + 10**6)
    assert [m.seq for m in await store.find_held(HELD_UNTIL, 9)] == [1]
    assert [m.seq for m in await store.find_held(FROZEN_UNTIL, 9)] == [2]
    (message,) = await store.claim_messages("gb", NOW + 5, 9)
    assert message.seq == 3
    assert await store.claim_messages("gb", NOW + 10**10, 9) == []
