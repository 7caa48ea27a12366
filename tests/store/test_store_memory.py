"""The memory store's medium, held back and failing on demand."""

import pytest
from store_records import NOW, finished, message, new, update

from smsagg.errors import StoreError, StoreFailed, StoreFull
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore

Told = list[tuple[str, StoreError | None]]


def written(store: MemoryStore, told: Told, name: str, changes: Changes) -> None:
    store.write(changes, lambda error: told.append((name, error)))


async def test_held_commits_wait_for_their_release() -> None:
    """While the medium is held nothing is reported or visible."""
    store = MemoryStore()
    told: Told = []
    store.hold()
    written(store, told, "one", new(1))
    written(store, told, "two", Changes(message_updates=[update(1)]))
    assert store.statistics.queued_changes == 2
    assert not store.tables.messages
    store.release()
    await store.flush()
    assert told == [("one", None), ("two", None)]


async def test_a_failed_commit_refuses_and_retries() -> None:
    """New messages and questions are told of the failure; owed writes are committed in order afterwards."""
    store = MemoryStore()
    told: Told = []
    error = StoreFull("full")
    written(store, told, "one", new(1))
    await store.flush()
    store.fail_next(error, commits=2)
    written(store, told, "two", new(2))
    written(store, told, "update", Changes(message_updates=[update(1)]))
    written(store, told, "finish", Changes(finished=[finished(1)]))
    with pytest.raises(StoreFull):
        await store.find_message(1)
    assert store.failing is error
    await store.flush()
    assert store.failing is None
    assert told == [("one", None), ("two", error), ("update", None), ("finish", None)]
    assert sorted(store.tables.history) == [1]
    assert store.statistics.commit_failures == 2


async def test_a_broken_medium_refuses_until_it_is_repaired() -> None:
    """While something owed is unwritten new messages are refused, later and not within the call."""
    store = MemoryStore()
    told: Told = []
    error = StoreFailed("broken")
    store.break_down(error)
    written(store, told, "owed", Changes(done_deliveries=[1]))
    with pytest.raises(StoreFailed):
        await store.claim_messages("gb", NOW, 1)
    written(store, told, "new", new(1))
    assert told == []
    with pytest.raises(StoreFailed):
        await store.next_due()
    assert told == [("new", error)]
    store.repair()
    await store.flush()
    assert told == [("new", error), ("owed", None)]


async def test_records_are_not_shared_with_the_caller() -> None:
    """What the engine changes in its own copy does not reach the store, nor the other way."""
    store = MemoryStore()
    mine = message(1)
    store.write(Changes(new_messages=[mine]))
    await store.flush()
    mine.attempts = 99
    found = await store.find_message(1)
    assert found is not None
    assert found.attempts == 0
    found.attempts = 98
    again = await store.find_message(1)
    assert again is not None
    assert again.attempts == 0
