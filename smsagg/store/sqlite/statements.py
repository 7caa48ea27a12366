"""The SQL of a group: statements over many rows, in a few fixed sizes so that they stay prepared.

One statement over 64 rows costs SQLite as much as 64 statements over one row, but gives the GIL away for the whole
step instead of 64 times; and a fixed number of sizes keeps every statement prepared in apsw's cache (which refuses
texts above 16 KiB). A list of rows is cut greedily: 202 rows are 3 x 64 + 8 + 2.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from smsagg.store.base import FinishedMessage, KeyedAnswer, MessageUpdate
from smsagg.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    GROUP_COLUMNS,
    MESSAGE_COLUMNS,
    MO_PART_COLUMNS,
    PARKED_RECEIPT_COLUMNS,
    PLAIN_COLUMNS,
    Row,
)

SIZES = (64, 32, 16, 8, 4, 2, 1)

Execute = Callable[[str, Sequence[Any]], object]


class ManyRows:
    """A statement for any number of rows: ``text(values)`` with ``values`` the ``(?,?),(?,?)`` of one size."""

    def __init__(self, width: int, text: Callable[[str], str]) -> None:
        row = "(" + ",".join("?" * width) + ")"
        self._texts = [(size, text(",".join([row] * size))) for size in SIZES]

    def execute(self, execute: Execute, rows: Sequence[Row]) -> None:
        start, count = 0, len(rows)
        for size, text in self._texts:
            while count - start >= size:
                execute(text, tuple(chain.from_iterable(rows[start : start + size])))
                start += size


class ManyKeys:
    """A statement for any number of keys: ``text(marks)`` with ``marks`` the ``?,?,?`` of one size."""

    def __init__(self, text: Callable[[str], str]) -> None:
        self._texts = [(size, text(",".join("?" * size))) for size in SIZES]

    def execute(self, execute: Execute, keys: Sequence[int]) -> None:
        start, count = 0, len(keys)
        for size, text in self._texts:
            while count - start >= size:
                execute(text, keys[start : start + size])
                start += size


def _insert(table: str, columns: Sequence[str]) -> ManyRows:
    return ManyRows(len(columns), lambda values: f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}")


FINISHED_COLUMNS = FinishedMessage._fields
_FINISH_VALUES = {name: f"v.column{place}" for place, name in enumerate(FINISHED_COLUMNS, 1)} | {
    "pool": f"coalesce(v.column{len(FINISHED_COLUMNS) + 1}, m.pool)",
    "next_attempt_at": "0",
    "parked": "0",
    "body": "iif(m.is_secret, x'', m.body)",
    "tlvs": "iif(m.is_secret, x'', m.tlvs)",
}

_BODY, _IS_SECRET = (f"column{MESSAGE_COLUMNS.index(name) + 1}" for name in ("body", "is_secret"))
_INSERTED = ", ".join(
    f"iif({_IS_SECRET}, sealed({_BODY}), {_BODY})" if name == "body" else f"column{place}"
    for place, name in enumerate(MESSAGE_COLUMNS, 1)
)
INSERT_MESSAGES = ManyRows(
    len(MESSAGE_COLUMNS),
    lambda values: (
        f"INSERT INTO messages ({', '.join(MESSAGE_COLUMNS)}) SELECT {_INSERTED} FROM (VALUES {values}) WHERE TRUE"
    ),
)
INSERT_PLAIN_MESSAGES = _insert("messages", PLAIN_COLUMNS)

_UPDATED = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(MessageUpdate._fields[1:], 2))

UPDATE_MESSAGES = ManyRows(
    len(MessageUpdate._fields),
    lambda values: f"UPDATE messages SET {_UPDATED} FROM (VALUES {values}) AS v WHERE messages.seq = v.column1",
)
"""Rows as :class:`smsagg.store.base.MessageUpdate`; a seq at most once."""

REPLACE_MESSAGES = ManyRows(
    6,
    lambda values: (
        "UPDATE messages SET registered_delivery = v.column2,"
        " body = iif(messages.is_secret, sealed(v.column3), v.column3), in_payload = v.column4,"
        f" not_before = v.column5, expires_at = v.column6 FROM (VALUES {values}) AS v WHERE messages.seq = v.column1"
    ),
)
"""Rows as :class:`smsagg.store.base.ReplacedMessage`; a seq at most once."""

COPY_TO_HISTORY = ManyRows(
    len(FINISHED_COLUMNS) + 1,
    lambda values: (
        f"INSERT INTO history ({', '.join(MESSAGE_COLUMNS)}, redacted)"
        f" SELECT {', '.join(_FINISH_VALUES.get(name, 'm.' + name) for name in MESSAGE_COLUMNS)}, m.is_secret"
        f" FROM (VALUES {values}) AS v CROSS JOIN messages AS m ON m.seq = v.column1"
    ),
)
"""Rows as :class:`smsagg.store.base.FinishedMessage` and, last, the pool or ``None`` to keep the row's. A secret text
is taken out on the way."""

DELETE_MESSAGES = ManyKeys(lambda marks: f"DELETE FROM messages WHERE seq IN ({marks})")

INDEX_MESSAGES = ManyKeys(lambda marks: f"UPDATE messages SET indexed = 1 WHERE seq IN ({marks})")

ADD_PARTS = ManyRows(
    len(GROUP_COLUMNS),
    lambda values: (
        f"INSERT INTO part_groups ({', '.join(GROUP_COLUMNS)}) VALUES {values}"
        " ON CONFLICT (group_seq) DO UPDATE SET received = received + excluded.received,"
        " numbers = numbers | excluded.numbers,"
        " registered_delivery = max(registered_delivery, excluded.registered_delivery)"
    ),
)
"""Rows as :data:`~smsagg.store.sqlite.rows.group_row`; ``received`` is how many come, ``numbers`` which."""

UPDATE_GROUPS = ManyRows(
    7,
    lambda values: (
        "UPDATE part_groups SET ended = v.column2, state = v.column3, error_code = v.column4, done_at = v.column5,"
        f" carrier = v.column6, joined_id = v.column7 FROM (VALUES {values}) AS v"
        " WHERE part_groups.group_seq = v.column1"
    ),
)
"""Rows as :class:`smsagg.store.base.GroupUpdate`; a group_seq at most once."""

INSERT_DELIVERIES = _insert("deliveries", DELIVERY_COLUMNS)

UPDATE_DELIVERIES = ManyRows(
    4,
    lambda values: (
        "UPDATE deliveries SET attempts = v.column2, next_attempt_at = v.column3, parked = v.column4"
        f" FROM (VALUES {values}) AS v WHERE deliveries.delivery_id = v.column1"
    ),
)
"""Rows as :class:`smsagg.store.base.DeliveryUpdate`; a delivery_id at most once."""

DELETE_DELIVERIES = ManyKeys(lambda marks: f"DELETE FROM deliveries WHERE delivery_id IN ({marks})")

INSERT_PARKED_RECEIPTS = ManyRows(
    len(PARKED_RECEIPT_COLUMNS),
    lambda values: f"INSERT OR REPLACE INTO parked_receipts ({', '.join(PARKED_RECEIPT_COLUMNS)}) VALUES {values}",
)

DELETE_PARKED_RECEIPTS = ManyRows(
    2,
    lambda values: f"DELETE FROM parked_receipts WHERE (carrier, carrier_message_id) IN (VALUES {values})",
)

INSERT_MO_PARTS = _insert("mo_parts", MO_PART_COLUMNS)

DELETE_MO_PARTS = ManyKeys(lambda marks: f"DELETE FROM mo_parts WHERE part_id IN ({marks})")

PUT_KEYED_ANSWERS = ManyRows(
    len(KeyedAnswer._fields),
    lambda values: f"INSERT OR REPLACE INTO keyed_answers ({', '.join(KeyedAnswer._fields)}) VALUES {values}",
)

PUT_ENTITIES = ManyRows(3, lambda values: f"INSERT OR REPLACE INTO entities (kind, entity_key, value) VALUES {values}")

DELETE_ENTITIES = ManyRows(2, lambda values: f"DELETE FROM entities WHERE (kind, entity_key) IN (VALUES {values})")

RAISE_COUNTERS = "UPDATE counters SET last_seq = max(last_seq, ?), last_delivery_id = max(last_delivery_id, ?)"

COVER = "UPDATE counters SET covers = covers + 1"
"""Changes one page: SQLite writes none that stayed the same."""

UNPARK_MESSAGES = ManyKeys(lambda marks: f"UPDATE messages SET parked = 0 WHERE seq IN ({marks})")
UNPARK_DELIVERIES = ManyKeys(lambda marks: f"UPDATE deliveries SET parked = 0 WHERE delivery_id IN ({marks})")
