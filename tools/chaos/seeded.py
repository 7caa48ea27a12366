"""Known bugs, to prove that the checker finds them; :mod:`tools.chaos.wrapped` puts them into the server.

Each bug is a patch of the server's classes in its process; nothing in ``smsagg`` knows of it.
A seam that has gone fails loudly, so a bug cannot go unseeded unnoticed.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from smsagg.carriers.smpp import association
from smsagg.engine.ending.sweeper import Sweeper
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.sending.last_look import LastLook
from smsagg.errors import StoreFailed
from smsagg.model import CarrierReceipt, Message, MessageState
from smsagg.receipts.correlator import Correlator
from smsagg.receipts.dialect import IdDialect
from smsagg.store.base import Changes, OnDone
from smsagg.store.sqlite import SqliteStore, store
from smsagg.store.sqlite import connection as store_connection
from tools.chaos.configuration import CARRIERS
from tools.chaos.seams import StoreWrite, lagging_store, on_write, replace
from tools.chaos.seeded_http import answered_before_commit, events_outside_transaction, key_outside_transaction

DAY_MS = 86_400_000


def slow_store() -> None:
    """No bug: a store that takes its time. Every promise must hold."""
    lagging_store(lambda _: False)


def ack_before_commit() -> None:
    """submit_sm_resp ESME_ROK leaves before the commit."""
    lagging_store(lambda changes: bool(changes.new_messages))


def carrier_receipt_before_commit() -> None:
    """A carrier's receipt is answered before its effect is committed."""
    lagging_store(lambda changes: bool(changes.finished))


def receipts_in_memory() -> None:
    """Receipts that are owed to the ESME are in no store."""

    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        changes.new_deliveries = []
        original(store, changes, on_done)

    on_write(change)


def taken_unrecorded() -> None:
    """That a carrier took a message is not stored, so a restart sends all again that await their receipts."""
    _drop_updates(MessageState.ENROUTE)


def attempt_unrecorded() -> None:
    """The attempt of an at-most-once message is not stored before it is made."""
    _drop_updates(MessageState.SENDING)


def _drop_updates(state: MessageState) -> None:
    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        changes.message_updates = [update for update in changes.message_updates if update.state is not state]
        original(store, changes, on_done)

    on_write(change)


def refused_and_kept() -> None:
    """Now and then a message is refused although it was committed."""
    turns = count(1)

    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        if changes.new_messages and on_done is not None and next(turns) % 20 == 0:
            original(store, changes, lambda _: on_done(StoreFailed("seeded")))
        else:
            original(store, changes, on_done)

    on_write(change)


def carrier_forgotten() -> None:
    """Receipts are matched by the carrier's id alone."""

    def make(original: Callable[[Correlator, str, str, str], Message | None]) -> Any:
        def find(self: Correlator, carrier: str, carrier_message_id: str, msisdn: str = "") -> Message | None:
            found = (original(self, name, carrier_message_id, msisdn) for name in CARRIERS)
            return next((message for message in found if message is not None), None)

        return find

    replace(Correlator, "find", make)


def failure_read_as_success() -> None:
    """UNDELIV is taken for DELIVRD."""

    def make(original: Callable[..., CarrierReceipt | None]) -> Any:
        def receipt_of(*arguments: Any) -> CarrierReceipt | None:
            receipt = original(*arguments)
            if receipt is not None and receipt.state is MessageState.UNDELIVERABLE:
                receipt.state = MessageState.DELIVERED
            return receipt

        return receipt_of

    replace(association, "receipt_of", make)


def early_receipt_dropped() -> None:
    """A receipt that comes before its submit_sm_resp is answered and forgotten."""

    def make(original: Any) -> Any:
        def park(self: Correlator, *_: Any, **__: Any) -> bool:
            return True

        return park

    replace(Correlator, "park", make)

    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        changes.parked_receipts = []
        original(store, changes, on_done)

    on_write(change)


def synchronous_normal() -> None:
    """Commits are not synced, which only a loss of power can show."""

    def make(original: Callable[..., Any]) -> Any:
        def connect(*arguments: Any) -> Any:
            connection = original(*arguments)
            connection.execute("PRAGMA synchronous = NORMAL")
            return connection

        return connect

    replace(store_connection, "connect", make)
    replace(store, "connect", make)


def leading_zeros_stripped() -> None:
    """Carriers' ids are compared without their leading zeros, as if every carrier wrote numbers."""
    replace(IdDialect, "_normalise", lambda original: lambda *arguments: original(*arguments).lstrip("0"))


def cancel_unrecorded() -> None:
    """cancel_sm is answered and the message is out of its queue, but its end is in no store."""

    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        changes.finished = [over for over in changes.finished if over.state is not MessageState.DELETED]
        original(store, changes, on_done)

    on_write(change)


def retry_without_ttl_check() -> None:
    """``expires_at`` is looked at when a message is taken in, and not when it is sent."""
    _judge_age(lambda _message, _now: True)


def age_without_days() -> None:
    """The age of a message is taken as hours, minutes and seconds: its days are forgotten."""

    def is_young(message: Message, now: int) -> bool:
        return (now - message.accepted_at) % DAY_MS < message.expires_at - message.accepted_at

    _judge_age(is_young)


def _judge_age(is_young: Callable[[Message, int], bool]) -> None:
    """Wherever a waiting message is looked at, ``is_young`` says whether it may be sent still."""

    def make_sendable(original: Any) -> Any:
        def sendable(self: LastLook, messages: list[Message]) -> list[Message]:
            now = self._core.clock.now_ms()
            alive = [message for message in messages if is_young(message, now)]
            over: list[Message] = original(self, [message for message in messages if message not in alive])
            return alive + over

        return sendable

    def make_make_ready(original: Any) -> Any:
        def make_ready(self: Waiting, message: Message, now: int) -> None:
            original(self, message, min(now, message.expires_at - 1) if is_young(message, now) else now)

        return make_ready

    def make_sweep(original: Any) -> Any:
        async def sweep(self: Sweeper, *arguments: Any) -> None:
            if MessageState.QUEUED not in arguments:
                await original(self, *arguments)

        return sweep

    replace(LastLook, "sendable", make_sendable)
    replace(Waiting, "_make_ready", make_make_ready)
    replace(Sweeper, "_sweep_messages", make_sweep)


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        slow_store,
        ack_before_commit,
        carrier_receipt_before_commit,
        receipts_in_memory,
        taken_unrecorded,
        attempt_unrecorded,
        answered_before_commit,
        key_outside_transaction,
        events_outside_transaction,
        refused_and_kept,
        carrier_forgotten,
        failure_read_as_success,
        early_receipt_dropped,
        synchronous_normal,
        leading_zeros_stripped,
        cancel_unrecorded,
        retry_without_ttl_check,
        age_without_days,
    )
}

HARMLESS = "slow-store"

SHOWN_BY: dict[str, dict[str, Any]] = {
    "refused-and-kept": {},
    "carrier-forgotten": {},
    "failure-read-as-success": {},
    "early-receipt-dropped": {},
    "synchronous-normal": {"power_loss": 2},
    "leading-zeros-stripped": {},
    "retry-without-ttl-check": {"clock_jump": 1, "clock_jumps_s": (3_600.0,)},
    "age-without-days": {"clock_jump": 1, "clock_jumps_s": (86_405.0,)},
}
"""The faults, by their names in :class:`~tools.chaos.nemesis.Plan`, that a bug takes to show; two kills for all others,
and for some the load alone. A clock that goes a day and a little on makes young what has just lived a day."""
BY_KILLS = {"kill_server": 2}
