"""Messages that a rule on content holds: they wait in the store for an operator, who releases or rejects them.

A held message is QUEUED and parked like any, with a ``next_attempt_at`` that never comes
(:data:`~smsagg.model.HELD_UNTIL`), so it survives restarts, can be looked at and cancelled by its owner, and expires
with the receipt that was asked for. Which rule holds it is the first line of its trail. The parts of a message that we
cut are released or rejected together.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

import structlog

from smsagg.abuse.checks import HELD_BY
from smsagg.engine.admission.freezing import Freezing
from smsagg.engine.core import Core
from smsagg.engine.queues.queued import Queued
from smsagg.engine.requests.control import Control
from smsagg.model import HELD_UNTIL, Cause, Message, MessageState
from smsagg.smpp.status import ESME_RSUBMITFAIL

BATCH = 500

log = structlog.get_logger("smsagg.audit")


class Holding:
    """What operators do with held messages. Raises StoreError when the store cannot be asked."""

    def __init__(self, core: Core, control: Control, queued: Queued, freezing: Freezing) -> None:
        self._core = core
        self._control = control
        self._queued = queued
        self._freezing = freezing

    async def held(self, account: str = "", rule: str = "") -> AsyncIterator[list[Message]]:
        """Those of ``account`` and of ``rule``, or of all, in batches by age. Parts that we cut come one by one.

        What is done with a batch before anything is awaited is done with messages that are held."""
        after_seq, are_all = 0, False
        while not are_all:
            with self._core.watching_finishes() as finished_meanwhile:
                found = await self._core.store.find_held(HELD_UNTIL, BATCH, after_seq, account)
                self._core.groups.adopt(found)
            are_all = len(found) < BATCH
            after_seq = found[-1].seq if found else 0
            held = self._still_held(message for message in found if message.seq not in finished_meanwhile)
            yield [message for message in held if rule in ("", rule_of(message))]

    async def find(self, message_id: str) -> list[Message]:
        """The held messages with this id: one, the parts of one, or copies of a submit_multi."""
        with self._core.watching_finishes() as finished_meanwhile:
            found = await self._control.find_rows(message_id)
        return self._still_held(message for message in found if message.seq not in finished_meanwhile)

    async def release(self, held: Sequence[Message], by: str) -> int:
        """Let held messages, just found, go on; how many did. One whose account is frozen waits on for that."""
        released = await self._freezing.release(held, f"released by {by}")
        for message in released:
            log.info("held_released", message_id=message.message_id, account=message.account, by=by)
        return len(released)

    async def reject(self, held: Sequence[Message], by: str) -> int:
        """End held messages, just found, as REJECTED, each with the one receipt that was asked for; how many, after the
        commit."""
        rejected = self._still_held(await self._control.with_siblings(held))
        for message in rejected:
            message.cause = Cause.CONTENT_NOT_ALLOWED
            log.info("held_rejected", message_id=message.message_id, account=message.account, by=by)
        if rejected:
            await self._control.end(rejected, MessageState.REJECTED, ESME_RSUBMITFAIL)
        return len(rejected)

    def _still_held(self, messages: Iterable[Message]) -> list[Message]:
        queued = self._queued.still_queued(message for message in messages if message.state is MessageState.QUEUED)
        return [message for message in queued if message.next_attempt_at == HELD_UNTIL]


def rule_of(message: Message) -> str:
    """The rule that holds a message."""
    _, _, rule = message.trail.partition("\n")[0].partition(HELD_BY)
    return rule
