"""Events and what endpoints are owed of them in the database: their part of a group, and what the store is asked."""

from collections.abc import Sequence

import apsw

from smsagg.model import Event, EventDelivery
from smsagg.store.base import Changes
from smsagg.store.sqlite.statements import Execute, ManyRows

_EVENT = ", ".join(Event._fields)
_DELIVERY = ", ".join(EventDelivery._fields)
_INSERT_EVENTS = ManyRows(len(Event._fields), lambda values: f"INSERT INTO events ({_EVENT}) VALUES {values}")
_PUT_DELIVERIES = ManyRows(
    len(EventDelivery._fields),
    lambda values: f"INSERT OR REPLACE INTO event_deliveries ({_DELIVERY}) VALUES {values}",
)
_DELETE_DELIVERIES = ManyRows(
    2, lambda values: f"DELETE FROM event_deliveries WHERE (endpoint, event_id) IN (VALUES {values})"
)
_RAISE_COUNTER = "UPDATE counters SET last_event_id = max(last_event_id, ?)"
_DUE = f"""
    SELECT d.endpoint, d.event_id, d.attempts, d.next_attempt_at, {", ".join("e." + name for name in Event._fields)}
    FROM event_deliveries AS d INDEXED BY event_deliveries_due JOIN events AS e ON e.event_id = d.event_id
    WHERE d.endpoint = ? AND d.next_attempt_at <= ? ORDER BY d.next_attempt_at, d.event_id LIMIT ?
"""
_NEXT_DUE = """
    SELECT endpoint, next_attempt_at FROM event_deliveries INDEXED BY event_deliveries_due
    WHERE endpoint > ? ORDER BY endpoint, next_attempt_at LIMIT 1
"""
_OLD = "SELECT event_id FROM (SELECT event_id, at FROM events ORDER BY event_id LIMIT ?) WHERE at < ?"
_OF_MESSAGE = f"""
    SELECT {_EVENT} FROM events INDEXED BY events_of_message
    WHERE message_id = ? AND message_id <> '' AND account = ? AND event_id > ?
"""
_IDS_OF_KIND = """
    SELECT event_id FROM events INDEXED BY events_of_account
    WHERE account = ? AND kind = ? AND event_id > ? ORDER BY event_id LIMIT ?
"""
_NEXT_KIND = """
    SELECT kind FROM events INDEXED BY events_of_account WHERE account = ? AND kind > ? ORDER BY kind LIMIT 1
"""


def apply_events(execute: Execute, changes: Changes) -> None:
    """Write what a group tells."""
    if changes.events:
        _INSERT_EVENTS.execute(execute, changes.events)
        execute(_RAISE_COUNTER, (max(event.event_id for event in changes.events),))
    done = set(changes.done_event_deliveries)
    owed = {delivery[:2]: delivery for delivery in changes.event_deliveries if delivery[:2] not in done}
    _PUT_DELIVERIES.execute(execute, list(owed.values()))
    _DELETE_DELIVERIES.execute(execute, list(done))


def due_events(cursor: apsw.Cursor, endpoint: str, due_by: int, limit: int) -> list[tuple[EventDelivery, Event]]:
    rows = cursor.execute(_DUE, (endpoint, due_by, limit))
    return [(EventDelivery(*row[:4]), Event(*row[4:])) for row in rows]


def next_event_due(cursor: apsw.Cursor) -> dict[str, int]:
    """One look-up for each endpoint, however much it is owed."""
    due: dict[str, int] = {}
    endpoint = ""
    while (found := cursor.execute(_NEXT_DUE, (endpoint,)).fetchone()) is not None:
        endpoint = found[0]
        due[endpoint] = found[1]
    return due


def find_events(
    cursor: apsw.Cursor, account: str, after: int, limit: int, kinds: Sequence[str], message_id: str
) -> list[Event]:
    """Of an account as many index entries as ``limit`` for each kind, however many events there are."""
    if message_id:
        sql = f"{_OF_MESSAGE} AND kind IN ({_marks(kinds)})" if kinds else _OF_MESSAGE
        rows = cursor.execute(f"{sql} ORDER BY event_id LIMIT ?", (message_id, account, after, *kinds, limit))
        return [Event(*row) for row in rows]
    ids: list[int] = []
    for kind in dict.fromkeys(kinds or _kinds_of(cursor, account)):
        ids += [row[0] for row in cursor.execute(_IDS_OF_KIND, (account, kind, after, limit))]
    ids = sorted(ids)[:limit]
    sql = f"SELECT {_EVENT} FROM events WHERE event_id IN ({_marks(ids)}) ORDER BY event_id"
    return [Event(*row) for row in cursor.execute(sql, ids)]


def _kinds_of(cursor: apsw.Cursor, account: str) -> list[str]:
    """Those that its events are of: a look-up for each."""
    kinds: list[str] = []
    while (found := cursor.execute(_NEXT_KIND, (account, kinds[-1] if kinds else "")).fetchone()) is not None:
        kinds.append(found[0])
    return kinds


def drop_events(cursor: apsw.Cursor, before: int, limit: int) -> int:
    """Events stand in the order of time but for a clock that was set back, which only delays the younger."""
    old = [row[0] for row in cursor.execute(_OLD, (limit, before))]
    if old:
        cursor.execute(f"DELETE FROM event_deliveries WHERE event_id IN ({_marks(old)})", old)
        cursor.execute(f"DELETE FROM events WHERE event_id IN ({_marks(old)})", old)
    return len(old)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
