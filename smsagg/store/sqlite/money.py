"""Balances, spending and ledger entries in the database: their part of a group, and what the store is asked of them.

A group's moves are sums by account, so a commit of thousands of messages changes as many rows here as it has accounts.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from smsagg.model import IN_LEDGER
from smsagg.store.base import Changes
from smsagg.store.ledger import Balance, DayCharges, DaySpending, EntryKind, LedgerEntry
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.statements import Execute, ManyRows

_ADD_TO_BALANCES = ManyRows(
    6,
    lambda values: (
        f"INSERT INTO balances (account, currency, credited, charged, reserved, dropped) VALUES {values}"
        " ON CONFLICT (account) DO UPDATE SET credited = credited + excluded.credited,"
        " charged = charged + excluded.charged, reserved = reserved + excluded.reserved,"
        " dropped = dropped + excluded.dropped,"
        # A ledger that holds nothing takes the currency that its account has now.
        " currency = iif(credited = charged AND reserved = 0, excluded.currency, currency)"
    ),
)
_ADD_TO_CHARGES = ManyRows(
    4,
    lambda values: (
        f"INSERT INTO charges (account, day, charged, messages) VALUES {values}"
        " ON CONFLICT (account, day) DO UPDATE SET charged = charged + excluded.charged,"
        " messages = messages + excluded.messages"
    ),
)
_ADD_TO_SPENDING = ManyRows(
    5,
    lambda values: (
        f"INSERT INTO spending (account, scope, day, spent, messages) VALUES {values}"
        " ON CONFLICT (account, scope, day) DO UPDATE SET spent = spent + excluded.spent,"
        " messages = messages + excluded.messages"
    ),
)
_ENTRY = ", ".join(LedgerEntry._fields)
_DROPPED_CHARGES = f"""
    SELECT account, sum(charged) FROM (
        SELECT account, charged, accounted, done_at FROM history ORDER BY seq LIMIT ?
    ) WHERE done_at < ? AND charged > 0 AND accounted & {IN_LEDGER} GROUP BY account
"""


def apply_money(execute: Execute, changes: Changes) -> None:
    """Add what a group moves."""
    balances: dict[str, list[Any]] = {}
    charges: list[Row] = []
    for (account, currency, day), move in changes.money.items():
        row = balances.setdefault(account, [account, currency, 0, 0, 0, 0])
        row[3] += move.charged
        row[4] += move.reserved
        if move.messages:
            charges.append((account, day, move.charged, move.messages))
    _ADD_TO_BALANCES.execute(execute, [tuple(row) for row in balances.values()])
    _ADD_TO_CHARGES.execute(execute, charges)
    spending = [(*key, move.spent, move.messages) for key, move in changes.spending.items()]
    _ADD_TO_SPENDING.execute(execute, spending)


def note_dropped(cursor: apsw.Cursor, done_before: int, limit: int) -> None:
    """Before history drops its oldest: what was charged for them is in no message any more."""
    add_dropped(cursor, cursor.execute(_DROPPED_CHARGES, (limit, done_before)).fetchall())


def add_dropped(cursor: apsw.Cursor, charges: Iterable[Row]) -> None:
    """(account, what was charged for messages that are about to leave history)."""
    for account, charged in charges:
        cursor.execute("UPDATE balances SET dropped = dropped + ? WHERE account = ?", (charged, account))


def load_balances(cursor: apsw.Cursor) -> list[Balance]:
    rows = cursor.execute("SELECT account, currency, credited, charged, reserved FROM balances ORDER BY account")
    return [Balance(*row) for row in rows]


def load_spending(cursor: apsw.Cursor, since_day: int) -> list[DaySpending]:
    rows = cursor.execute(
        "SELECT account, scope, day, spent, messages FROM spending WHERE day >= ? ORDER BY account, scope, day",
        (since_day,),
    )
    return [DaySpending(*row) for row in rows]


def drop_spending(cursor: apsw.Cursor, before_day: int) -> int:
    cursor.execute("DELETE FROM spending WHERE day < ?", (before_day,))
    return cursor.connection.changes()


def post_entry(cursor: apsw.Cursor, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
    if entry.reference:
        text = f"SELECT {_ENTRY} FROM ledger_entries WHERE account = ? AND reference = ? AND reference <> ''"
        known = cursor.execute(text, (entry.account, entry.reference)).fetchone()
        if known is not None:
            return _entry_from_row(known), False
    _ADD_TO_BALANCES.execute(cursor.execute, [(entry.account, entry.currency, entry.amount, 0, 0, 0)])
    text = "SELECT credited - charged FROM balances WHERE account = ?"
    balance_after: Any = cursor.execute(text, (entry.account,)).fetchall()[0][0]
    values = (*entry[:-2], balance_after)
    names = ", ".join(name for name in LedgerEntry._fields if name != "entry_id")
    cursor.execute(
        f"INSERT INTO ledger_entries ({names}) VALUES ({', '.join('?' * len(values))})", _with_kind_value(values)
    )
    return entry._replace(entry_id=cursor.connection.last_insert_rowid(), balance_after=balance_after), True


def find_entries(cursor: apsw.Cursor, account: str, posted_from: int, limit: int) -> list[LedgerEntry]:
    """From the newest backwards by their index: statements are mostly of the last months."""
    text = (
        f"SELECT {_ENTRY} FROM ledger_entries INDEXED BY ledger_entries_account"
        " WHERE account = ? AND posted_at >= ? ORDER BY entry_id DESC LIMIT ?"
    )
    rows: Sequence[Row] = cursor.execute(text, (account, posted_from, limit)).fetchall()
    return [_entry_from_row(row) for row in reversed(rows)]


def find_charges(cursor: apsw.Cursor, account: str, since_day: int) -> list[DayCharges]:
    text = "SELECT account, day, charged, messages FROM charges WHERE account = ? AND day >= ? ORDER BY day"
    return [DayCharges(*row) for row in cursor.execute(text, (account, since_day))]


_KIND = LedgerEntry._fields.index("kind")


def _with_kind_value(values: Row) -> Row:
    return (*values[:_KIND], values[_KIND].value, *values[_KIND + 1 :])


def _entry_from_row(row: Row) -> LedgerEntry:
    return LedgerEntry(*row)._replace(kind=EntryKind(row[_KIND]))
