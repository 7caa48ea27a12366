"""The audit trail in the database: its part of a group, and what is asked of it."""

from collections.abc import Callable, Sequence
from typing import Any

from smsagg.directory.audit import (
    AuditEntry,
    AuditHead,
    AuditRecord,
    AuditSought,
    chained,
    head_of,
)
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.statements import ManyRows

Ask = Callable[[str, Sequence[Any]], Sequence[Row]]

LOOKED_AT_MAX = 1_000
"""Records that one question looks at: some 5 ms of the store's time."""
LOOKED_AT_ONCE = 100
WALKED_AT_ONCE = 2_000
_SEQ_MAX = (1 << 63) - 1
SLACK_MS = 3_600_000
"""Records stand in the order of time but for a clock that was set back, by so much at most."""

_COLUMNS = ("seq", *AuditEntry._fields, "hash")
_NAMES = ", ".join(_COLUMNS)
_INSERT = ManyRows(len(_COLUMNS), lambda values: f"INSERT INTO audit ({_NAMES}) VALUES {values}")
_INDEXES = {"subject": "audit_of_subject", "actor": "audit_of_actor", "account": "audit_of_account"}
"""By what is sought, the most telling first."""


def apply_audit(ask: Ask, entries: Sequence[AuditEntry]) -> None:
    """Append ``entries`` on an open transaction."""
    head = audit_head(ask)
    rows: list[Row] = []
    for entry in entries:
        record = chained(head, entry)
        rows.append((record.seq, *entry, record.hash))
        head = head_of(record)
    _INSERT.execute(ask, rows)
    ask("UPDATE audit_head SET seq = ?, hash = ?", head)


def audit_head(ask: Ask) -> AuditHead:
    """The last record, as it is kept apart from the records."""
    return AuditHead(*ask("SELECT seq, hash FROM audit_head", ())[0])


def find_audit(ask: Ask, sought: AuditSought, before_seq: int, limit: int) -> tuple[list[AuditRecord], int]:
    """See :meth:`smsagg.store.base.Store.find_audit`."""
    by = next((name for name in _INDEXES if getattr(sought, name)), "")
    source, where, wanted = "audit", "seq < ?", []
    if by:
        source, where, wanted = f"audit INDEXED BY {_INDEXES[by]}", f"{where} AND {by} = ?", [getattr(sought, by)]
    text = f"SELECT {_NAMES} FROM {source} WHERE {where} ORDER BY seq DESC LIMIT {LOOKED_AT_ONCE}"
    found: list[AuditRecord] = []
    before = before_seq or _SEQ_MAX
    for _ in range(LOOKED_AT_MAX // LOOKED_AT_ONCE):
        rows = ask(text, (before, *wanted))
        for record in map(_record, rows):
            if record.entry.at < sought.since - SLACK_MS:
                return found, 0
            if sought.is_match(record.entry):
                found.append(record)
                if len(found) == limit:
                    return found, record.seq
        if len(rows) < LOOKED_AT_ONCE:
            return found, 0
        before = rows[-1][0]
    return found, before


def next_audit(ask: Ask, after_seq: int) -> list[AuditRecord]:
    """Records in their order; none: there are no more."""
    rows = ask(f"SELECT {_NAMES} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, WALKED_AT_ONCE))
    return [_record(row) for row in rows]


def _record(row: Row) -> AuditRecord:
    return AuditRecord(row[0], AuditEntry(*row[1:-1]), row[-1])
