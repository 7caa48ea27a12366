"""Verifications in the database: their part of a group, and what the store is asked."""

from operator import attrgetter

import apsw
import attrs

from smsagg.store.base import Changes
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.statements import Execute, ManyRows
from smsagg.verification import Verification, VerificationState

_FIELDS = tuple(attribute.name for attribute in attrs.fields(Verification))
_COLUMNS = ", ".join(_FIELDS)
_row = attrgetter(*_FIELDS)
_CHANGING = ("state", "digests", "attempts", "message_ids", "last_sent_at", "done_at")
"""What becomes another in a verification that is there: whose it is does not, so an erased number stays erased."""
_CHANGE = ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
_PUT = ManyRows(
    len(_FIELDS),
    lambda values: (
        f"INSERT INTO verifications ({_COLUMNS}) VALUES {values} ON CONFLICT (verification_id) DO UPDATE SET {_CHANGE}"
    ),
)
_FIND = f"SELECT {_COLUMNS} FROM verifications WHERE verification_id = ? AND account = ?"
_DUE = f"""
    SELECT {_COLUMNS} FROM verifications INDEXED BY verifications_pending
    WHERE state = 'pending' AND expires_at < ? ORDER BY expires_at LIMIT ?
"""
_DROP = """
    DELETE FROM verifications WHERE verification_id IN (
        SELECT verification_id FROM verifications INDEXED BY verifications_age WHERE expires_at < ? LIMIT ?
    )
"""


def apply_verifications(execute: Execute, changes: Changes) -> None:
    """Of several records of one verification the last one counts."""
    last = {verification.verification_id: verification for verification in changes.verifications}
    _PUT.execute(execute, [_row(verification) for verification in last.values()])


def find_verification(cursor: apsw.Cursor, account: str, verification_id: str) -> Verification | None:
    row = cursor.execute(_FIND, (verification_id, account)).fetchone()
    return None if row is None else _from_row(row)


def find_due_verifications(cursor: apsw.Cursor, expires_before: int, limit: int) -> list[Verification]:
    return [_from_row(row) for row in cursor.execute(_DUE, (expires_before, limit))]


def drop_verifications(cursor: apsw.Cursor, expires_before: int, limit: int) -> int:
    cursor.execute(_DROP, (expires_before, limit))
    return cursor.connection.changes()


def _from_row(row: Row) -> Verification:
    values = dict(zip(_FIELDS, row, strict=True))
    return Verification(**{**values, "state": VerificationState(values["state"])})
