"""The audit trail in the store's file, read beside the running server: walked to its end, or searched."""

from collections.abc import Iterator

from smsagg.directory.audit import AuditHead, AuditRecord, AuditSought, Broken, ChainCheck
from smsagg.history.reader import History
from smsagg.store.sqlite.audit import audit_head, find_audit, next_audit

PAGE = 1_000


def verify(history: History, noted: AuditHead | None = None) -> tuple[AuditHead, Broken | None]:
    """How far the trail is whole, and where it first is not. What is appended meanwhile is walked too."""
    check = ChainCheck(noted)
    while True:
        with history.snapshot() as ask:
            records = next_audit(ask, check.last.seq)
            head = None if records else audit_head(ask)
        for record in records:
            if (broken := check.add(record)) is not None:
                return check.last, broken
        if head is not None:
            return check.last, check.end(head)


def find(history: History, sought: AuditSought, limit: int) -> Iterator[AuditRecord]:
    """The newest first, at most ``limit``."""
    before = 0
    while limit > 0:
        with history.snapshot() as ask:
            records, before = find_audit(ask, sought, before, min(limit, PAGE))
        yield from records
        limit -= len(records)
        if not before:
            return
