"""The one way a message ends: final state, history row and owed receipt in one transaction."""

from smsagg.engine.admission.money import Money
from smsagg.engine.admission.tariffs import Tariffs
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.deliveries import Deliveries
from smsagg.errors import StoreError
from smsagg.model import Delivery, Message, MessageState, PartGroup, PartReceipts
from smsagg.receipts.format import make_receipt
from smsagg.receipts.registered import wants_receipt
from smsagg.store.base import FinishedMessage, OnDone

_WAITING_STATES = (MessageState.QUEUED, MessageState.SENDING)


class Finisher:
    """Ends messages and reports them to the accounts that asked."""

    def __init__(self, core: Core, deliveries: Deliveries, money: Money, tariffs: Tariffs) -> None:
        self._core = core
        self._deliveries = deliveries
        self._money = money
        self._tariffs = tariffs

    def finish(self, message: Message, state: MessageState, error_code: int, now: int, changes: Changes) -> None:
        """Give ``message`` its final ``state``; what must be durable is added to ``changes``."""
        if message.price:
            message.charged = self._money.owed(message, state)
        if self._tariffs.charge_deliveries and state is MessageState.DELIVERED:
            self._tariffs.delivered(message)
        self.end(message, state, error_code, now)
        self.record(message, state, error_code, now, changes)

    def end(self, message: Message, state: MessageState, error_code: int, now: int) -> None:
        """The one half of :meth:`finish`: what memory knows."""
        core = self._core
        if message.state in _WAITING_STATES:
            core.left_queue(message)
        message.move_to(state)
        message.error_code = error_code
        message.done_at = now
        if message.accounted:
            self._money.settle(message, now)
        core.live.pop(message.seq, None)
        for finished in core.finish_watchers:
            finished.add(message.seq)
        core.metrics.finished(message, now)
        if core.on_finished is not None:
            core.on_finished(message)
        if core.watch.watcher is not None:
            core.decided(message, "over", state.name, f"error {error_code}" if error_code else "")

    def record(self, message: Message, state: MessageState, error_code: int, now: int, changes: Changes) -> None:
        """The other half: what must be durable, for a message that may still be refused its end."""
        changes.finished.append(
            FinishedMessage(
                message.seq,
                state,
                message.attempts,
                message.carrier,
                message.carrier_message_id,
                error_code,
                now,
                message.cost,
                message.cause,
                message.trail,
                message.charged,
            )
        )
        if message.accounted:
            self._money.record_settled(message, changes, now)
        if not self._core.events.is_quiet:
            self._note_over(message, state, error_code, now, changes)
        if message.group is not None:
            self._finish_part(message, message.group, state, error_code, now, changes)
        elif wants_receipt(message.registered_delivery, state):
            changes.new_deliveries.append(self.receipt(message, state, error_code, now))

    def _note_over(self, message: Message, state: MessageState, error_code: int, now: int, changes: Changes) -> None:
        """For accounts that follow it; a message that we cut is over with the last of its parts."""
        group = message.group
        if group is None or not group.is_split:
            self._core.events.over(message, state, error_code, changes, now)
        elif group.ended + 1 == group.parts_total:
            worst = group.worst_with(state, error_code)
            self._core.events.over(group.whole(message), *worst, changes, now)

    def close(self, group: PartGroup, first: Message | None, now: int, changes: Changes) -> None:
        """End a group that misses parts: none of them will come. ``first`` is the one that came first, which is in
        history, for the receipt."""
        group.close(now)
        self._core.groups.changed(group, changes)
        if first is not None and group.receipts is PartReceipts.WORST:
            self._tell_of_whole(first, group, now, changes)

    def _finish_part(
        self, message: Message, group: PartGroup, state: MessageState, error_code: int, now: int, changes: Changes
    ) -> None:
        is_telling = group.end_part(message.part_number, state, error_code, now)
        self._core.groups.changed(group, changes)
        if not is_telling:
            return
        if group.receipts is PartReceipts.WORST:
            self._tell_of_whole(message, group, now, changes)
        elif wants_receipt(message.registered_delivery, state):
            told = group.whole(message) if group.is_split else message
            changes.new_deliveries.append(self.receipt(told, state, error_code, now))

    def _tell_of_whole(self, part: Message, group: PartGroup, now: int, changes: Changes) -> None:
        if wants_receipt(group.registered_delivery, group.state):
            whole = group.whole(part)
            changes.new_deliveries.append(self.receipt(whole, group.state, group.error_code, now))

    def receipt(
        self, message: Message, state: MessageState, error_code: int, now: int, intermediate: bool = False
    ) -> Delivery:
        """The receipt that tells the account of ``state``, with its place in the account's queue reserved."""
        deliveries = self._deliveries
        delivery = make_receipt(
            message,
            state,
            error_code,
            now,
            deliveries.take_id(),
            now + deliveries.ttl_ms,
            intermediate,
        )
        deliveries.reserve(delivery)
        return delivery

    def commit(self, changes: Changes, on_done: OnDone | None = None) -> None:
        """Write ``changes``; deliveries in it set out after the commit, and ``on_done`` hears of it."""
        created = changes.new_deliveries
        if not created:
            self._core.store.write(changes, on_done)
            return

        def committed(error: StoreError | None) -> None:
            if error is None:
                self._deliveries.admit(created)
            if on_done is not None:
                on_done(error)

        self._core.store.write(changes, committed)
