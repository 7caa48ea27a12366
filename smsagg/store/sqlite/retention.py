"""Takes texts, numbers and whole messages out of history when they have become old, a bounded number at a time.

Theory of operation. Rows are looked at by key, in the order in which messages came, and the walk stops at the first
that is too young. A message that was over within :data:`LATE_MS` of its acceptance has its end by then: the walk goes
that much behind. Those that took longer, few, stand in an index of their own by their end, and are walked in its order.
So every row is met once, soon after its time, whatever its neighbours do; and what is met again changes nothing.

From the first time on, SQLite overwrites what it deletes in the file with zeros (``secure_delete``), on this connection
as long as it lives.
"""

import hmac
from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from smsagg.model import IN_LEDGER
from smsagg.observe.log import MASK, SHOWN_DIGITS
from smsagg.store.base import RetentionPlace, RetentionRule, RetentionSubject
from smsagg.store.sqlite.money import add_dropped
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.statements import ManyRows

LATE_MS = 3_600_000
"""As the partial indexes ``history_late`` and ``part_groups_late`` have it."""
TEXT_GONE, NUMBER_GONE = 1, 2
"""Bits of ``history.redacted``."""

_MASKED = (
    f"iif(length(destination_addr) > {SHOWN_DIGITS}, substr(destination_addr, 1, {SHOWN_DIGITS}) || '{MASK}',"
    " destination_addr)"
)
_CHANGES: dict[tuple[RetentionSubject, str], str] = {
    (RetentionSubject.BODIES, "history"): (
        f"UPDATE history SET body = x'', tlvs = x'', redacted = redacted | {TEXT_GONE}"
        f" WHERE redacted & {TEXT_GONE} = 0 AND "
    ),
    (RetentionSubject.BODIES, "part_groups"): "UPDATE part_groups SET excerpt = x'' WHERE excerpt <> x'' AND ",
    (RetentionSubject.NUMBERS, "history"): (
        f"UPDATE history SET destination_addr = {_MASKED}, redacted = redacted | {NUMBER_GONE}"
        f" WHERE redacted & {NUMBER_GONE} = 0 AND "
    ),
    (RetentionSubject.NUMBERS, "part_groups"): (
        f"UPDATE part_groups SET destination_addr = {_MASKED} WHERE destination_addr NOT LIKE '%{MASK}' AND "
    ),
    (RetentionSubject.HISTORY, "history"): "DELETE FROM history WHERE ",
    (RetentionSubject.HISTORY, "part_groups"): "DELETE FROM part_groups WHERE ",
}
_COUNTRY_OF = {"part_groups": "(SELECT country FROM history WHERE seq = group_seq)"}
"""Where it has no column: a group has that of its first part."""
_KEYS = {"history": "seq", "part_groups": "group_seq"}
_TEXT_FIELD = " text:"
_TEXT_AT = f"instr(body, x'{_TEXT_FIELD.encode().hex()}')"
RECEIPT_EMPTIED = f"iif({_TEXT_AT} > 0, substr(body, 1, {_TEXT_AT} + {len(_TEXT_FIELD) - 1}), body)"
"""The body of a receipt without the beginning of a text that it quotes."""
_EMPTY_RECEIPTS = f"""
    UPDATE deliveries SET body = {RECEIPT_EMPTIED}
    WHERE kind IN (0, 1) AND instr(body, x'{_TEXT_FIELD.encode().hex()}') > 0
    AND length(body) > instr(body, x'{_TEXT_FIELD.encode().hex()}') + {len(_TEXT_FIELD) - 1}
    AND delivery_id > ? AND delivery_id <= ? AND
"""
_KEEP_DIGESTS = ManyRows(
    2,
    lambda values: (
        f"UPDATE history SET body_digest = v.column2 FROM (VALUES {values}) AS v WHERE history.seq = v.column1"
    ),
)


def apply_retention(
    cursor: apsw.Cursor, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
) -> RetentionPlace:
    """See :meth:`smsagg.store.base.Store.apply_retention`."""
    cursor.execute("PRAGMA secure_delete = ON")
    walk = _Walk(cursor, rule, done_before, limit)
    seq = walk.in_order("history", place.seq)
    late_done_at, late_seq = walk.late("history", place.late_done_at, place.late_seq)
    group_seq = walk.in_order("part_groups", place.group_seq)
    late_group_done_at, late_group_seq = walk.late("part_groups", place.late_group_done_at, place.late_group_seq)
    delivery_id = place.delivery_id
    if rule.subject is RetentionSubject.BODIES:
        delivery_id = walk.receipts(delivery_id)
    return RetentionPlace(seq, late_done_at, late_seq, group_seq, late_group_done_at, late_group_seq, delivery_id)


