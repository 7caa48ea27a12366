"""What the store is asked, as functions of a cursor inside the writer's transaction."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import apsw

from smsagg.model import FROZEN_UNTIL, IN_LEDGER, Delivery, Message, MessageState, PartGroup
from smsagg.store.base import EnrouteMessage, KeyedAnswer, ParkedReceipt, QueuedMatch, Recovered
from smsagg.store.sqlite import statements
from smsagg.store.sqlite.money import note_dropped
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    GROUP_COLUMNS,
    MESSAGE_OPENED,
    MO_PART_COLUMNS,
    PARKED_RECEIPT_COLUMNS,
    Row,
    delivery_from_row,
    group_from_row,
    message_from_row,
    mo_part_from_row,
    parked_receipt_from_row,
)

_DELIVERY = ", ".join(DELIVERY_COLUMNS)
_GROUP = ", ".join(GROUP_COLUMNS)
_KEYS_AT_ONCE = 32
_PARTS_MAX = 255
_EXPIRED_BY_INDEX_MAX = 10_000

_FIND_KEYED_ANSWER = f"SELECT {', '.join(KeyedAnswer._fields)} FROM keyed_answers WHERE account = ? AND key = ?"
_DROP_KEYED_ANSWERS = """
    DELETE FROM keyed_answers WHERE (account, key) IN (
        SELECT account, key FROM keyed_answers INDEXED BY keyed_answers_age WHERE created_at < ? LIMIT ?
    )
"""
_LOAD_ENTITIES = "SELECT entity_key, value FROM entities WHERE kind = ? ORDER BY entity_key"
_LIST_ENTITIES = "SELECT entity_key, value FROM entities WHERE kind = ? AND entity_key > ? ORDER BY entity_key LIMIT ?"
_FIND_ENTITY = "SELECT entity_key, value FROM entities WHERE kind = ? AND entity_key = ?"

SURVEYED_AT_ONCE = 50_000
_SURVEY = f"""
    SELECT state, account, pool, parked, indexed, sum(reserved), count(*), max(next_attempt_at), max(seq) FROM (
        SELECT seq, state, account, pool, parked, indexed, next_attempt_at,
            iif(accounted & {IN_LEDGER}, price, 0) AS reserved
        FROM messages WHERE seq > ? ORDER BY seq LIMIT ?
    ) GROUP BY state, account, pool, parked, indexed
"""
_IN_CHUNK = "seq > ? AND seq <= ?"
_SCHEDULED_AT = "iif(not_before > accepted_at, not_before, 0)"
_PULL_FORWARD = f"""
    UPDATE messages SET next_attempt_at = max(?, {_SCHEDULED_AT})
    WHERE {_IN_CHUNK} AND state = 0 AND next_attempt_at > max(?, {_SCHEDULED_AT}) AND next_attempt_at < {FROZEN_UNTIL}
"""
_COUNT_DELIVERIES = """
    SELECT account, count(*) FROM deliveries INDEXED BY deliveries_parked WHERE parked = 1 GROUP BY account
"""
_LANES = """
    SELECT priority, next_attempt_at FROM messages INDEXED BY messages_parked
    WHERE parked = 1 AND state = 0 AND pool = ? AND priority < ?
    ORDER BY priority DESC, next_attempt_at LIMIT 1
"""
_CLAIM_LANE = f"""
    SELECT {MESSAGE_OPENED} FROM messages INDEXED BY messages_parked
    WHERE parked = 1 AND state = 0 AND pool = ? AND priority = ? AND next_attempt_at <= ?
    ORDER BY next_attempt_at, seq LIMIT ?
"""
_CLAIM_BY_KEY = f"""
    SELECT {MESSAGE_OPENED} FROM messages WHERE parked = 1 AND state = 0 AND seq IN ({",".join("?" * _KEYS_AT_ONCE)})
"""
_FIND_QUEUED = f"""
    SELECT {MESSAGE_OPENED} FROM messages INDEXED BY messages_parked_destination
    WHERE parked = 1 AND state = 0 AND substr(destination_addr, -2) = substr(?1, -2) AND destination_addr = ?1
    AND account = ?2 AND (?3 IS NULL OR source_addr = ?3) AND (?4 IS NULL OR service_type = ?4) AND seq > ?5
    ORDER BY seq LIMIT ?6
"""
_FIND_HELD = f"""
    SELECT {MESSAGE_OPENED} FROM messages INDEXED BY messages_held
    WHERE parked = 1 AND state = 0 AND next_attempt_at >= {FROZEN_UNTIL}
    AND next_attempt_at = ?1 AND seq > ?2 AND ?3 IN ('', account) ORDER BY seq LIMIT ?4
