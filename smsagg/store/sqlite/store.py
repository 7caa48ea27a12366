"""The store port on one SQLite file: the trio side of the writer thread."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw
import trio

from smsagg.config.schema import StoreSettings
from smsagg.directory.audit import AuditHead, AuditRecord, AuditSought
from smsagg.errors import StoreError, StoreFull
from smsagg.model import Delivery, Event, EventDelivery, Message, PartGroup
from smsagg.model.consent import ConsentKind, ConsentRecord
from smsagg.protection.subject import DataSubject
from smsagg.store.base import (
    ENDPOINTS_AT_ONCE,
    Changes,
    EnrouteMessage,
    ErasurePlace,
    ErasureStep,
    KeyedAnswer,
    OnDone,
    ParkedReceipt,
    QueuedMatch,
    Recovered,
    RetentionPlace,
    RetentionRule,
    StoreStatistics,
)
from smsagg.store.ledger import Balance, DayCharges, DaySpending, LedgerEntry
from smsagg.store.sqlite import audit, consents, events, jobs, money, verifications
from smsagg.store.sqlite.checkpoint import Checkpointer
from smsagg.store.sqlite.connection import PAGE_OCTETS, Seams, connect
from smsagg.store.sqlite.disk import FreeSpace
from smsagg.store.sqlite.erasing import erase
from smsagg.store.sqlite.group import Job, Write
from smsagg.store.sqlite.opening import Opened, open_database
from smsagg.store.sqlite.retention import apply_retention
from smsagg.store.sqlite.writer import LOW_SPACE, Reports, Writer
from smsagg.verification import Verification

CLOSE_DEADLINE_S = 10.0

Answer = TypeVar("Answer")


@asynccontextmanager
async def open_sqlite_store(settings: StoreSettings, seams: Seams | None = None) -> AsyncIterator["SqliteStore"]:
    """The store of ``settings.path`` for the length of the block; folders are made as needed.

    Raises :class:`StoreInUse` when another store holds it and :class:`StoreFailed`, with what to do, when it is
    damaged, another program's, a newer version's, or sealed with a key that is not there. Leaving the block, also by
    cancellation, writes what was queued, for at most ``CLOSE_DEADLINE_S``; what cannot be written by then is reported
    to its ``on_done`` as failed.
    """
    seams = seams or Seams()
    opened = await trio.to_thread.run_sync(open_database, settings, seams)
    try:
        store = SqliteStore(settings, seams, opened, trio.lowlevel.current_trio_token())
        try:
            yield store
        finally:
            with trio.CancelScope(shield=True):
                await store._close()
    finally:
        opened.lock.release()


class SqliteStore:
    """See :class:`smsagg.store.base.Store`. Made by :func:`open_sqlite_store` only.

    Questions are answered on the writer thread in the order of the calls, so they see everything written before.
    A claim cannot be cancelled once it is asked: what it unparked must reach the caller. Its wait is one commit long.
    """

    def __init__(
        self,
        settings: StoreSettings,
        seams: Seams,
        opened: Opened,
        token: trio.lowlevel.TrioToken,
    ) -> None:
        self.cipher = opened.cipher
        self.on_commit: Callable[[float, int], None] = _ignore_commit
        self._token = token
        open_again = partial(connect, settings.path, seams, opened.database_key, opened.cipher)
        self._checkpointer = Checkpointer(open_again, PAGE_OCTETS)
        self._writer = Writer(
            opened.connection,
            reopen=open_again,
            keys=opened.keys,
            checkpointer=self._checkpointer,
            space=FreeSpace(str(Path(settings.path).parent), settings.free_octets_min, seams.free_octets),
            rows_max=settings.group_max,
            retry_first_s=seams.retry_first_s,
            token=token,
            report=self._report,
        )

    @property
    def failing(self) -> StoreError | None:
        return self._writer.failing

    @property
    def refusing(self) -> StoreError | None:
        if self._writer.failing is not None:
            return self._writer.failing
        return StoreFull(LOW_SPACE) if self._writer.space_is_low() else None

    @property
    def statistics(self) -> StoreStatistics:
        statistics = self._writer.statistics
        statistics.queued_changes = self._writer.queued
        return statistics

    def write(self, changes: Changes, on_done: OnDone | None = None) -> None:
        if changes.is_refusable:
            assert changes.may_be_refused(), "what is owed does not come with what may be refused"
            failing = self._writer.failing
            if failing is not None:
                if on_done is not None:
                    self._token.run_sync_soon(on_done, failing)
                return
        self._writer.submit(Write(changes, on_done))

    async def flush(self) -> None:
        done = trio.Event()
        self.write(Changes(), lambda _error: done.set())
        await done.wait()

    async def recover(self, now: int, due_by: int | None = None) -> Recovered:
        return await self._ask(lambda cursor: jobs.recover(cursor, now, due_by), must_finish=True)

    async def claim_messages(self, pool: str, due_at: int, limit: int) -> list[Message]:
        return await self._ask(lambda cursor: jobs.claim_messages(cursor, pool, due_at, limit), must_finish=True)

    async def claim_by_key(self, seqs: Sequence[int]) -> list[Message]:
        return await self._ask(lambda cursor: jobs.claim_by_key(cursor, seqs), must_finish=True)

    async def find_queued(self, match: QueuedMatch, limit: int, after_seq: int = 0) -> list[Message]:
        return await self._ask(lambda cursor: jobs.find_queued(cursor, match, limit, after_seq))

    async def find_held(self, until: int, limit: int, after_seq: int = 0, account: str = "") -> list[Message]:
        return await self._ask(lambda cursor: jobs.find_held(cursor, until, limit, after_seq, account))

    async def next_due(self) -> dict[str, int]:
        return await self._ask(jobs.next_due)

    async def claim_deliveries(self, account: str, due_at: int, limit: int) -> list[Delivery]:
        return await self._ask(lambda cursor: jobs.claim_deliveries(cursor, account, due_at, limit), must_finish=True)

    async def next_delivery_due(self) -> dict[str, int]:
        return await self._ask(jobs.next_delivery_due)

    async def find_by_carrier_id(self, carrier: str, carrier_message_ids: Sequence[str]) -> list[Message]:
        ids = tuple(carrier_message_ids)
        return await self._ask(lambda cursor: jobs.find_by_carrier_id(cursor, self._writer.recent, carrier, ids))

    async def find_message(self, seq: int) -> Message | None:
        return await self._ask(lambda cursor: jobs.find_message(cursor, seq))

    async def find_parts(self, group_seq: int) -> list[Message]:
        return await self._ask(lambda cursor: jobs.find_parts(cursor, group_seq))

    async def find_closed_groups(self, closed_before: int, limit: int) -> list[PartGroup]:
        return await self._ask(lambda cursor: jobs.find_closed_groups(cursor, closed_before, limit))

    async def find_messages(self, seq: int, count: int) -> list[Message]:
        return await self._ask(lambda cursor: jobs.find_messages(cursor, seq, count))

    async def find_expired(
        self, expires_before: int, limit: int, after_seq: int = 0, expires_from: int = 0
    ) -> list[Message]:
        return await self._ask(lambda cursor: jobs.find_expired(cursor, expires_from, expires_before, limit, after_seq))

    async def drop_expired_deliveries(self, now: int, limit: int) -> int:
        return await self._ask(lambda cursor: jobs.drop_expired_deliveries(cursor, now, limit))

    async def drop_history(self, done_before: int, limit: int) -> int:
        return await self._ask(lambda cursor: jobs.drop_history(cursor, done_before, limit))

    async def apply_retention(
        self, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
    ) -> RetentionPlace:
        return await self._ask(lambda cursor: apply_retention(cursor, rule, done_before, place, limit))

    async def erase(self, subject: DataSubject, pseudonym: str, place: ErasurePlace, limit: int) -> ErasureStep:
        return await self._ask(lambda cursor: erase(cursor, subject, pseudonym, place, limit))

    async def find_parked_receipts(self, carrier: str = "") -> list[ParkedReceipt]:
        return await self._ask(lambda cursor: jobs.find_parked_receipts(cursor, carrier))

    async def list_enroute(self, carrier: str, after_seq: int, limit: int) -> tuple[list[EnrouteMessage], int]:
        return await self._ask(lambda cursor: jobs.list_enroute(cursor, carrier, after_seq, limit))

    async def drop_parked_receipts(self, parked_before: int) -> int:
        return await self._ask(lambda cursor: jobs.drop_parked_receipts(cursor, parked_before))

    async def find_keyed_answer(self, account: str, key: str) -> KeyedAnswer | None:
        return await self._ask(lambda cursor: jobs.find_keyed_answer(cursor, account, key))

    async def drop_keyed_answers(self, created_before: int, limit: int) -> int:
        return await self._ask(lambda cursor: jobs.drop_keyed_answers(cursor, created_before, limit))

    async def due_events(self, endpoint: str, due_by: int, limit: int) -> list[tuple[EventDelivery, Event]]:
        return await self._ask(lambda cursor: events.due_events(cursor, endpoint, due_by, limit))

    async def next_event_due(self, after: str = "", limit: int = ENDPOINTS_AT_ONCE) -> dict[str, int]:
        return await self._ask(lambda cursor: events.next_event_due(cursor, after, limit))

    async def find_events(
        self, account: str, after: int, limit: int, *, kinds: Sequence[str] = (), message_id: str = ""
    ) -> list[Event]:
        return await self._ask(lambda cursor: events.find_events(cursor, account, after, limit, kinds, message_id))

    async def last_event_before(self, at: int) -> int:
        return await self._ask(lambda cursor: events.last_event_before(cursor, at))

    async def owe_events(
        self, endpoint: str, account: str, kinds: Sequence[str], after: int, up_to: int, limit: int
    ) -> tuple[int, int]:
        return await self._ask(
            lambda cursor: events.owe_events(cursor, endpoint, account, kinds, after, up_to, limit), must_finish=True
        )

    async def count_owed_events(self, endpoint: str, limit: int) -> int:
        return await self._ask(lambda cursor: events.count_owed_events(cursor, endpoint, limit))

    async def forgive_events(self, endpoint: str, limit: int) -> int:
        return await self._ask(lambda cursor: events.forgive_events(cursor, endpoint, limit))

    async def drop_events(self, before: int, limit: int) -> tuple[int, Mapping[str, int]]:
        return await self._ask(lambda cursor: events.drop_events(cursor, before, limit))

    async def load_entities(self, kind: str) -> list[tuple[str, bytes]]:
        return await self._ask(lambda cursor: jobs.load_entities(cursor, kind))

    async def list_entities(self, kind: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        return await self._ask(lambda cursor: jobs.list_entities(cursor, kind, after, limit))

    async def find_entities(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        return await self._ask(lambda cursor: jobs.find_entities(cursor, kind, keys))

    async def list_consents(
        self, kind: ConsentKind, account: str | None, after: ConsentRecord | None, limit: int
    ) -> list[ConsentRecord]:
        return await self._ask(lambda cursor: consents.list_consents(cursor, kind, account, after, limit))

    async def find_consents(self, kind: ConsentKind, account: str, number: str) -> list[ConsentRecord]:
        return await self._ask(lambda cursor: consents.find_consents(cursor, kind, account, number))

    async def find_verification(self, account: str, verification_id: str) -> Verification | None:
        return await self._ask(lambda cursor: verifications.find_verification(cursor, account, verification_id))

    async def find_due_verifications(self, expires_before: int, limit: int) -> list[Verification]:
        return await self._ask(lambda cursor: verifications.find_due_verifications(cursor, expires_before, limit))

    async def drop_verifications(self, expires_before: int, limit: int) -> int:
        return await self._ask(lambda cursor: verifications.drop_verifications(cursor, expires_before, limit))

    async def find_audit(self, sought: AuditSought, before_seq: int, limit: int) -> tuple[list[AuditRecord], int]:
        return await self._ask(lambda cursor: audit.find_audit(_asking(cursor), sought, before_seq, limit))

    async def audit_head(self) -> AuditHead:
        return await self._ask(lambda cursor: audit.audit_head(_asking(cursor)))

    async def load_balances(self) -> list[Balance]:
        return await self._ask(money.load_balances)

    async def load_spending(self, since_day: int) -> list[DaySpending]:
        return await self._ask(lambda cursor: money.load_spending(cursor, since_day))

    async def drop_spending(self, before_day: int) -> int:
        return await self._ask(lambda cursor: money.drop_spending(cursor, before_day))

    async def post_entry(self, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
        return await self._ask(lambda cursor: money.post_entry(cursor, entry), must_finish=True)

    async def find_entries(self, account: str, posted_from: int, limit: int) -> list[LedgerEntry]:
        return await self._ask(lambda cursor: money.find_entries(cursor, account, posted_from, limit))

    async def find_charges(self, account: str, since_day: int) -> list[DayCharges]:
        return await self._ask(lambda cursor: money.find_charges(cursor, account, since_day))

    async def _ask(self, run: Callable[[apsw.Cursor], Answer], must_finish: bool = False) -> Answer:
        """Run a job; its answer is returned after its commit. Raises the :class:`StoreError` that it was told.

        A group may run more than once before its commit succeeds, so the last answer counts.
        """
        answered = trio.Event()
        answers: list[Answer] = []
        error: StoreError | None = None

        def on_done(told: StoreError | None) -> None:
            nonlocal error
            error = told
            answered.set()

        self._writer.submit(Job(lambda cursor: answers.append(run(cursor)), on_done))
        with trio.CancelScope(shield=must_finish):
            await answered.wait()
        if error is not None:
            raise error
        return answers[-1]

    def _report(self, reports: Reports, seconds: float, changes: int) -> None:
        for on_done, error in reports:
            on_done(error)
        if seconds:
            self.on_commit(seconds, changes)

    async def _close(self) -> None:
        """End the threads: within the deadline after all that is queued, then without."""
        self._writer.close()
        if not await trio.to_thread.run_sync(self._writer.join, CLOSE_DEADLINE_S):
            self._writer.close(abandon=True)
            await trio.to_thread.run_sync(self._writer.join, CLOSE_DEADLINE_S)
        await trio.to_thread.run_sync(self._checkpointer.close)
        await trio.lowlevel.checkpoint()  # the last reports were posted before the thread ended


def _asking(cursor: apsw.Cursor) -> audit.Ask:
    return lambda sql, bindings: cursor.execute(sql, bindings).fetchall()


def _ignore_commit(_seconds: float, _changes: int) -> None:
    pass
