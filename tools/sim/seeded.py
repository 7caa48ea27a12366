"""Known bugs, to prove that a simulation finds them. Each replaces a method of the gateway for the time of a block.

Nothing in ``smsagg`` knows of it. A seam that has gone fails loudly, so a bug cannot go unseeded unnoticed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from smsagg.engine.admission.money import Money
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.requests.control import Control
from smsagg.engine.sending.last_look import LastLook
from smsagg.model import Message, MessageState
from smsagg.receipts.correlator import Correlator
from smsagg.smpp.connection import Connection
from smsagg.smpp.window import Window
from smsagg.store.base import Changes, OnDone
from smsagg.store.memory import MemoryStore
from tools.sim.scenario import CARRIERS
from tools.sim.seeded_texts import BUGS_OF_TEXTS, Replacements


def _answered_at_once(is_meant: Callable[[Changes], bool]) -> Replacements:
    """Some writes are reported as done before they are."""
    original = MemoryStore.write

    def write(self: MemoryStore, changes: Changes, on_done: OnDone | None = None) -> None:
        if on_done is not None and is_meant(changes) and self.failing is None:
            trio.lowlevel.current_trio_token().run_sync_soon(on_done, None)
            on_done = None
        original(self, changes, on_done)

    return [(MemoryStore, "write", write)]


def ack_before_commit() -> Replacements:
    """submit_sm_resp ESME_ROK leaves before the commit."""
    return _answered_at_once(lambda changes: bool(changes.new_messages))


def receipt_acked_before_commit() -> Replacements:
    """A carrier's receipt is answered before its effect is committed."""
    original = Finisher.commit

    def commit(self: Finisher, changes: Changes, on_done: OnDone | None = None) -> None:
        if on_done is not None and any(over.state is MessageState.DELIVERED for over in changes.finished):
            on_done(None)
            on_done = None
        original(self, changes, on_done)

    return [(Finisher, "commit", commit)]


def window_slot_never_freed() -> Replacements:
    """A request that is never answered keeps its place in the window."""

    def expire(self: Window, now: float, response_timeout_s: float) -> list[object]:
        return []

    def next_expiry_at(self: Window, response_timeout_s: float) -> float:
        return float("inf")

    return [(Window, "expire", expire), (Window, "next_expiry_at", next_expiry_at)]


def retry_without_ttl_check() -> Replacements:
    """``expires_at`` is looked at when a message is queued, and not when it is sent."""

    def sendable(self: LastLook, messages: list[Message]) -> list[Message]:
        return messages

    return [(LastLook, "sendable", sendable)]


def correlation_without_carrier() -> Replacements:
    """Receipts are matched by the carrier's id alone."""
    original = Correlator.find

    def find(self: Correlator, carrier: str, carrier_message_id: str, msisdn: str = "") -> Message | None:
        found = (original(self, name, carrier_message_id, msisdn) for name in CARRIERS)
        return next((message for message in found if message is not None), None)

    return [(Correlator, "find", find)]


def cancel_not_transactional() -> Replacements:
    """cancel_sm is answered before its effect is committed, and the message stays in its queue."""
    original = Control.cancel

    async def cancel(self: Control, account: str, message_id: str, may_cancel: Callable[[Message], bool]) -> bool:
        message = await self.find(account, message_id)
        if message is None or message.state is not MessageState.QUEUED or not may_cancel(message):
            return await original(self, account, message_id, may_cancel)
        trio.lowlevel.spawn_system_task(original, self, account, message_id, may_cancel)
        return True

    return [(Control, "cancel", cancel)]


def early_receipt_dropped() -> Replacements:
    """A receipt that comes before its submit_sm_resp is answered and forgotten."""

    def take_early(self: Correlator, carrier: str, carrier_message_id: str) -> list[object]:
        return []

    return [(Correlator, "take_early", take_early)]


def response_timer_at_enqueue() -> Replacements:
    """The response timer runs while the request still waits to be written."""
    original = Connection.data_to_send

    def data_to_send(self: Connection, now: float | None = None) -> bytes:
        return original(self, None)

    return [(Connection, "data_to_send", data_to_send)]


def parked_forgotten() -> Replacements:
    """What was parked is not remembered to be due."""

    def note_parked(self: Waiting, message: Message, now: int) -> None:
        """Nothing."""

    return [(Waiting, "_note_parked", note_parked)]


def receipts_not_owed_durably() -> Replacements:
    """Receipts that are owed to accounts are in no store."""
    original = MemoryStore.write

    def write(self: MemoryStore, changes: Changes, on_done: OnDone | None = None) -> None:
        changes.new_deliveries = []
        original(self, changes, on_done)

    return [(MemoryStore, "write", write)]


def refused_and_kept() -> Replacements:
    """A commit that took too long is refused and not unwound."""
    from smsagg.engine.admission.intake import Intake
    from smsagg.smpp.status import ESME_RSYSERR

    def unwind(self: Intake, messages: list[Message], on_accepted: Callable[[int], None]) -> None:
        on_accepted(ESME_RSYSERR)
        now = self._core.clock.now_ms()
        for message in messages:
            self._waiting.admit(message, now)

    return [(Intake, "_unwind", unwind)]


def charge_outside_of_the_transaction() -> Replacements:
    """What a message is charged is written by itself, and not with the message's end."""
    original = Money.record_settled

    def record_settled(self: Money, message: Message, changes: Changes, now: int) -> None:
        apart = Changes()
        original(self, message, apart, now)
        self._core.store.write(apart)

    return [(Money, "record_settled", record_settled)]


def reserved_money_kept() -> Replacements:
    """A message that no carrier took keeps its price reserved for ever."""
    original = Money.record_settled

    def record_settled(self: Money, message: Message, changes: Changes, now: int) -> None:
        if message.charged:
            original(self, message, changes, now)

    return [(Money, "record_settled", record_settled)]


BUGS: dict[str, Callable[[], Replacements]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        ack_before_commit,
        receipt_acked_before_commit,
        window_slot_never_freed,
        retry_without_ttl_check,
        correlation_without_carrier,
        cancel_not_transactional,
        early_receipt_dropped,
        response_timer_at_enqueue,
        parked_forgotten,
        receipts_not_owed_durably,
        refused_and_kept,
        charge_outside_of_the_transaction,
        reserved_money_kept,
        *BUGS_OF_TEXTS,
    )
}


@contextmanager
def seeded(bug: str) -> Iterator[None]:
    """With this bug in the gateway (``""``: none) until the block ends."""
    replaced: Replacements = []
    try:
        for owner, name, replacement in BUGS[bug]() if bug else ():
            replaced.append((owner, name, getattr(owner, name)))
            setattr(owner, name, replacement)
        yield
    finally:
        for owner, name, original in reversed(replaced):
            setattr(owner, name, original)
