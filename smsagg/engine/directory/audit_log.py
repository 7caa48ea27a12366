"""The line in the log that tells the head of the audit trail."""

from contextlib import suppress

import structlog

from smsagg.directory.audit import AuditEntry
from smsagg.errors import StoreError
from smsagg.store.base import Store

log = structlog.get_logger("smsagg.audit")


async def log_record(store: Store, entry: AuditEntry) -> None:
    """After the commit of ``entry``: the head that is to be kept somewhere else."""
    with suppress(StoreError):  # the next record's line says it too
        head = await store.audit_head()
        log.info("audit_record", head=str(head), action=entry.action, subject=entry.subject, by=entry.actor)
