"""The register: what is kept by name, each change with its audit record."""

from collections.abc import Mapping
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.directory.audit import Actor, AuditSought, first_break
from smsagg.engine.directory import register as module
from smsagg.engine.directory.register import ABSENT, Register, tag_of
from smsagg.errors import RegisterFull, StaleValue, StoreFailed
from smsagg.store.memory import MemoryStore
from smsagg.testing.clock import FakeClock

ANN = Actor("user:ann", "", "192.0.2.1")
Heard = list[tuple[str, Mapping[str, Any] | None]]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def register(store: MemoryStore) -> Register:
    return Register(store, FakeClock())


async def actions(store: MemoryStore) -> list[tuple[str, str, str]]:
    records, _ = await store.find_audit(AuditSought(), 0, 100)
    assert first_break(records[::-1], await store.audit_head()) is None
    return [(record.entry.action, record.entry.subject, record.entry.details) for record in records[::-1]]


async def test_each_change_is_kept_told_and_recorded(store: MemoryStore, register: Register) -> None:
    """Followers hear of what there is, then of each change; another life finds the same."""
    await register.put(ANN, "sender", "acme/ACME", {"status": "pending", "note": "ours"})
    heard: Heard = []
    register.follow("sender", lambda key, value: heard.append((key, value)))
    await register.put(ANN, "sender", "acme/ACME", {"status": "approved", "note": "ours"}, action="sender.approve")
    await register.put(ANN, "sender", "acme/B", {"status": "pending"}, details={"status": "pending"})
    assert await register.delete(ANN, "sender", "acme/B")
    assert not await register.delete(ANN, "sender", "acme/B")
    approved = ("acme/ACME", {"status": "approved", "note": "ours"})
    assert heard[0] == ("acme/ACME", {"status": "pending", "note": "ours"})
    assert heard[1:] == [approved, ("acme/B", {"status": "pending"}), ("acme/B", None)]
    assert await actions(store) == [
        ("sender.put", "acme/ACME", '{"changed":["note","status"]}'),
        ("sender.approve", "acme/ACME", '{"changed":["status"]}'),
        ("sender.put", "acme/B", '{"status":"pending"}'),
        ("sender.delete", "acme/B", "{}"),
    ]
    again, found = Register(store, FakeClock()), []
    again.follow("sender", lambda key, value: found.append((key, value)))
    await again.load()
    assert found == [approved]
    assert again.all("sender", "acme/") == dict(found)
    assert again.all("sender", "acm/") == {}


async def test_what_the_store_refuses_changes_nothing(store: MemoryStore, register: Register) -> None:
    """J18: the caller is told; memory, followers and the trail are as before, and the next change works."""
    heard: Heard = []
    register.follow("sender", lambda key, value: heard.append((key, value)))
    await register.put(ANN, "sender", "a", {"n": 1})
    store.fail_next(StoreFailed("no medium"), 3)
    with pytest.raises(StoreFailed):
        await register.put(ANN, "sender", "a", {"n": 2})
    with pytest.raises(StoreFailed):
        await register.delete(ANN, "sender", "a")
    with pytest.raises(StoreFailed):
        await register.note(ANN, "carrier.drain", "alpha", {})
    assert register.get("sender", "a") == {"n": 1}
    assert heard == [("a", {"n": 1})]
    await register.put(ANN, "sender", "a", {"n": 3})
    assert [action for action, _, _ in await actions(store)] == ["sender.put", "sender.put"]


async def test_nobody_changes_what_another_has_changed_meanwhile(register: Register) -> None:
    """A tag tells the value that was seen; of two that saw the same one loses."""
    await register.put(ANN, "sender", "a", {"n": 1}, tag=ABSENT)
    seen = tag_of(register.get("sender", "a"))
    lost: list[str] = []

    async def change(n: int) -> None:
        try:
            await register.put(ANN, "sender", "a", {"n": n}, tag=seen)
        except StaleValue:
            lost.append(str(n))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(change, 2)
        nursery.start_soon(change, 3)
    assert len(lost) == 1
    with pytest.raises(StaleValue):
        await register.delete(ANN, "sender", "a", tag=seen)
    with pytest.raises(StaleValue):
        await register.put(ANN, "sender", "a", {}, tag=ABSENT)


async def test_a_change_that_is_cancelled_is_made_whole_or_not_at_all(store: MemoryStore, register: Register) -> None:
    """What is with the store is waited for; what waits for its turn is not begun."""
    store.hold()
    callers: list[trio.CancelScope] = []

    async def put(key: str) -> None:
        with trio.CancelScope() as caller:
            callers.append(caller)
            await register.put(ANN, "sender", key, {"n": 1})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put, "a")
        await wait_all_tasks_blocked()
        nursery.start_soon(put, "b")
        await wait_all_tasks_blocked()
        for caller in callers:
            caller.cancel()
        await wait_all_tasks_blocked()
        store.release()
    assert register.get("sender", "a") == {"n": 1}
    assert register.get("sender", "b") is None
    assert [subject for _, subject, _ in await actions(store)] == ["a"]


async def test_a_kind_is_bounded(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the bound nothing new is taken, what is there can change."""
    monkeypatch.setattr(module, "ENTRIES_MAX", 1)
    await register.put(ANN, "sender", "a", {"n": 1})
    with pytest.raises(RegisterFull):
        await register.put(ANN, "sender", "b", {"n": 1})
    await register.put(ANN, "sender", "a", {"n": 2})
    await register.put(ANN, "key", "b", {"n": 1})
