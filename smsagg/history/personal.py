"""All that the store holds about a number, as lines of JSON: what an account, or the operator, must be able to tell its
owner.

Each line is an object whose ``kind`` says what it is; the last one, ``end``, says how many came before it, so that an
export that was cut off is known. Read by key, a few thousand rows in a transaction, beside the server; each step gives
what it found, which may be nothing, so that whoever goes on with it can leave off after any.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from smsagg.config.schema import Config
from smsagg.events.documents import instant
from smsagg.history.lookup import TABLES
from smsagg.history.reader import CHUNK_ROWS, History, Row, open_history
from smsagg.history.timeline import Shown, document_of
from smsagg.model import Delivery
from smsagg.model.consent import ConsentKind
from smsagg.protection.subject import DataSubject
from smsagg.smpp.concatenation import UDHI
from smsagg.store.sqlite.rows import DELIVERY_COLUMNS, MESSAGE_SHOWN, delivery_from_row, message_from_row
from smsagg.text.decode import text_of

Record = dict[str, Any]

_OWN = "? IN ('', account)"
_ANY = "(?, ?, ?)"


def lines_about(config: Config, subject: DataSubject) -> Iterator[bytes]:
    """The lines, none or several of them at a time, of the store of ``config``; raises StoreError."""
    with open_history(config.store.path, config.store.encryption) as history:
        count = 0
        for records in _records(history, subject, str(config.money.currency)):
            count += len(records)
            yield b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
        yield orjson.dumps({"kind": "end", "records": count}, option=orjson.OPT_APPEND_NEWLINE)


def _records(history: History, subject: DataSubject, currency: str) -> Iterator[list[Record]]:
    yield from _messages(history, subject, currency)
    yield from _deliveries(history, subject)
    yield from _events(history, subject)
    yield list(_consents(history, subject))
    yield list(_verifications(history, subject))
    yield list(_conversations(history, subject))


def _messages(history: History, subject: DataSubject, currency: str) -> Iterator[list[Record]]:
    shown = Shown(numbers=True, bodies=True)
    for table, redacted in TABLES:
        sql = f"SELECT seq, {MESSAGE_SHOWN}, {redacted} FROM {table} WHERE {{range}} AND {_OWN}"
        sql += f" AND destination_addr IN {_ANY}"
        for rows in _chunks(history, table, "seq", sql, (subject.account, *subject.forms)):
            yield [
                {"kind": "message"} | document_of(message_from_row(tuple(row)), [], shown, currency, bits)
                for _, *row, bits in rows
            ]


def _deliveries(history: History, subject: DataSubject) -> Iterator[list[Record]]:
    columns = ", ".join(DELIVERY_COLUMNS)
    sql = f"SELECT {columns} FROM deliveries WHERE {{range}} AND {_OWN} AND source_addr IN {_ANY}"
    for rows in _chunks(history, "deliveries", "delivery_id", sql, (subject.account, *subject.forms)):
        yield [_delivery(delivery_from_row(row)) for row in rows]


def _delivery(owed: Delivery) -> Record:
    return {
        "kind": "delivery",
        "account": owed.account,
        "what": owed.kind.name.lower(),
        "from": owed.source_addr,
        "to": owed.destination_addr,
        "text": text_of(owed.body, owed.data_coding, bool(owed.esm_class & UDHI)),
        "created_at": instant(owed.created_at),
    }


def _events(history: History, subject: DataSubject) -> Iterator[list[Record]]:
    sql = f"SELECT event_id, account, kind, at, document FROM events WHERE {{range}} AND {_OWN}"
    sql += " AND instr(document, CAST(? AS BLOB)) > 0"
    for rows in _chunks(history, "events", "event_id", sql, (subject.account, subject.digits)):
        events = [(account, kind, at, orjson.loads(document)) for _, account, kind, at, document in rows]
        yield [
            {"kind": "event", "account": account, "type": kind, "at": instant(at), "data": data}
            for account, kind, at, data in events
            if any(value in subject.forms for value in data.values() if isinstance(value, str))
        ]


def _consents(history: History, subject: DataSubject) -> Iterator[Record]:
    sql = f"SELECT kind, account, sender, at, how, evidence FROM consents WHERE number = ? AND {_OWN}"
    with history.snapshot() as ask:
        rows = ask(sql, (subject.digits, subject.account))
    for kind, account, sender, at, how, evidence in rows:
        yield {
            "kind": ConsentKind(kind).name.lower(),
            "account": account,
            "sender": sender or None,
            "at": instant(at),
            "how": how,
            "evidence": evidence,
        }


def _verifications(history: History, subject: DataSubject) -> Iterator[Record]:
    sql = (
        "SELECT verification_id, account, recipient, state, attempts, created_at, expires_at FROM verifications"
        f" WHERE {_OWN} AND recipient IN {_ANY}"
    )
    with history.snapshot() as ask:
        rows = ask(sql, (subject.account, *subject.forms))
    for verification_id, account, recipient, state, attempts, created_at, expires_at in rows:
        yield {
            "kind": "verification",
            "id": verification_id,
            "account": account,
            "recipient": recipient,
            "state": state,
            "attempts": attempts,
            "created_at": instant(created_at),
            "expires_at": instant(expires_at),
        }


def _conversations(history: History, subject: DataSubject) -> Iterator[Record]:
    sql = f"SELECT value FROM entities WHERE kind = 'conversation' AND entity_key IN {_ANY}"
    with history.snapshot() as ask:
        rows = ask(sql, subject.forms)
    for (value,) in rows:
        for account, number, at, until, count in orjson.loads(value):
            if subject.account in ("", account):
                yield {
                    "kind": "conversation",
                    "account": account,
                    "number": number,
                    "at": instant(at),
                    "until": instant(until),
                    "messages": count,
                }


def _chunks(history: History, table: str, key: str, sql: str, bindings: Sequence[Any]) -> Iterator[list[Row]]:
    """The rows of ``sql``, in which ``{range}`` stands for a range of keys: all that the table has now, a chunk at a
    time."""
    after = 0
    of_chunk = f"SELECT max({key}) FROM (SELECT {key} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {CHUNK_ROWS})"
    with history.snapshot() as ask:
        until = ask(f"SELECT coalesce(max({key}), 0) FROM {table}", ())[0][0]
    while after < until:
        with history.snapshot() as ask:
            last = ask(of_chunk, (after,))[0][0] or until
            rows = ask(sql.format(range=f"{key} > {after:d} AND {key} <= {last:d}"), bindings)
        yield rows
        after = last