"""
_POOL_AFTER = """
    SELECT pool FROM messages INDEXED BY messages_parked
    WHERE parked = 1 AND state = 0 AND pool > ? ORDER BY pool LIMIT 1
"""
_ACCOUNT_AFTER = """
    SELECT account, next_attempt_at FROM deliveries INDEXED BY deliveries_parked
    WHERE parked = 1 AND account > ? ORDER BY account, next_attempt_at LIMIT 1
"""
_CLAIM_DELIVERIES = f"""
    SELECT {_DELIVERY} FROM deliveries INDEXED BY deliveries_parked
    WHERE parked = 1 AND account = ? AND next_attempt_at <= ? ORDER BY next_attempt_at, delivery_id LIMIT ?
"""
_BY_CARRIER_ID = f"""
    SELECT {MESSAGE_OPENED} FROM messages INDEXED BY messages_enroute
    WHERE state = 1 AND indexed = 1 AND carrier = ? AND carrier_message_id IN ({",".join("?" * _KEYS_AT_ONCE)})
"""
_ENROUTE_BY_SEQ = f"""
    SELECT {MESSAGE_OPENED} FROM messages
    WHERE state = 1 AND carrier = ? AND seq IN ({",".join("?" * _KEYS_AT_ONCE)})
"""
_MESSAGES_OF_RANGE = f"""
    SELECT {MESSAGE_OPENED} FROM messages WHERE seq >= ? AND seq < ? UNION ALL
    SELECT {MESSAGE_OPENED} FROM history WHERE seq >= ? AND seq < ? ORDER BY seq
"""
_COUNT_EXPIRED = f"""
    SELECT count(*) FROM (SELECT 1 FROM messages INDEXED BY messages_expiry
    WHERE expires_at >= ? AND expires_at < ? LIMIT {_EXPIRED_BY_INDEX_MAX})
"""
_FEW_EXPIRED = f"""
    SELECT {MESSAGE_OPENED} FROM messages WHERE seq IN (
        SELECT seq FROM messages INDEXED BY messages_expiry WHERE expires_at >= ? AND expires_at < ? AND seq > ?
        ORDER BY +seq LIMIT ?
    ) ORDER BY seq
"""
_MANY_EXPIRED = f"""
    SELECT {MESSAGE_OPENED} FROM messages NOT INDEXED
    WHERE expires_at >= ? AND expires_at < ? AND seq > ? ORDER BY seq LIMIT ?
"""
_LIST_LIVE = """
    SELECT seq, carrier_message_id, destination_addr, state, carrier FROM messages WHERE seq > ? ORDER BY seq LIMIT ?
"""
_DROP_HISTORY = """
    DELETE FROM history WHERE seq IN (
        SELECT seq FROM (SELECT seq, done_at FROM history ORDER BY seq LIMIT ?) WHERE done_at < ?
    )
"""
_GROUPS_BY_SEQ = f"SELECT {_GROUP} FROM part_groups WHERE group_seq IN ({','.join('?' * _KEYS_AT_ONCE)})"
_PARTS = f"SELECT {MESSAGE_OPENED} FROM messages WHERE seq >= ? AND seq < ? AND group_seq = ? ORDER BY seq"
_OPEN_GROUPS_MAX = 100_000
_OPEN_GROUPS = f"""
    SELECT {_GROUP} FROM part_groups INDEXED BY part_groups_open
    WHERE done_at = 0 AND received < parts_total ORDER BY closes_at DESC LIMIT {_OPEN_GROUPS_MAX}
"""
_CLOSED_GROUPS = f"""
    SELECT {_GROUP} FROM part_groups INDEXED BY part_groups_open
    WHERE done_at = 0 AND received < parts_total AND (ended < received) = 0 AND closes_at < ?
    ORDER BY closes_at LIMIT ?
"""
_DROP_GROUPS = """
    DELETE FROM part_groups WHERE group_seq IN (
        SELECT group_seq FROM (SELECT group_seq, done_at FROM part_groups ORDER BY group_seq LIMIT ?)
        WHERE done_at > 0 AND done_at < ?
    )
"""
_DROP_EXPIRED_DELIVERIES = """
    DELETE FROM deliveries WHERE delivery_id IN (
        SELECT delivery_id FROM deliveries INDEXED BY deliveries_parked_expiry
        WHERE parked = 1 AND expires_at < ? ORDER BY expires_at LIMIT ?
    )
