"""The store port in memory, for tests of what stands on it: same contract, and a medium that fails on demand.

Commits happen on the trio loop, one turn after the write; :meth:`MemoryStore.hold` keeps them back as a slow disk
would, :meth:`MemoryStore.fail_next` and :meth:`MemoryStore.break_down` make them fail, :meth:`MemoryStore.crash` ends
them. Nothing is shared with the caller: records are copied on the way in and out. What was committed outlives the store
in its :class:`Tables`.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import trio
from attrs import define

from smsagg.directory.audit import AuditHead, AuditRecord, AuditSought
from smsagg.errors import StoreError, StoreFailed
from smsagg.model import FROZEN_UNTIL, IN_LEDGER, Delivery, Event, EventDelivery, Message, MessageState, PartGroup
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
from smsagg.store.memory_erasing import erase
from smsagg.store.memory_tables import Tables, group_copy
from smsagg.verification import Verification, VerificationState

Answer = TypeVar("Answer")

Defer = Callable[[Callable[[], None]], None]
"""Has something called on the loop, later; what it is given first is called first."""


_CRASHED = StoreFailed("the store has crashed")


@define(eq=False)
class _Question:
    run: Callable[[], object]
    on_done: OnDone


_Item = tuple[Changes, OnDone | None] | _Question


class MemoryStore:
    """See :class:`smsagg.store.base.Store`."""

    def __init__(
        self, tables: Tables | None = None, commit_later: Defer | None = None, tell_later: Defer | None = None
    ) -> None:
        """``commit_later`` says when what was written is committed (default: one turn later), ``tell_later`` when those
        who wrote it hear of it (default: in the same turn)."""
        self.tables = tables or Tables()
        self.cipher = self.tables.cipher
        self._commit_later = commit_later or _one_turn_later
        self._tell_later = tell_later or _at_once
        self.on_commit: Callable[[float, int], None] = lambda _seconds, _changes: None
        self.failing: StoreError | None = None
        self._statistics = StoreStatistics()
        self._pending: deque[_Item] = deque()
        self._failures: deque[StoreError] = deque()
        self._broken: StoreError | None = None
        self._held = False
        self._scheduled = False
        self._crashed = False

    @property
    def refusing(self) -> StoreError | None:
        return self.failing

    @property
    def statistics(self) -> StoreStatistics:
        self._statistics.queued_changes = len(self._pending)
        return self._statistics

    # What a test does to the medium.

    def hold(self) -> None:
        """Commit nothing until :meth:`release`."""
        self._held = True

    def release(self) -> None:
        self._held = False
        self._schedule()

    def fail_next(self, error: StoreError, commits: int = 1) -> None:
        """Let the next ``commits`` commits fail with ``error``; owed writes are retried at once."""
        self._failures.extend([error] * commits)

    def break_down(self, error: StoreError) -> None:
        """Let every commit fail with ``error`` until :meth:`repair`."""
        self._broken = error

    def repair(self) -> None:
        """End :meth:`break_down`; owed writes are retried now."""
        self._broken = None
        self._schedule()

    def crash(self) -> None:
        """Lose what is not committed; from now on questions fail and writes are heard of no more."""
        self._crashed = True
        lost, self._pending = self._pending, deque()
        for item in lost:
            if isinstance(item, _Question):
                item.on_done(_CRASHED)

    # The port.

    def write(self, changes: Changes, on_done: OnDone | None = None) -> None:
        if changes.is_refusable:
            assert changes.may_be_refused(), "what is owed does not come with what may be refused"
            if self.failing is not None:
                if on_done is not None:
                    trio.lowlevel.current_trio_token().run_sync_soon(on_done, self.failing)
                return
        if not self._crashed:
            self._pending.append((changes, on_done))
            self._schedule()

    async def flush(self) -> None:
        done = trio.Event()
        self.write(Changes(), lambda _error: done.set())
        await done.wait()

    async def recover(self, now: int, due_by: int | None = None) -> Recovered:
        def run() -> Recovered:
            tables = self.tables
            live = tables.messages.values()
            queued = [message for message in live if message.state is MessageState.QUEUED]
            for message in queued:
                message.parked = True
                scheduled_at = message.not_before if message.not_before > message.accepted_at else 0
                if due_by is not None and max(due_by, scheduled_at) < message.next_attempt_at < FROZEN_UNTIL:
                    message.next_attempt_at = max(now, scheduled_at)
            for delivery in tables.deliveries.values():
                delivery.parked = True
                if due_by is not None and delivery.next_attempt_at > due_by:
                    delivery.next_attempt_at = now
            return Recovered(
                last_seq=tables.last_seq,
                last_delivery_id=tables.last_delivery_id,
                last_event_id=tables.events.last_event_id,
                in_doubt=self._copies(message for message in live if message.state is MessageState.SENDING),
                queued_by_account=_count(message.account for message in queued),
                queued_by_pool=_count(message.pool for message in queued),
                enroute=sum(message.state is MessageState.ENROUTE for message in live),
                deliveries_by_account=_count(delivery.account for delivery in tables.deliveries.values()),
                parked_receipts=sorted(tables.parked_receipts.values(), key=lambda receipt: receipt.parked_at),
                open_groups=sorted(map(group_copy, self._open_groups()), key=lambda group: -group.closes_at),
                mo_parts=[copy.copy(tables.mo_parts[part_id]) for part_id in sorted(tables.mo_parts)],
                reserved_by_account=_reserved_by_account(live),
            )

        return await self._ask(run, must_finish=True)

    async def claim_messages(self, pool: str, due_at: int, limit: int) -> list[Message]:
        def run() -> list[Message]:
            due = [m for m in self._waiting() if m.pool == pool and m.next_attempt_at <= due_at]
            due.sort(key=lambda message: (-message.priority, message.next_attempt_at, message.seq))
            for message in due[:limit]:
                message.parked = False
            return self._copies(due[:limit])

        return await self._ask(run, must_finish=True)

    async def claim_by_key(self, seqs: Sequence[int]) -> list[Message]:
        def run() -> list[Message]:
            wanted = frozenset(seqs)
            claimed = [message for message in self._waiting() if message.seq in wanted]
            for message in claimed:
                message.parked = False
            return self._copies(claimed)

        return await self._ask(run, must_finish=True)

    async def find_queued(self, match: QueuedMatch, limit: int, after_seq: int = 0) -> list[Message]:
        def run() -> list[Message]:
            found = [m for m in self._waiting() if m.seq > after_seq and match.is_match(m)]
            return self._copies(sorted(found, key=lambda message: message.seq)[:limit])

        return await self._ask(run)

    async def find_held(self, until: int, limit: int, after_seq: int = 0, account: str = "") -> list[Message]:
        def run() -> list[Message]:
            waiting = (m for m in self._waiting() if m.next_attempt_at == until and m.seq > after_seq)
            found = [message for message in waiting if account in ("", message.account)]
            return self._copies(sorted(found, key=lambda message: message.seq)[:limit])

        return await self._ask(run)

    async def next_due(self) -> dict[str, int]:
        return await self._ask(
            lambda: _earliest((message.pool, message.next_attempt_at) for message in self._waiting())
        )

    async def claim_deliveries(self, account: str, due_at: int, limit: int) -> list[Delivery]:
        def run() -> list[Delivery]:
            parked = [d for d in self.tables.deliveries.values() if d.parked and d.account == account]
            due = sorted(
                (delivery for delivery in parked if delivery.next_attempt_at <= due_at),
                key=lambda delivery: (delivery.next_attempt_at, delivery.delivery_id),
            )[:limit]
            for delivery in due:
                delivery.parked = False
            return [copy.copy(delivery) for delivery in due]

        return await self._ask(run, must_finish=True)

    async def next_delivery_due(self) -> dict[str, int]:
        return await self._ask(
            lambda: _earliest((d.account, d.next_attempt_at) for d in self.tables.deliveries.values() if d.parked)
        )

    async def find_by_carrier_id(self, carrier: str, carrier_message_ids: Sequence[str]) -> list[Message]:
        wanted = frozenset(carrier_message_ids)
        return await self._ask(
            lambda: self._copies(
                message
                for message in self.tables.messages.values()
                if message.state is MessageState.ENROUTE
                and message.carrier == carrier
                and message.carrier_message_id in wanted
            )
        )

    async def find_message(self, seq: int) -> Message | None:
        def run() -> Message | None:
            message = self.tables.messages.get(seq) or self.tables.history.get(seq)
            return None if message is None else self._copies([message])[0]

        return await self._ask(run)

    async def find_parts(self, group_seq: int) -> list[Message]:
        def run() -> list[Message]:
            parts = [message for message in self.tables.messages.values() if message.group_seq == group_seq]
            return self._copies(sorted(parts, key=lambda part: part.part_number))

        return await self._ask(run)

    async def find_closed_groups(self, closed_before: int, limit: int) -> list[PartGroup]:
        def run() -> list[PartGroup]:
            closed = [
                group
                for group in self._open_groups()
                if group.ended >= group.received and group.closes_at < closed_before
            ]
            return [group_copy(group) for group in sorted(closed, key=lambda group: group.closes_at)[:limit]]

        return await self._ask(run)

    async def find_messages(self, seq: int, count: int) -> list[Message]:
        def run() -> list[Message]:
            known = self.tables.messages | self.tables.history
            return self._copies(known[key] for key in range(seq, seq + count) if key in known)

        return await self._ask(run)

    async def find_expired(
        self, expires_before: int, limit: int, after_seq: int = 0, expires_from: int = 0
    ) -> list[Message]:
        def run() -> list[Message]:
            live = sorted(self.tables.messages.values(), key=lambda message: message.seq)
            over = [
                message
                for message in live
                if expires_from <= message.expires_at < expires_before and message.seq > after_seq
            ]
            return self._copies(over[:limit])

        return await self._ask(run)

    async def drop_expired_deliveries(self, now: int, limit: int) -> int:
        def run() -> int:
            expired = [d.delivery_id for d in self.tables.deliveries.values() if d.parked and d.expires_at < now]
            for delivery_id in expired[:limit]:
                del self.tables.deliveries[delivery_id]
            return len(expired[:limit])

        return await self._ask(run)

    async def drop_history(self, done_before: int, limit: int) -> int:
        def run() -> int:
            oldest = sorted(self.tables.history)[:limit]
            over = [seq for seq in oldest if self.tables.history[seq].done_at < done_before]
            self.tables.money.note_dropped(self.tables.history[seq] for seq in over)
            for seq in over:
                del self.tables.history[seq]
            for group_seq in sorted(self.tables.groups)[:limit]:
                if 0 < self.tables.groups[group_seq].done_at < done_before:
                    del self.tables.groups[group_seq]
            return len(over)

        return await self._ask(run)

    async def apply_retention(
        self, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
    ) -> RetentionPlace:
        return await self._ask(lambda: self.tables.apply_retention(rule, done_before, place, limit))

    async def erase(self, subject: DataSubject, pseudonym: str, place: ErasurePlace, limit: int) -> ErasureStep:
        return await self._ask(lambda: erase(self.tables, subject, pseudonym, place))

    async def find_parked_receipts(self, carrier: str = "") -> list[ParkedReceipt]:
        def run() -> list[ParkedReceipt]:
            parked = [row for row in self.tables.parked_receipts.values() if carrier in ("", row.carrier)]
            return sorted(parked, key=lambda row: (row.parked_at, row.carrier, row.carrier_message_id, row.state))

        return await self._ask(run)

    async def list_enroute(self, carrier: str, after_seq: int, limit: int) -> tuple[list[EnrouteMessage], int]:
        def run() -> tuple[list[EnrouteMessage], int]:
            seqs = sorted(seq for seq in self.tables.messages if seq > after_seq)[:limit]
            chunk = [self.tables.messages[seq] for seq in seqs]
            enroute = [m for m in chunk if m.state is MessageState.ENROUTE and m.carrier == carrier]
            found = [EnrouteMessage(m.seq, m.carrier_message_id, m.destination_addr) for m in enroute]
            return found, seqs[-1] if len(seqs) == limit else 0

        return await self._ask(run)

    async def find_keyed_answer(self, account: str, key: str) -> KeyedAnswer | None:
        return await self._ask(lambda: self.tables.keyed_answers.get((account, key)))

    async def drop_keyed_answers(self, created_before: int, limit: int) -> int:
        def run() -> int:
            old = [name for name, kept in self.tables.keyed_answers.items() if kept.created_at < created_before][:limit]
            for name in old:
                del self.tables.keyed_answers[name]
            return len(old)

        return await self._ask(run)

    async def due_events(self, endpoint: str, due_by: int, limit: int) -> list[tuple[EventDelivery, Event]]:
        return await self._ask(partial(self.tables.events.due, endpoint, due_by, limit))

    async def next_event_due(self, after: str = "", limit: int = ENDPOINTS_AT_ONCE) -> dict[str, int]:
        return await self._ask(partial(self.tables.events.next_due, after, limit))

    async def find_events(
        self, account: str, after: int, limit: int, *, kinds: Sequence[str] = (), message_id: str = ""
    ) -> list[Event]:
        return await self._ask(partial(self.tables.events.find, account, after, limit, kinds, message_id))

    async def last_event_before(self, at: int) -> int:
        return await self._ask(partial(self.tables.events.last_before, at))

    async def owe_events(
        self, endpoint: str, account: str, kinds: Sequence[str], after: int, up_to: int, limit: int
    ) -> tuple[int, int]:
        return await self._ask(partial(self.tables.events.owe, endpoint, account, kinds, after, up_to, limit))

    async def count_owed_events(self, endpoint: str, limit: int) -> int:
        return await self._ask(lambda: min(len(self.tables.events.owed_to(endpoint)), limit))

    async def forgive_events(self, endpoint: str, limit: int) -> int:
        return await self._ask(partial(self.tables.events.forgive, endpoint, limit))

    async def drop_events(self, before: int, limit: int) -> tuple[int, Mapping[str, int]]:
        return await self._ask(partial(self.tables.events.drop, before, limit))

    async def load_entities(self, kind: str) -> list[tuple[str, bytes]]:
        def run() -> list[tuple[str, bytes]]:
            return sorted((key, value) for (of, key), value in self.tables.entities.items() if of == kind)

        return await self._ask(run)

    async def list_entities(self, kind: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        return [entity for entity in await self.load_entities(kind) if entity[0] > after][:limit]

    async def find_entities(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        def run() -> dict[str, bytes]:
            return {key: self.tables.entities[kind, key] for key in keys if (kind, key) in self.tables.entities}

        return await self._ask(run)

    async def list_consents(
        self, kind: ConsentKind, account: str | None, after: ConsentRecord | None, limit: int
    ) -> list[ConsentRecord]:
        def run() -> list[ConsentRecord]:
            begin = () if after is None else after[1:4]
            listed = sorted(self.tables.consents.values())
            found = (r for r in listed if r.kind is kind and account in (None, r.account) and r[1:4] > begin)
            return list(islice(found, limit))

        return await self._ask(run)

    async def find_consents(self, kind: ConsentKind, account: str, number: str) -> list[ConsentRecord]:
        return await self._ask(
            lambda: sorted(r for r in self.tables.consents.values() if r[:3] == (kind, account, number))
        )

    async def find_verification(self, account: str, verification_id: str) -> Verification | None:
        def run() -> Verification | None:
            found = self.tables.verifications.get(verification_id)
            return found if found is not None and found.account == account else None

        return await self._ask(run)

    async def find_due_verifications(self, expires_before: int, limit: int) -> list[Verification]:
        def run() -> list[Verification]:
            over = (v for v in self.tables.verifications.values() if v.expires_at < expires_before)
            due = (v for v in over if v.state is VerificationState.PENDING)
            return sorted(due, key=lambda v: v.expires_at)[:limit]

        return await self._ask(run)

    async def drop_verifications(self, expires_before: int, limit: int) -> int:
        def run() -> int:
            kept = self.tables.verifications
            old = [name for name, found in kept.items() if found.expires_at < expires_before][:limit]
            for name in old:
                del kept[name]
            return len(old)

        return await self._ask(run)

    async def find_audit(self, sought: AuditSought, before_seq: int, limit: int) -> tuple[list[AuditRecord], int]:
        return await self._ask(partial(self.tables.find_audit, sought, before_seq, limit))

    async def audit_head(self) -> AuditHead:
        return await self._ask(lambda: self.tables.audit_head)

    async def load_balances(self) -> list[Balance]:
        return await self._ask(self.tables.money.load_balances)

    async def load_spending(self, since_day: int) -> list[DaySpending]:
        return await self._ask(partial(self.tables.money.load_spending, since_day))

    async def drop_spending(self, before_day: int) -> int:
        return await self._ask(partial(self.tables.money.drop_spending, before_day))

    async def post_entry(self, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
        return await self._ask(partial(self.tables.money.post_entry, entry), must_finish=True)

    async def find_entries(self, account: str, posted_from: int, limit: int) -> list[LedgerEntry]:
        return await self._ask(partial(self.tables.money.find_entries, account, posted_from, limit))

    async def find_charges(self, account: str, since_day: int) -> list[DayCharges]:
        return await self._ask(partial(self.tables.money.find_charges, account, since_day))

    async def drop_parked_receipts(self, parked_before: int) -> int:
        def run() -> int:
            old = [key for key, receipt in self.tables.parked_receipts.items() if receipt.parked_at < parked_before]
            for key in old:
                del self.tables.parked_receipts[key]
            return len(old)

        return await self._ask(run)

    # The commit.

    def _waiting(self) -> Iterable[Message]:
        return (m for m in self.tables.messages.values() if m.parked and m.state is MessageState.QUEUED)

    def _open_groups(self) -> list[PartGroup]:
        groups = self.tables.groups.values()
        return [group for group in groups if not group.done_at and group.received < group.parts_total]

    def _copies(self, messages: Iterable[Message]) -> list[Message]:
        """What the caller gets: parts have their group, and share it."""
        groups: dict[int, PartGroup] = {}
        copies = [copy.copy(message) for message in messages]
        for message in copies:
            group = self.tables.groups.get(message.group_seq)
            if group is not None:
                message.group = groups.setdefault(message.group_seq, group_copy(group))
        return copies

    async def _ask(self, run: Callable[[], Answer], must_finish: bool = False) -> Answer:
        if self._crashed:
            raise _CRASHED
        answered = trio.Event()
        answers: list[Answer] = []
        error: StoreError | None = None

        def on_done(told: StoreError | None) -> None:
            nonlocal error
            error = told
            answered.set()

        self._pending.append(_Question(lambda: answers.append(run()), on_done))
        self._schedule()
        with trio.CancelScope(shield=must_finish):
            await answered.wait()
        if error is not None:
            raise error
        return answers[0]

    def _schedule(self) -> None:
        if not self._scheduled and not self._held and self._pending:
            self._scheduled = True
            self._commit_later(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        if self._held:
            return
        group: list[_Item] = list(self._pending)
        self._pending.clear()
        error = self._broken or (self._failures.popleft() if self._failures else None)
        if error is not None:
            self._refuse(group, error)
            return
        for item in group:
            if isinstance(item, _Question):
                item.run()
            else:
                self.tables.apply(item[0])
        self._tell_later(partial(self._tell, group))

    def _tell(self, group: list[_Item]) -> None:
        """``group`` is committed; after a crash only those hear of it who asked, for they wait until they do."""
        if self._crashed:
            group = [item for item in group if isinstance(item, _Question)]
        else:
            self.failing = None
        self._statistics.commits += 1
        writes = 0
        for item in group:
            if isinstance(item, _Question):
                item.on_done(None)
            else:
                writes += 1
                if item[1] is not None:
                    item[1](None)
        self._statistics.changes_committed += writes
        self.on_commit(0.0, writes)

    def _refuse(self, group: list[_Item], error: StoreError) -> None:
        self._statistics.commit_failures += 1
        owed = [item for item in group if not isinstance(item, _Question) and not item[0].is_refusable]
        self._pending.extendleft(reversed(owed))
        if any(not changes.is_empty() for changes, _ in owed):
            self.failing = error
        for item in group:
            if isinstance(item, _Question):
                item.on_done(error)
            elif item[0].is_refusable and item[1] is not None:
                item[1](error)
        if self._broken is None:
            self._schedule()


def _one_turn_later(commit: Callable[[], None]) -> None:
    trio.lowlevel.current_trio_token().run_sync_soon(commit)


def _at_once(tell: Callable[[], None]) -> None:
    tell()


def _count(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _earliest(due: Iterable[tuple[str, int]]) -> dict[str, int]:
    earliest: dict[str, int] = {}
    for name, at in due:
        earliest[name] = min(at, earliest.get(name, at))
    return earliest


def _reserved_by_account(live: Iterable[Message]) -> dict[str, int]:
    reserved: dict[str, int] = {}
    for message in live:
        if message.accounted & IN_LEDGER and message.price:
            reserved[message.account] = reserved.get(message.account, 0) + message.price
    return reserved
