"""Events and what endpoints are owed of them in the database: their part of a group, and what the store is asked."""

from collections import Counter
from collections.abc import Mapping, Sequence

import apsw

from smsagg.model import Event, EventDelivery
from smsagg.store.base import Changes
from smsagg.store.sqlite.statements import Execute, ManyRows


def _of(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in columns)


_EVENT = ", ".join(Event._fields)
_DELIVERY = ", ".join(EventDelivery._fields)
_WIDTH = len(EventDelivery._fields)
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
    SELECT {_of("d", EventDelivery._fields)}, {_of("e", Event._fields)}
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
_SPAN = "SELECT coalesce(min(event_id), 1) - 1, coalesce(max(event_id), 0) FROM events"
_LATEST_BETWEEN = """
    SELECT event_id, at FROM events WHERE event_id > ? AND event_id <= ? ORDER BY event_id DESC LIMIT 1
"""
_OWED = "SELECT event_id FROM event_deliveries WHERE endpoint = ? LIMIT ?"
_COUNT_OWED = f"SELECT count(*) FROM ({_OWED})"


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
    return [(EventDelivery(*row[:_WIDTH]), Event(*row[_WIDTH:])) for row in rows]


def next_event_due(cursor: apsw.Cursor, after: str, limit: int) -> dict[str, int]:
    """One look-up for each endpoint, however much it is owed."""
    due: dict[str, int] = {}
    endpoint = after
    while len(due) < limit and (found := cursor.execute(_NEXT_DUE, (endpoint,)).fetchone()) is not None:
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
    ids = _ids_of(cursor, account, after, limit, kinds)
    sql = f"SELECT {_EVENT} FROM events WHERE event_id IN ({_marks(ids)}) ORDER BY event_id"
    return [Event(*row) for row in cursor.execute(sql, ids)]


def _ids_of(cursor: apsw.Cursor, account: str, after: int, limit: int, kinds: Sequence[str]) -> list[int]:
    ids: list[int] = []
    for kind in dict.fromkeys(kinds or _kinds_of(cursor, account)):
        ids += [row[0] for row in cursor.execute(_IDS_OF_KIND, (account, kind, after, limit))]
    return sorted(ids)[:limit]


def last_event_before(cursor: apsw.Cursor, at: int) -> int:
    """By halving: up to ``low`` all are before that instant, behind ``high`` none is."""
    low, high = _one(cursor, _SPAN)
    while low < high:
        middle = (low + high + 1) // 2
        found = cursor.execute(_LATEST_BETWEEN, (low, middle)).fetchone()
        if found is None or found[1] < at:
            low = middle
        else:
            high = found[0] - 1
    return low


def owe_events(
    cursor: apsw.Cursor, endpoint: str, account: str, kinds: Sequence[str], after: int, up_to: int, limit: int
) -> tuple[int, int]:
    ids = [event_id for event_id in _ids_of(cursor, account, after, limit, kinds) if event_id <= up_to]
    _PUT_DELIVERIES.execute(cursor.execute, [EventDelivery(endpoint, event_id) for event_id in ids])
    return len(ids), ids[-1] if len(ids) == limit else 0


def count_owed_events(cursor: apsw.Cursor, endpoint: str, limit: int) -> int:
    return int(_one(cursor, _COUNT_OWED, (endpoint, limit))[0])


def forgive_events(cursor: apsw.Cursor, endpoint: str, limit: int) -> int:
    ids = [row[0] for row in cursor.execute(_OWED, (endpoint, limit))]
    _DELETE_DELIVERIES.execute(cursor.execute, [(endpoint, event_id) for event_id in ids])
    return len(ids)


def _kinds_of(cursor: apsw.Cursor, account: str) -> list[str]:
    """Those that its events are of: a look-up for each."""
    kinds: list[str] = []
    while (found := cursor.execute(_NEXT_KIND, (account, kinds[-1] if kinds else "")).fetchone()) is not None:
        kinds.append(found[0])
    return kinds


def drop_events(cursor: apsw.Cursor, before: int, limit: int) -> tuple[int, Mapping[str, int]]:
    """Events stand in the order of time but for a clock that was set back, which only delays the younger."""
    old = [row[0] for row in cursor.execute(_OLD, (limit, before))]
    owed: Counter[str] = Counter()
    if old:
        text = f"DELETE FROM event_deliveries WHERE event_id IN ({_marks(old)}) RETURNING endpoint"
        owed.update(row[0] for row in cursor.execute(text, old))
        cursor.execute(f"DELETE FROM events WHERE event_id IN ({_marks(old)})", old)
    return len(old), owed


def _one(cursor: apsw.Cursor, text: str, bindings: Sequence[object] = ()) -> tuple[int, ...]:
    return next(cursor.execute(text, bindings))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
