"""One group commit: the changes of many calls as few lists, and their execution in one transaction.

Only what the database must end up with is written: of several updates of a row the last one, of an update and a
finish in the same group the finish, of a delivery that is queued and done in the same group nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
from attrs import define, field

from smsagg.errors import StoreError
from smsagg.model import Message
from smsagg.store.base import Changes, OnDone
from smsagg.store.ledger import add_balances, add_spending
from smsagg.store.sqlite import statements
from smsagg.store.sqlite.audit import apply_audit
from smsagg.store.sqlite.consents import apply_consents
from smsagg.store.sqlite.events import apply_events
from smsagg.store.sqlite.money import apply_money
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.rows import Row, delivery_row, group_row, is_plain, message_row, mo_part_row, plain_row
from smsagg.store.sqlite.verifications import apply_verifications


@define(eq=False)
class Write:
    """One call of :meth:`smsagg.store.base.Store.write`; empty changes are a barrier."""

    changes: Changes
    on_done: OnDone | None


@define(eq=False)
class Job:
    """Work inside the transaction, after all that was queued before it."""

    run: Callable[[apsw.Cursor], object]
    on_done: OnDone


def rows_in(changes: Changes) -> int:
    """Rows that ``changes`` writes, as ``group_max`` counts them."""
    return (
        len(changes.new_messages)
        + len(changes.new_parts)
        + len(changes.message_updates)
        + len(changes.replaced)
        + len(changes.finished)
        + len(changes.group_updates)
        + len(changes.new_deliveries)
        + len(changes.delivery_updates)
        + len(changes.done_deliveries)
        + len(changes.parked_receipts)
        + len(changes.unparked_receipts)
        + len(changes.new_mo_parts)
        + len(changes.done_mo_parts)
        + len(changes.keyed_answers)
        + len(changes.events)
        + len(changes.event_deliveries)
        + len(changes.done_event_deliveries)
        + len(changes.entities)
        + len(changes.consents)
        + len(changes.verifications)
        + len(changes.money)
        + len(changes.spending)
        + len(changes.audit)
    )


@define(eq=False)
class Group:
    """What one transaction holds: writes in the order of their calls, then jobs."""

    writes: list[Write] = field(factory=list)
    jobs: list[Job] = field(factory=list)
    cover: bool = False
    """Change one page even if nothing else does; see :mod:`smsagg.store.sqlite.writer`."""
    rows: int = 0
    _unparks: bool = False

    def takes(self, item: Write | Job, rows_max: int) -> bool:
        """Whether ``item`` may join. A first item always may; the order in which calls were made is never changed.

        Nothing is written after a job, and no receipt is parked after one was unparked, since a group applies all
        its parked receipts before all its unparked ones.
        """
        if isinstance(item, Job):
            return True
        if self.jobs or (self._unparks and item.changes.parked_receipts):
            return False
        return self.rows == 0 or self.rows + rows_in(item.changes) <= rows_max

    def add(self, item: Write | Job) -> None:
        if isinstance(item, Job):
            self.jobs.append(item)
            return
        self.writes.append(item)
        self.rows += rows_in(item.changes)
        if item.changes.unparked_receipts:
            self._unparks = True

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.jobs or self.cover)

    def reports(self, error: StoreError | None) -> list[tuple[OnDone, StoreError | None]]:
        """Everyone who waits for this group, in order, with the same answer."""
        reports = [(write.on_done, error) for write in self.writes if write.on_done is not None]
        reports += [(job.on_done, error) for job in self.jobs]
        return reports

    def take_out_new_messages(self) -> "Group":
        """Cut the group down to the rest and return what was cut."""
        return self._take_out(lambda changes: bool(changes.new_messages))

    def take_out_refusable(self) -> "Group":
        """The same with all that may be refused."""
        return self._take_out(lambda changes: changes.is_refusable)

    def _take_out(self, is_wanted: Callable[[Changes], bool]) -> "Group":
        cut, rest = Group(), Group(cover=self.cover)
        for write in self.writes:
            (cut if is_wanted(write.changes) else rest).add(write)
        self.writes, self.rows = rest.writes, rest.rows
        return cut

    def apply(self, cursor: apsw.Cursor, recent: RecentIds) -> None:
        """Execute it all on an open transaction; raises :class:`apsw.Error`."""
        execute = cursor.execute
        if self.cover:
            execute(statements.COVER)
        if self.rows:
            if len(self.writes) == 1:
                changes = self.writes[0].changes
            else:
                changes = _merge([write.changes for write in self.writes])
            _apply_messages(execute, changes, recent)
            _apply_deliveries(execute, changes)
            if changes.parked_receipts:
                receipts = {receipt[:3]: receipt for receipt in changes.parked_receipts}
                statements.INSERT_PARKED_RECEIPTS.execute(execute, list(receipts.values()))
            if changes.unparked_receipts:
                statements.DELETE_PARKED_RECEIPTS.execute(execute, changes.unparked_receipts)
            if changes.new_mo_parts or changes.done_mo_parts:
                _apply_mo_parts(execute, changes)
            if changes.keyed_answers:
                answers = {answer[:2]: answer for answer in changes.keyed_answers}
                statements.PUT_KEYED_ANSWERS.execute(execute, list(answers.values()))
            if changes.events or changes.event_deliveries or changes.done_event_deliveries:
                apply_events(execute, changes)
            if changes.entities:
                _apply_entities(execute, changes)
            if changes.consents:
                apply_consents(execute, changes)
            if changes.verifications:
                apply_verifications(execute, changes)
            if changes.money or changes.spending:
                apply_money(execute, changes)
            if changes.audit:
                apply_audit(lambda sql, bindings: cursor.execute(sql, bindings).fetchall(), changes.audit)
            if changes.new_messages or changes.new_deliveries:
                last_seq = max((message.seq for message in changes.new_messages), default=0)
                last_delivery_id = max((delivery.delivery_id for delivery in changes.new_deliveries), default=0)
                execute(statements.RAISE_COUNTERS, (last_seq, last_delivery_id))
        for job in self.jobs:
            job.run(cursor)


def _merge(parts: list[Changes]) -> Changes:
    whole = Changes()
    for part in parts:
        if part.new_messages:
            whole.new_messages += part.new_messages
            whole.new_parts += part.new_parts
        if part.message_updates:
            whole.message_updates += part.message_updates
        if part.replaced:
            whole.replaced += part.replaced
        if part.finished:
            whole.finished += part.finished
        if part.group_updates:
            whole.group_updates += part.group_updates
        if part.new_deliveries:
            whole.new_deliveries += part.new_deliveries
        if part.delivery_updates:
            whole.delivery_updates += part.delivery_updates
        if part.done_deliveries:
            whole.done_deliveries += part.done_deliveries
        if part.parked_receipts:
            whole.parked_receipts += part.parked_receipts
        if part.unparked_receipts:
            whole.unparked_receipts += part.unparked_receipts
        if part.new_mo_parts:
            whole.new_mo_parts += part.new_mo_parts
        if part.done_mo_parts:
            whole.done_mo_parts += part.done_mo_parts
        if part.keyed_answers:
            whole.keyed_answers += part.keyed_answers
        if part.events:
            whole.events += part.events
        if part.event_deliveries:
            whole.event_deliveries += part.event_deliveries
        if part.done_event_deliveries:
            whole.done_event_deliveries += part.done_event_deliveries
        if part.entities:
            whole.entities += part.entities
        if part.consents:
            whole.consents += part.consents
        if part.verifications:
            whole.verifications += part.verifications
        if part.money:
            add_balances(whole.money, part.money)
        if part.spending:
            add_spending(whole.spending, part.spending)
        if part.audit:
            whole.audit += part.audit
    return whole


def _apply_messages(execute: statements.Execute, changes: Changes, recent: RecentIds) -> None:
    if changes.new_parts:
        statements.ADD_PARTS.execute(execute, [group_row(group) for group in changes.new_parts])
    if changes.new_messages:
        plain, others = _told_apart(changes.new_messages)
        statements.INSERT_PLAIN_MESSAGES.execute(execute, plain)
        statements.INSERT_MESSAGES.execute(execute, others)
    if changes.replaced:
        replaced = {replaced.seq: replaced for replaced in changes.replaced}
        statements.REPLACE_MESSAGES.execute(execute, list(replaced.values()))
    updates = {update.seq: update for update in changes.message_updates}
    if changes.finished:
        finished: dict[int, tuple[Any, ...]] = {}
        for over in changes.finished:
            update = updates.pop(over.seq, None)
            if over.seq not in finished:
                finished[over.seq] = (*over, None if update is None else update.pool)
        statements.COPY_TO_HISTORY.execute(execute, list(finished.values()))
        statements.DELETE_MESSAGES.execute(execute, list(finished))
        recent.forget(changes.finished)
    if updates:
        statements.UPDATE_MESSAGES.execute(execute, list(updates.values()))
        recent.note(updates.values())
        statements.INDEX_MESSAGES.execute(execute, recent.leave())
    if changes.group_updates:
        group_updates = {update.group_seq: update for update in changes.group_updates}
        statements.UPDATE_GROUPS.execute(execute, list(group_updates.values()))


def _told_apart(messages: Sequence[Message]) -> tuple[list[Row], list[Row]]:
    """Short rows of plain messages, which most are, and whole rows of the others."""
    plain: list[Row] = []
    others: list[Row] = []
    for message in messages:
        if is_plain(message):
            plain.append(plain_row(message))
        else:
            others.append(message_row(message))
    return plain, others


def _apply_deliveries(execute: statements.Execute, changes: Changes) -> None:
    done = set(changes.done_deliveries)
    if changes.new_deliveries:
        rows = [delivery_row(delivery) for delivery in changes.new_deliveries if delivery.delivery_id not in done]
        statements.INSERT_DELIVERIES.execute(execute, rows)
    if changes.delivery_updates:
        updates = {update.delivery_id: update for update in changes.delivery_updates if update.delivery_id not in done}
        statements.UPDATE_DELIVERIES.execute(execute, list(updates.values()))
    if done:
        statements.DELETE_DELIVERIES.execute(execute, changes.done_deliveries)


def _apply_mo_parts(execute: statements.Execute, changes: Changes) -> None:
    done = set(changes.done_mo_parts)
    rows = [mo_part_row(part) for part in changes.new_mo_parts if part.part_id not in done]
    statements.INSERT_MO_PARTS.execute(execute, rows)
    statements.DELETE_MO_PARTS.execute(execute, changes.done_mo_parts)


def _apply_entities(execute: statements.Execute, changes: Changes) -> None:
    values = {(kind, key): value for kind, key, value in changes.entities}
    kept = [(*entity, value) for entity, value in values.items() if value is not None]
    statements.PUT_ENTITIES.execute(execute, kept)
    statements.DELETE_ENTITIES.execute(execute, [entity for entity, value in values.items() if value is None])