class _Walk:
    """One bounded step of one rule."""

    def __init__(self, cursor: apsw.Cursor, rule: RetentionRule, done_before: int, limit: int) -> None:
        self._cursor = cursor
        self._rule = rule
        self._done_before = done_before
        self._limit = limit
        self._countries = ", ".join(f"'{country}'" for country in sorted(rule.countries) if country.isalnum())
        self._accounts = orjson.dumps(sorted(rule.accounts)).decode()

    def in_order(self, table: str, after: int) -> int:
        """By key from behind ``after``; how far it came."""
        key = _KEYS[table]
        last = self._until(
            f"SELECT {key}, accepted_at FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?", after, LATE_MS
        )
        if last > after:
            self._change(table, f"{key} > ? AND {key} <= ?", (after, last))
        return last

    def late(self, table: str, done_at: int, key: int) -> tuple[int, int]:
        """By their end from behind the one that has this end and key."""
        name = _KEYS[table]
        found = self._execute(
            f"SELECT done_at, {name} FROM {table} INDEXED BY {table}_late WHERE done_at - accepted_at > {LATE_MS}"
            f" AND (done_at, {name}) > (?, ?) AND done_at < ? ORDER BY done_at, {name} LIMIT ?",
            (done_at, key, self._done_before, self._limit),
        )
        if not found:
            return done_at, key
        keys = orjson.dumps([row[1] for row in found]).decode()
        self._change(table, f"{name} IN (SELECT value FROM json_each(?))", (keys,))
        done_at, key = found[-1]
        return done_at, key

    def receipts(self, after: int) -> int:
        """Receipts that are owed lose the beginning of the text that they quote."""
        text = "SELECT delivery_id, created_at FROM deliveries WHERE delivery_id > ? ORDER BY delivery_id LIMIT ?"
        last = self._until(text, after, 0)
        if last > after:
            self._execute(f"{_EMPTY_RECEIPTS} {self._concerns('deliveries')}", (after, last, self._accounts))
        return last

    def _concerns(self, table: str) -> str:
        """Whether the rule is about a row; the accounts are its last binding."""
        text = f"account {'NOT ' if self._rule.is_exempting else ''}IN (SELECT value FROM json_each(?))"
        return f"{_COUNTRY_OF.get(table, 'country')} IN ({self._countries}) AND {text}" if self._countries else text

    def _execute(self, text: str, bindings: Sequence[Any]) -> list[Row]:
        rows: list[Row] = self._cursor.execute(text, bindings).fetchall()
        return rows

    def _until(self, text: str, after: int, behind_ms: int) -> int:
        """The last key of those that are old enough before the first that is not."""
        last = after
        for key, instant in self._execute(text, (after, self._limit)):
            if instant >= self._done_before - behind_ms:
                break
            last = key
        return last

    def _change(self, table: str, where: str, bindings: Sequence[Any]) -> None:
        rule = self._rule
        where = f"{where} AND done_at > 0 AND done_at < ? AND {self._concerns(table)}"
        values = (*bindings, self._done_before, self._accounts)
        if rule.subject is RetentionSubject.BODIES and rule.digest_key and table == "history":
            text = f"SELECT seq, body FROM history WHERE redacted & {TEXT_GONE} = 0 AND body <> x'' AND {where}"
            found = self._execute(text, values)
            digests = [(seq, hmac.digest(rule.digest_key, body, "sha256")) for seq, body in found]
            _KEEP_DIGESTS.execute(self._execute, digests)
        if rule.subject is RetentionSubject.HISTORY and table == "history":
            in_ledger = f"charged > 0 AND accounted & {IN_LEDGER}"
            text = f"SELECT account, sum(charged) FROM history WHERE {in_ledger} AND {where} GROUP BY account"
            add_dropped(self._cursor, self._execute(text, values))
        self._execute(_CHANGES[rule.subject, table] + where, values)
