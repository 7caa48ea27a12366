"""Takes a number and what its owner wrote or read out of the past, a bounded number of rows at a time.

Theory of operation. Nothing is found by number, for an index would cost every message; so a step looks at the next rows
of each large table by key (:class:`smsagg.store.base.ErasurePlace`), up to what there was when the walk began, and the
first step at the small ones whole. Records stay, with a pseudonym for the number: sums, counts and the ledger are what
they were. Messages that live are left alone; the lowest of them is told, from which on the next walk begins. So are
verifications that are pending, which are told as the last message: somebody may type in their code yet.
"""

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from smsagg.model import DeliveryKind
from smsagg.protection.subject import DataSubject, scrubbed
from smsagg.store.base import ErasurePlace, ErasureStep
from smsagg.store.sqlite.retention import NUMBER_GONE, RECEIPT_EMPTIED, TEXT_GONE
from smsagg.store.sqlite.rows import Row

_MARKS = "(?, ?, ?)"
_SMALL = (
    "UPDATE parked_receipts SET msisdn = '', text = x'' WHERE msisdn IN (?3, ?4, ?5) AND ?1 = ''",
    "DELETE FROM mo_parts WHERE source_addr IN (?3, ?4, ?5) AND ?1 = ''",
    "UPDATE verifications SET recipient = ?2 WHERE recipient IN (?3, ?4, ?5) AND ?1 IN ('', account)"
    " AND state <> 'pending'",
)
_PENDING = (
    "SELECT count(*) FROM verifications INDEXED BY verifications_pending WHERE state = 'pending'"
    f" AND ? IN ('', account) AND recipient IN {_MARKS}"
)
_LARGE = {
    "history": (
        f"UPDATE history SET destination_addr = ?2, body = x'', tlvs = x'', body_digest = x'',"
        f" redacted = {TEXT_GONE | NUMBER_GONE} WHERE destination_addr IN (?3, ?4, ?5) AND ?1 IN ('', account)"
    ),
    "part_groups": (
        "UPDATE part_groups SET destination_addr = ?2, excerpt = x'' WHERE destination_addr IN (?3, ?4, ?5)"
        " AND ?1 IN ('', account) AND done_at > 0"
    ),
    "deliveries": (
        "UPDATE deliveries SET source_addr = ?2, tlvs = x'',"
        f" body = iif(kind = {int(DeliveryKind.MO)}, x'', {RECEIPT_EMPTIED})"
        " WHERE source_addr IN (?3, ?4, ?5) AND ?1 IN ('', account)"
    ),
}
_KEYS = {
    "history": "seq",
    "part_groups": "group_seq",
    "deliveries": "delivery_id",
    "messages": "seq",
    "events": "event_id",
}
_CONVERSATIONS = "SELECT entity_key, value FROM entities WHERE kind = 'conversation' AND entity_key IN (?, ?, ?)"


def erase(cursor: apsw.Cursor, subject: DataSubject, pseudonym: str, place: ErasurePlace, limit: int) -> ErasureStep:
    """See :meth:`smsagg.store.base.Store.erase`."""
    cursor.execute("PRAGMA secure_delete = ON")
    return _Step(cursor, subject, pseudonym, limit).run(place)


class _Step:
    def __init__(self, cursor: apsw.Cursor, subject: DataSubject, pseudonym: str, limit: int) -> None:
        self._cursor = cursor
        self._subject = subject
        self._pseudonym = pseudonym
        self._limit = limit
        self._values = (subject.account, pseudonym, *subject.forms)
        self._changed = 0

    def run(self, place: ErasurePlace) -> ErasureStep:
        """What lives is looked at first: what does not live then is over, or comes later."""
        first_pending = 0
        if not place.until_seq:
            self._small_tables()
            place = self._begun(place)
            ((pending,),) = self._rows(_PENDING, (self._subject.account, *self._subject.forms))
            first_pending = place.until_seq if pending else 0
        live_seq, first_live = self._live(place)
        first_live = first_live or first_pending
        if live_seq > place.live_seq:
            return ErasureStep(place._replace(live_seq=live_seq), self._changed, first_live)
        place = place._replace(
            seq=self._walk("history", place.seq, place.until_seq),
            group_seq=self._walk("part_groups", place.group_seq, place.until_seq),
            delivery_id=self._walk("deliveries", place.delivery_id, place.until_delivery_id),
            event_id=self._events(place.event_id, place.until_event_id),
        )
        return ErasureStep(place, self._changed, first_live)

    def _begun(self, place: ErasurePlace) -> ErasurePlace:
        ((seq, delivery_id, event_id),) = self._rows(
            "SELECT last_seq, last_delivery_id, last_event_id FROM counters", ()
        )
        return place._replace(until_seq=max(seq, 1), until_delivery_id=delivery_id, until_event_id=event_id)

    def _small_tables(self) -> None:
        for text in _SMALL:
            self._change(text, self._values)
        account = self._subject.account
        for key, value in self._rows(_CONVERSATIONS, self._subject.forms):
            uses = [use for use in orjson.loads(value) if account and use[0] != account]
            if uses:
                self._change(
                    "UPDATE entities SET value = ? WHERE kind = 'conversation' AND entity_key = ?",
                    (orjson.dumps(uses), key),
                )
            else:
                self._change("DELETE FROM entities WHERE kind = 'conversation' AND entity_key = ?", (key,))

    def _walk(self, table: str, after: int, until: int) -> int:
        """How far it came."""
        last = self._last(table, after, until)
        if last > after:
            text = f"{_LARGE[table]} AND {_KEYS[table]} > ?6 AND {_KEYS[table]} <= ?7"
            self._change(text, (*self._values, after, last))
        return last

    def _events(self, after: int, until: int) -> int:
        last = self._last("events", after, until)
        text = (
            "SELECT event_id, document FROM events WHERE event_id > ? AND event_id <= ? AND ? IN ('', account)"
            " AND instr(document, CAST(? AS BLOB)) > 0"
        )
        for event_id, document in self._rows(text, (after, last, self._subject.account, self._subject.digits)):
            rest = scrubbed(document, self._subject, self._pseudonym)
            if rest is not None:
                self._change("UPDATE events SET document = ? WHERE event_id = ?", (rest, event_id))
        return last

    def _live(self, place: ErasurePlace) -> tuple[int, int]:
        """How far it came, and the first of the number's messages that live, 0 for none."""
        last = self._last("messages", place.live_seq, place.until_seq)
        text = (
            "SELECT coalesce(min(seq), 0) FROM messages WHERE seq > ? AND seq <= ? AND ? IN ('', account)"
            f" AND destination_addr IN {_MARKS}"
        )
        (found,) = self._rows(text, (place.live_seq, last, self._subject.account, *self._subject.forms))
        return last, found[0]

    def _last(self, table: str, after: int, until: int) -> int:
        """The key of the last row that one step looks at."""
        key = _KEYS[table]
        text = (
            f"SELECT max({key}) FROM (SELECT {key} FROM {table} WHERE {key} > ? AND {key} <= ? ORDER BY {key} LIMIT ?)"
        )
        (found,) = self._rows(text, (after, until, self._limit))
        return found[0] or after

    def _change(self, text: str, bindings: Sequence[Any]) -> None:
        self._cursor.execute(text, bindings)
        self._changed += self._cursor.connection.changes()

    def _rows(self, text: str, bindings: Sequence[Any]) -> list[Row]:
        rows: list[Row] = self._cursor.execute(text, bindings).fetchall()
        return rows
