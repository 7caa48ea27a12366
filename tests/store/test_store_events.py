"""What every store promises about events and what endpoints are owed of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_records import NOW, new

from smsagg.config.schema import StoreSettings
from smsagg.model import Event, EventDelivery
from smsagg.store.base import Changes, Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import events as sqlite_events
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.schema import load_migrations, migrate

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]
EVENTS = [
    Event(1, "acme", "message.queued", NOW, "m1", b"{}"),
    Event(2, "acme", "message.delivered", NOW + 10, "m1", b"{}"),
    Event(3, "other", "message.queued", NOW + 20, "m2", b"{}"),
    Event(4, "acme", "message.queued", NOW + 30, "m3", b"{}"),
]


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


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


async def test_events_are_found_in_order_by_account_message_and_kind(open_store: OpenStore) -> None:
    """Pages go on after the last id; nobody sees another's; the highest id is known at the next start."""
    async with open_store() as store:
        changes = new(1)
        changes.events = list(EVENTS)
        await commit(store, changes)
    async with open_store() as store:
        assert (await store.recover(NOW)).last_event_id == 4
        assert [e.event_id for e in await store.find_events("acme", 0, 2)] == [1, 2]
        assert await store.find_events("acme", 2, 10) == [EVENTS[3]]
        assert await store.find_events("acme", 0, 10, kinds=["message.delivered"]) == [EVENTS[1]]
        assert [e.event_id for e in await store.find_events("acme", 0, 10, message_id="m1")] == [1, 2]
        assert await store.find_events("acme", 0, 10, message_id="m2") == []


async def test_what_is_owed_comes_when_due_until_it_is_done(open_store: OpenStore) -> None:
    """In the order of their times; a later attempt replaces the one before."""
    async with open_store() as store:
        owed = [EventDelivery("acme/a", 1), EventDelivery("acme/a", 2, 0, NOW), EventDelivery("acme/b", 1)]
        await commit(store, Changes(events=list(EVENTS), event_deliveries=owed))
        assert [d.event_id for d, _ in await store.due_events("acme/a", NOW, 10)] == [1, 2]
        again = EventDelivery("acme/a", 1, 1, NOW + 5)
        await commit(store, Changes(event_deliveries=[again], done_event_deliveries=[("acme/b", 1)]))
        assert await store.due_events("acme/a", NOW, 10) == [(owed[1], EVENTS[1])]
        assert await store.next_event_due() == {"acme/a": NOW}
        assert await store.due_events("acme/a", NOW + 5, 10) == [(owed[1], EVENTS[1]), (again, EVENTS[0])]


async def test_endpoints_that_are_owed_something_are_told_in_pages(open_store: OpenStore) -> None:
    """By name; a callback has its own URL with what is owed."""
    async with open_store() as store:
        callback = EventDelivery("acme/https://cb.example:443", 2, 0, NOW, "https://cb.example/m?id=1")
        owed = [EventDelivery("acme/b", 1), callback, EventDelivery("acme/a", 1, 2, NOW)]
        await commit(store, Changes(events=list(EVENTS), event_deliveries=owed))
        assert await store.next_event_due(limit=2) == {"acme/a": NOW, "acme/b": 0}
        assert await store.next_event_due("acme/b", 2) == {callback.endpoint: NOW}
        assert await store.due_events(callback.endpoint, NOW, 9) == [(callback, EVENTS[1])]


async def test_events_of_a_span_are_owed_again_once(open_store: OpenStore) -> None:
    """In bounded steps, of some kinds; what is owed already is due now, and still owed once."""
    async with open_store() as store:
        owed = [EventDelivery("acme/a", 1, 5, NOW + 99)]
        await commit(store, Changes(events=list(EVENTS), event_deliveries=owed))
        up_to = await store.last_event_before(NOW + 30)
        assert await store.owe_events("acme/a", "acme", ["message.queued"], 0, up_to, 9) == (1, 0)
        assert await store.due_events("acme/a", NOW, 9) == [(EventDelivery("acme/a", 1), EVENTS[0])]
        assert await store.owe_events("acme/a", "acme", (), 0, 4, 2) == (2, 2)
        assert await store.owe_events("acme/a", "acme", (), 2, 4, 2) == (1, 0)
        assert await store.count_owed_events("acme/a", 9) == 3
        assert await store.count_owed_events("acme/a", 2) == 2
        assert await store.forgive_events("acme/a", 2) == 2
        assert await store.forgive_events("acme/a", 2) == 1
        assert await store.next_event_due() == {}


@given(
    gaps=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=40),
    asked=st.integers(-2, 130),
)
def test_the_last_event_before_an_instant_is_found_by_halving(gaps: list[tuple[int, int]], asked: int) -> None:
    """Whatever ids are missing, and however many events an instant has."""
    connection = apsw.Connection(":memory:")
    migrate(connection, load_migrations())
    event_id, at, noted = 0, 0, []
    for step, later in gaps:
        event_id, at = event_id + step, at + later
        noted.append(Event(event_id, "acme", "message.sent", at, "", b"{}"))
    if noted:
        sqlite_events.apply_events(connection.cursor().execute, Changes(events=noted))
    last = sqlite_events.last_event_before(connection.cursor(), asked)
    assert [event for event in noted if event.event_id <= last] == [event for event in noted if event.at < asked]


async def test_old_events_go_with_what_is_owed_of_them(open_store: OpenStore) -> None:
    """In bounded steps, the oldest first."""
    async with open_store() as store:
        owed = [EventDelivery("acme/a", event_id) for event_id in (1, 2, 4)]
        await commit(store, Changes(events=list(EVENTS), event_deliveries=owed))
        assert await store.drop_events(NOW + 21, 2) == (2, {"acme/a": 2})
        assert await store.drop_events(NOW + 21, 2) == (1, {})
        assert await store.drop_events(NOW + 21, 2) == (0, {})
        assert await store.next_event_due() == {"acme/a": 0}
        assert [d.event_id for d, _ in await store.due_events("acme/a", NOW, 9)] == [4]
