"""Known bugs of calls by HTTP and of webhooks."""

from typing import Any

import trio

from smsagg.api.v1.messages.sending import Sending
from smsagg.model import Message
from smsagg.smpp.status import ESME_ROK
from smsagg.store.base import Changes, OnDone
from smsagg.store.sqlite import SqliteStore
from tools.chaos.seams import StoreWrite, lagging_store, on_write, replace

FORGETS_S = 2.0
"""What should be in a transaction comes so long after it."""


def answered_before_commit() -> None:
    """The answer 202 to a call leaves before the commit."""
    lagging_store(lambda _: False)

    def make(original: Any) -> Any:
        async def commit(self: Sending, messages: list[Message], ends: Changes | None) -> int:
            trio.lowlevel.spawn_system_task(original, self, messages, ends)
            await trio.lowlevel.checkpoint()
            return ESME_ROK

        return commit

    replace(Sending, "_commit", make)


def key_outside_transaction() -> None:
    """The answer that belongs to an Idempotency-Key is stored after its messages."""
    _in_a_write_of_their_own("keyed_answers")


def events_outside_transaction() -> None:
    """What endpoints are owed is stored after what has happened."""
    _in_a_write_of_their_own("event_deliveries")


def _in_a_write_of_their_own(kind: str) -> None:
    """Records of ``kind`` reach the store :data:`FORGETS_S` after what they were written with."""

    async def write_late(store: SqliteStore, original: StoreWrite, records: list[Any]) -> None:
        await trio.sleep(FORGETS_S)
        original(store, Changes(**{kind: records}), None)

    def change(store: SqliteStore, original: StoreWrite, changes: Changes, on_done: OnDone | None) -> None:
        records = getattr(changes, kind)
        if records and (changes.new_messages or changes.finished):
            setattr(changes, kind, [])
            trio.lowlevel.spawn_system_task(write_late, store, original, records)
        original(store, changes, on_done)

    on_write(change)
