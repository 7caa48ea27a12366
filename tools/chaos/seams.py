"""Where known bugs and failpoints are put into the server: its classes, in its own process. A seam that has gone fails
loudly."""

from collections import deque
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import trio
from attrs import evolve

from smsagg.store.base import Changes, OnDone
from smsagg.store.sqlite import SqliteStore
from smsagg.store.sqlite.group import Job, Write
from smsagg.store.sqlite.writer import Writer

LAG_S = 0.05
StoreWrite = Callable[[SqliteStore, Changes, OnDone | None], None]


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(original)`` in the place of an attribute that must be there."""
    setattr(owner, name, make(getattr(owner, name)))


def on_write(change: Callable[[SqliteStore, StoreWrite, Changes, OnDone | None], None]) -> None:
    """Have ``change(store, original, changes, on_done)`` called for each write."""

    def make(original: StoreWrite) -> Any:
        def write(self: SqliteStore, changes: Changes, on_done: OnDone | None = None) -> None:
            change(self, original, changes, on_done)

        return write

    replace(SqliteStore, "write", make)


def lagging_store(is_answered_at_once: Callable[[Changes], bool]) -> None:
    """Writes and questions reach the store's writer ``LAG_S`` later, in order; the chosen writes are done before."""
    lagging: deque[tuple[float, Callable[[], None]]] = deque()

    async def submit_lagging() -> None:
        while lagging:
            due_at, submit_now = lagging[0]
            await trio.sleep_until(due_at)
            submit_now()
            lagging.popleft()

    def make(original: Callable[[Writer, Write | Job], None]) -> Any:
        def submit(self: Writer, item: Write | Job) -> None:
            if isinstance(item, Write) and is_answered_at_once(item.changes):
                if item.on_done is not None:
                    trio.lowlevel.current_trio_token().run_sync_soon(item.on_done, None)
                new_messages = [copy(message) for message in item.changes.new_messages]
                item = Write(evolve(item.changes, new_messages=new_messages), None)
            lagging.append((trio.current_time() + LAG_S, partial(original, self, item)))
            if len(lagging) == 1:
                trio.lowlevel.spawn_system_task(submit_lagging)

        return submit

    replace(Writer, "submit", make)