"""


def recover(cursor: apsw.Cursor, now: int, due_by: int | None) -> Recovered:
    """Park what waits, index what a carrier has, and count what there is: one pass over each hot table.

    It goes by chunks, so that ten million messages are sorted into groups in little memory.
    """
    queued_by_account: Counter[str] = Counter()
    queued_by_pool: Counter[str] = Counter()
    reserved_by_account: Counter[str] = Counter()
    in_doubt: list[Row] = []
    enroute = seen_seq = 0
    while groups := _all(cursor, _SURVEY, (seen_seq, SURVEYED_AT_ONCE)):
        last_seq_of_chunk: int = max(group[-1] for group in groups)
        chunk, seen_seq = (seen_seq, last_seq_of_chunk), last_seq_of_chunk
        if any(state == MessageState.ENROUTE and not indexed for state, _, _, _, indexed, *_ in groups):
            cursor.execute(f"UPDATE messages SET indexed = 1 WHERE {_IN_CHUNK} AND state = 1 AND indexed = 0", chunk)
        if any(state == MessageState.QUEUED and not parked for state, _, _, parked, *_ in groups):
            cursor.execute(f"UPDATE messages SET parked = 1 WHERE {_IN_CHUNK} AND state = 0 AND parked = 0", chunk)
        if due_by is not None and any(group[0] == MessageState.QUEUED and group[-2] > due_by for group in groups):
            cursor.execute(_PULL_FORWARD, (now, *chunk, due_by))
        if any(group[0] == MessageState.SENDING for group in groups):
            text = f"SELECT {MESSAGE_OPENED} FROM messages WHERE {_IN_CHUNK} AND state = ? ORDER BY seq"
            in_doubt += _all(cursor, text, (*chunk, int(MessageState.SENDING)))
        for state, account, pool, _, _, reserved, count, *_ in groups:
            if reserved:
                reserved_by_account[account] += reserved
            if state == MessageState.QUEUED:
                queued_by_account[account] += count
                queued_by_pool[pool] += count
            elif state == MessageState.ENROUTE:
                enroute += count
    cursor.execute("UPDATE deliveries SET parked = 1 WHERE parked = 0")
    if due_by is not None:
        cursor.execute("UPDATE deliveries SET next_attempt_at = ? WHERE next_attempt_at > ?", (now, due_by))
    deliveries = _all(cursor, _COUNT_DELIVERIES)
    last_seq, last_delivery_id, last_event_id = _one(
        cursor, "SELECT last_seq, last_delivery_id, last_event_id FROM counters"
    )
    return Recovered(
        last_seq=last_seq,
        last_delivery_id=last_delivery_id,
        last_event_id=last_event_id,
        in_doubt=_messages(cursor, in_doubt),
        queued_by_account=dict(queued_by_account),
        queued_by_pool=dict(queued_by_pool),
        enroute=enroute,
        deliveries_by_account=dict(deliveries),
        parked_receipts=[
            parked_receipt_from_row(row)
            for row in cursor.execute(
                f"SELECT {', '.join(PARKED_RECEIPT_COLUMNS)} FROM parked_receipts ORDER BY parked_at"
            )
        ],
        open_groups=[group_from_row(row) for row in _all(cursor, _OPEN_GROUPS)],
        mo_parts=[
            mo_part_from_row(row)
            for row in cursor.execute(f"SELECT {', '.join(MO_PART_COLUMNS)} FROM mo_parts ORDER BY part_id")
        ],
        reserved_by_account=dict(reserved_by_account),
    )


def claim_messages(cursor: apsw.Cursor, pool: str, due_at: int, limit: int) -> list[Message]:
    """Lane by lane from the highest priority; each lane is one range of ``messages_parked``."""
    claimed: list[Message] = []
    for priority, earliest_at in _lanes(cursor, pool):
        if earliest_at <= due_at:
            rows = cursor.execute(_CLAIM_LANE, (pool, priority, due_at, limit - len(claimed))).fetchall()
            claimed += map(message_from_row, rows)
            if len(claimed) == limit:
                break
    statements.UNPARK_MESSAGES.execute(cursor.execute, [message.seq for message in claimed])
    for message in claimed:
        message.parked = False
    _add_groups(cursor, claimed)
    return claimed


def claim_by_key(cursor: apsw.Cursor, seqs: Sequence[int]) -> list[Message]:
    rows: list[Row] = []
    for start in range(0, len(seqs), _KEYS_AT_ONCE):
        keys: list[int | None] = list(seqs[start : start + _KEYS_AT_ONCE])
        rows += _all(cursor, _CLAIM_BY_KEY, keys + [None] * (_KEYS_AT_ONCE - len(keys)))
    claimed = _messages(cursor, rows)
    statements.UNPARK_MESSAGES.execute(cursor.execute, [message.seq for message in claimed])
    for message in claimed:
        message.parked = False
    return claimed


def find_queued(cursor: apsw.Cursor, match: QueuedMatch, limit: int, after_seq: int) -> list[Message]:
    account, source_addr, destination_addr, service_type = match
    wanted = (destination_addr, account, source_addr, service_type, after_seq, limit)
    return _messages(cursor, _all(cursor, _FIND_QUEUED, wanted))


def find_held(cursor: apsw.Cursor, until: int, limit: int, after_seq: int, account: str) -> list[Message]:
    return _messages(cursor, _all(cursor, _FIND_HELD, (until, after_seq, account, limit)))


def next_due(cursor: apsw.Cursor) -> dict[str, int]:
    """Hops from pool to pool and lane to lane through ``messages_parked``; the number of messages does not matter."""
    due: dict[str, int] = {}
    pool = ""
    row = _first(cursor, _POOL_AFTER.replace("pool > ?", "pool >= ?"), (pool,))
    while row is not None:
        pool = row[0]
        due[pool] = min(earliest_at for _, earliest_at in _lanes(cursor, pool))
        row = _first(cursor, _POOL_AFTER, (pool,))
    return due


def claim_deliveries(cursor: apsw.Cursor, account: str, due_at: int, limit: int) -> list[Delivery]:
    rows = cursor.execute(_CLAIM_DELIVERIES, (account, due_at, limit)).fetchall()
    claimed = [delivery_from_row(row) for row in rows]
    statements.UNPARK_DELIVERIES.execute(cursor.execute, [delivery.delivery_id for delivery in claimed])
    for delivery in claimed:
        delivery.parked = False
    return claimed


def next_delivery_due(cursor: apsw.Cursor) -> dict[str, int]:
    """Hops from account to account through ``deliveries_parked``."""
    due: dict[str, int] = {}
    row = _first(cursor, _ACCOUNT_AFTER.replace("account > ?", "account >= ?"), ("",))
    while row is not None:
        account, due[account] = row
        row = _first(cursor, _ACCOUNT_AFTER, (account,))
    return due


def find_by_carrier_id(
    cursor: apsw.Cursor, recent: RecentIds, carrier: str, carrier_message_ids: Sequence[str]
) -> list[Message]:
    """By key those that are noted as recent, by ``messages_enroute`` the others."""
    wanted = dict.fromkeys(carrier_message_ids)
    found: dict[int, Message] = {}
    questions: list[tuple[str, list[Any]]] = [
        (_BY_CARRIER_ID, list(wanted)),
        (_ENROUTE_BY_SEQ, recent.find(carrier, wanted)),
    ]
    for query, keys in questions:
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            batch = keys[start : start + _KEYS_AT_ONCE]
            batch += [None] * (_KEYS_AT_ONCE - len(batch))
            for row in cursor.execute(query, [carrier, *batch]):
                message = message_from_row(row)
                if message.carrier_message_id in wanted:
                    found[message.seq] = message
    messages = [found[seq] for seq in sorted(found)]
    _add_groups(cursor, messages)
    return messages


def find_message(cursor: apsw.Cursor, seq: int) -> Message | None:
    for table in ("messages", "history"):
        row = _first(cursor, f"SELECT {MESSAGE_OPENED} FROM {table} WHERE seq = ?", (seq,))
        if row is not None:
            return _messages(cursor, [row])[0]
    return None


def find_parts(cursor: apsw.Cursor, group_seq: int) -> list[Message]:
    """A range of keys: the parts of a message that was split follow one another."""
    return _messages(cursor, _all(cursor, _PARTS, (group_seq, group_seq + _PARTS_MAX, group_seq)))


def find_closed_groups(cursor: apsw.Cursor, closed_before: int, limit: int) -> list[PartGroup]:
    return [group_from_row(row) for row in _all(cursor, _CLOSED_GROUPS, (closed_before, limit))]


def find_messages(cursor: apsw.Cursor, seq: int, count: int) -> list[Message]:
    return _messages(cursor, _all(cursor, _MESSAGES_OF_RANGE, (seq, seq + count) * 2))


def find_expired(
    cursor: apsw.Cursor, expires_from: int, expires_before: int, limit: int, after_seq: int
) -> list[Message]:
    """Few expired messages are found by their index and sorted; many lie dense enough to be met in order of seq."""
    (count,) = _one(cursor, _COUNT_EXPIRED, (expires_from, expires_before))
    query = _FEW_EXPIRED if count < _EXPIRED_BY_INDEX_MAX else _MANY_EXPIRED
    return _messages(cursor, _all(cursor, query, (expires_from, expires_before, after_seq, limit)))


def drop_expired_deliveries(cursor: apsw.Cursor, now: int, limit: int) -> int:
    cursor.execute(_DROP_EXPIRED_DELIVERIES, (now, limit))
    return cursor.connection.changes()


def drop_history(cursor: apsw.Cursor, done_before: int, limit: int) -> int:
    note_dropped(cursor, done_before, limit)
    cursor.execute(_DROP_HISTORY, (limit, done_before))
    dropped = cursor.connection.changes()
    cursor.execute(_DROP_GROUPS, (limit, done_before))
    return dropped


def find_parked_receipts(cursor: apsw.Cursor, carrier: str) -> list[ParkedReceipt]:
    """A primary key of few rows; the answer is as long as the table at most."""
    rows = _all(
        cursor,
        f"SELECT {', '.join(PARKED_RECEIPT_COLUMNS)} FROM parked_receipts WHERE ? IN ('', carrier)"
        " ORDER BY parked_at, carrier, carrier_message_id, state",
        (carrier,),
    )
    return [parked_receipt_from_row(row) for row in rows]


def list_enroute(cursor: apsw.Cursor, carrier: str, after_seq: int, limit: int) -> tuple[list[EnrouteMessage], int]:
    """One range of the primary key."""
    rows = _all(cursor, _LIST_LIVE, (after_seq, limit))
    enroute = [row for row in rows if row[3] == MessageState.ENROUTE and row[4] == carrier]
    return [EnrouteMessage(*row[:3]) for row in enroute], rows[-1][0] if len(rows) == limit else 0


def drop_parked_receipts(cursor: apsw.Cursor, parked_before: int) -> int:
    cursor.execute("DELETE FROM parked_receipts WHERE parked_at < ?", (parked_before,))
    return cursor.connection.changes()


def _lanes(cursor: apsw.Cursor, pool: str) -> list[tuple[int, int]]:
    """(priority, earliest due) of each lane of ``pool`` that holds parked messages, highest priority first."""
    lanes: list[tuple[int, int]] = []
    row = _first(cursor, _LANES, (pool, 256))
    while row is not None:
        lanes.append((row[0], row[1]))
        row = _first(cursor, _LANES, (pool, row[0]))
    return lanes


def _messages(cursor: apsw.Cursor, rows: Sequence[Row]) -> list[Message]:
    messages = [message_from_row(row) for row in rows]
    _add_groups(cursor, messages)
    return messages


def _add_groups(cursor: apsw.Cursor, messages: Sequence[Message]) -> None:
    """Give parts what they share; the others cost nothing but the look."""
    wanted = list({message.group_seq for message in messages if message.group_seq})
    groups: dict[int, PartGroup] = {}
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        batch: list[int | None] = [*wanted[start : start + _KEYS_AT_ONCE]]
        batch += [None] * (_KEYS_AT_ONCE - len(batch))
        for row in cursor.execute(_GROUPS_BY_SEQ, batch):
            group = group_from_row(row)
            groups[group.group_seq] = group
    for message in messages if groups else ():
        message.group = groups.get(message.group_seq)


def _first(cursor: apsw.Cursor, sql: str, bindings: Sequence[Any] = ()) -> Row | None:
    row: Row | None = cursor.execute(sql, bindings).fetchone()
    return row


def _all(cursor: apsw.Cursor, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
    rows: list[Row] = cursor.execute(sql, bindings).fetchall()
    return rows


def _one(cursor: apsw.Cursor, sql: str, bindings: Sequence[Any] = ()) -> Row:
    row = _first(cursor, sql, bindings)
    assert row is not None
    return row


def find_keyed_answer(cursor: apsw.Cursor, account: str, key: str) -> KeyedAnswer | None:
    row = cursor.execute(_FIND_KEYED_ANSWER, (account, key)).fetchone()
    return None if row is None else KeyedAnswer(*row)


def drop_keyed_answers(cursor: apsw.Cursor, created_before: int, limit: int) -> int:
    cursor.execute(_DROP_KEYED_ANSWERS, (created_before, limit))
    return cursor.connection.changes()


def load_entities(cursor: apsw.Cursor, kind: str) -> list[tuple[str, bytes]]:
    return list(cursor.execute(_LOAD_ENTITIES, (kind,)))


def list_entities(cursor: apsw.Cursor, kind: str, after: str, limit: int) -> list[tuple[str, bytes]]:
    return list(cursor.execute(_LIST_ENTITIES, (kind, after, limit)))


def find_entities(cursor: apsw.Cursor, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key in keys:
        found.update(cursor.execute(_FIND_ENTITY, (kind, key)))
    return found
