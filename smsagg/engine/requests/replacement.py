"""Replacing what waits: one text for another in a message, or waiting messages by a new one. Exactly one text goes out.

Theory of operation. What is to be replaced is first *held* (:mod:`smsagg.engine.queues.queued`), so that no carrier is
given the old text from then on; the change is committed in one transaction; then it waits again, or is over. Before the
commit a crash leaves the old text, after it the new one, never both. An attempt that is in doubt may have brought the
old text to a handset all the same: that is what in doubt means.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import trio
from attrs import define

from smsagg.engine.admission.intake import Intake, OnAccepted
from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.ending.deliveries import Deliveries
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.queues.queued import Queued
from smsagg.engine.requests.control import Control
from smsagg.errors import StoreError
from smsagg.model import HELD_UNTIL, Message, MessageState, Refusal
from smsagg.smpp.status import ESME_ROK, ESME_RREPLACEFAIL, ESME_RSUBMITFAIL, ESME_RSYSERR
from smsagg.store.base import QueuedMatch, ReplacedMessage

REPLACED_MAX = 1_000
"""Messages that one request may replace."""


@define(frozen=True)
class Revision:
    """What a message is to be from now on. Instants are UTC milliseconds."""

    registered_delivery: int
    body: bytes
    in_payload: bool
    not_before: int
    expires_at: int


Revise = Callable[[Message], Revision | int]
"""The revision of a message, or the command_status that refuses it."""


class Replacement:
    """``replace_sm``, and ``replace_if_present_flag`` of submits, for any front door."""

    def __init__(
        self,
        core: Core,
        control: Control,
        queued: Queued,
        intake: Intake,
        finisher: Finisher,
        deliveries: Deliveries,
    ) -> None:
        self._core = core
        self._control = control
        self._queued = queued
        self._intake = intake
        self._finisher = finisher
        self._deliveries = deliveries
        self._turns: defaultdict[str, trio.Semaphore] = defaultdict(partial(trio.Semaphore, 1))
        """An account replaces one after the other, from holding to commit: nothing is held twice."""

    async def revise(self, account: str, message_id: str, revise: Revise) -> int:
        """Change the messages with this id, all or none; ESME_ROK after the commit.

        ESME_RREPLACEFAIL: there is none of this account, a carrier has one of them, one is a part of a long message, or
        one waits for an operator;
        ESME_RSYSERR: the store cannot be asked; else what ``revise`` says. Cancelling the call does not undo it.
        """
        if self._core.store.failing is not None:
            return ESME_RSYSERR
        turn = self._turns[account]
        await turn.acquire()
        held: list[Message] | None = None
        try:
            messages, are_all = await self._control.find_queued(account, message_id)
            if not messages or not are_all or not all(map(_may_be_revised, messages)):
                return ESME_RREPLACEFAIL
            revisions: dict[int, Revision] = {}
            for message in messages:
                revision = revise(message)
                if isinstance(revision, int):
                    return revision
                revisions[message.seq] = revision
            held = await self._queued.hold(messages)
        except StoreError:
            return ESME_RSYSERR
        finally:
            if held is None:
                turn.release()
        if held is None:
            return ESME_RREPLACEFAIL
        return await self._commit(held, revisions, turn)

    async def _commit(self, held: Sequence[Message], revisions: dict[int, Revision], turn: trio.Semaphore) -> int:
        changes, before = Changes(), [copy.copy(message) for message in held]
        for message in held:
            _revise(message, revisions[message.seq], self._core.clock.now_ms())
            changes.replaced.append(_record(message))
            changes.message_updates.append(update_of(message))
        is_committed = trio.Event()
        status = ESME_ROK

        def committed(_: StoreError | None) -> None:
            nonlocal status
            if not all(self._queued.is_held(message) for message in held):
                status = ESME_RREPLACEFAIL
                self._restore(held, before)
            self._queued.put_back(held)
            turn.release()
            is_committed.set()

        self._core.store.write(changes, committed)
        await is_committed.wait()
        return status

    def _restore(self, held: Sequence[Message], before: Sequence[Message]) -> None:
        """One of them has ended meanwhile: it went, or was told of, with its old text."""
        changes = Changes()
        for message, old in zip(held, before, strict=True):
            _revise(message, _revision_of(old), 0)
            message.next_attempt_at = old.next_attempt_at
            changes.replaced.append(_record(message))
            if self._queued.is_held(message):
                changes.message_updates.append(update_of(message))
        self._core.store.write(changes)

    async def submit(self, message: Message, match: QueuedMatch, short_id: bool, on_accepted: OnAccepted) -> int:
        """Take in ``message`` in place of all that match and wait: they end as DELETED in the transaction in which it
        is stored. ESME_ROK: ``on_accepted`` will be told; else the command_status that refuses it.

        ESME_RSUBMITFAIL: what would be replaced is too much, or was cut into parts. Cancelling the call does not undo
        it.
        """
        turn = self._turns[message.account]
        await turn.acquire()
        held: list[Message] | None = None
        try:
            held = await self._hold_matching(match)
        except StoreError:
            return ESME_RSYSERR
        finally:
            if held is None:
                turn.release()
        if held is None:
            return ESME_RSUBMITFAIL
        now = self._core.clock.now_ms()
        message.accepted_at = now  # not when it was read: its turn may have been long in coming
        message.not_before = max(message.not_before, now)
        account = self._core.accounts.get(message.account)
        if account is None:  # it has left the configuration while its turn was awaited
            taken: list[Message] | Refusal = Refusal(ESME_RSYSERR)
        else:
            taken = self._intake.take(account, message, now)
        if isinstance(taken, Refusal):
            self._queued.put_back(held)
            turn.release()
            return taken.command_status
        self._intake.number(taken, short=short_id)
        self._queued.lock(held)
        ends = Changes()
        for old in held:
            self._finisher.record(old, MessageState.DELETED, 0, now, ends)

        def accepted(command_status: int) -> None:
            if command_status == ESME_ROK:
                for old in held:
                    self._finisher.end(old, MessageState.DELETED, 0, now)
                    self._core.settled.append(old.seq)
                self._deliveries.admit(ends.new_deliveries)
            else:
                self._deliveries.unreserve(ends.new_deliveries)
                self._queued.unlock(held)
                self._queued.put_back(held)
            turn.release()
            on_accepted(command_status)

        self._intake.commit(taken, accepted, ends)
        return ESME_ROK

    async def _hold_matching(self, match: QueuedMatch) -> list[Message] | None:
        """Everything that matches, held; ``None`` when that is too much, cut into parts, or just being sent."""
        found: dict[int, Message] = {}

        async def note(batch: list[Message]) -> None:
            found.update((message.seq, message) for message in batch[: REPLACED_MAX + 1 - len(found)])

        await self._queued.find(match, note)
        if len(found) > REPLACED_MAX or any(message.group is not None for message in found.values()):
            return None
        still_queued = self._queued.still_queued(found.values())
        return await self._queued.hold(still_queued) if still_queued else []


def _may_be_revised(message: Message) -> bool:
    return message.group is None and message.next_attempt_at != HELD_UNTIL


def _revision_of(message: Message) -> Revision:
    return Revision(
        message.registered_delivery, message.body, message.in_payload, message.not_before, message.expires_at
    )


def _revise(message: Message, revision: Revision, now: int) -> None:
    if revision.not_before != message.not_before:
        message.next_attempt_at = max(revision.not_before, now)
    message.registered_delivery = revision.registered_delivery
    message.body = revision.body
    message.in_payload = revision.in_payload
    message.not_before = revision.not_before
    message.expires_at = revision.expires_at


def _record(message: Message) -> ReplacedMessage:
    return ReplacedMessage(
        message.seq,
        message.registered_delivery,
        message.body,
        message.in_payload,
        message.not_before,
        message.expires_at,
    )
