"""Suppressed numbers and opt-ins in the database: their part of a group, and what the store is asked."""

from collections.abc import Iterable

import apsw

from smsagg.model.consent import ConsentKind, ConsentRecord
from smsagg.store.base import Changes
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.statements import Execute, ManyRows

_COLUMNS = ", ".join(ConsentRecord._fields)
_PUT = ManyRows(
    len(ConsentRecord._fields), lambda values: f"INSERT OR REPLACE INTO consents ({_COLUMNS}) VALUES {values}"
)
_DELETE = ManyRows(4, lambda values: f"DELETE FROM consents WHERE (kind, account, number, sender) IN (VALUES {values})")
_LIST = f"""
    SELECT {_COLUMNS} FROM consents WHERE kind = ? AND (account, number, sender) > (?, ?, ?)
    ORDER BY account, number, sender LIMIT ?
"""
_LIST_OF_ACCOUNT = f"""
    SELECT {_COLUMNS} FROM consents WHERE kind = ? AND account = ? AND (number, sender) > (?, ?)
    ORDER BY number, sender LIMIT ?
"""
_FIND = f"SELECT {_COLUMNS} FROM consents WHERE kind = ? AND account = ? AND number = ? ORDER BY sender"


def apply_consents(execute: Execute, changes: Changes) -> None:
    """Of several updates of one record the last one counts."""
    last = {record[:4]: (record, is_kept) for record, is_kept in changes.consents}
    _PUT.execute(execute, [record for record, is_kept in last.values() if is_kept])
    _DELETE.execute(execute, [key for key, (_, is_kept) in last.items() if not is_kept])


def list_consents(
    cursor: apsw.Cursor, kind: ConsentKind, account: str | None, after: ConsentRecord | None, limit: int
) -> list[ConsentRecord]:
    """One range of the primary key."""
    begin = ("", "", "") if after is None else after[1:4]
    if account is None:
        return _records(cursor.execute(_LIST, (kind, *begin, limit)))
    return _records(cursor.execute(_LIST_OF_ACCOUNT, (kind, account, *begin[1:], limit)))


def find_consents(cursor: apsw.Cursor, kind: ConsentKind, account: str, number: str) -> list[ConsentRecord]:
    return _records(cursor.execute(_FIND, (kind, account, number)))


def _records(rows: Iterable[Row]) -> list[ConsentRecord]:
    return [ConsentRecord(ConsentKind(row[0]), *row[1:]) for row in rows]
