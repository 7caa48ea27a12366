"""Looking at one message and cancelling it, by its owner only. A foreign id answers exactly as an unknown one."""

from collections.abc import Callable

import trio

from smsagg.engine.core import Changes, Core
from smsagg.engine.finish import Finisher
from smsagg.engine.waiting import Waiting
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState, NamedRange, named_range

RANGE_MAX = 256
"""Messages read from the store in one go."""


class Control:
    """``query_sm`` and ``cancel_sm``, for any front door."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher, last_seq: Callable[[], int]) -> None:
        self._core = core
        self._last_seq = last_seq
        self._waiting = waiting
        self._finisher = finisher

    async def find(self, account: str, message_id: str) -> Message | None:
        """The account's message with this id, live or over, the first of several; ``None`` when there is none that it
        may see."""
        messages = await self.find_all(account, message_id)
        return messages[0] if messages else None

    async def find_any(self, message_id: str) -> Message | None:
        """As :meth:`find`, whosever it is: for operators only."""
        messages = await self._named(message_id)
        return messages[0] if messages else None

    async def find_all(self, account: str, message_id: str) -> list[Message]:
        """The account's messages with this id by seq: one, all copies of a submit_multi, or none that it may see."""
        return [message for message in await self._named(message_id) if message.account == account]

    async def _named(self, message_id: str) -> list[Message]:
        named = named_range(message_id, self._last_seq())
        if named is None:
            return []
        live, store = self._core.live, self._core.store
        if named.copies > 1:
            return await self._copies(named, message_id)
        if named.seq in live:
            found = [live[named.seq]]
        else:
            message = await store.find_message(named.seq)
            found = [] if message is None else [message]
        return [live.get(message.seq, message) for message in found if message.message_id == message_id]

    async def _copies(self, named: NamedRange, message_id: str) -> list[Message]:
        """Of the range that the id names, a bounded part at a time: it ends where another message's id begins."""
        copies: list[Message] = []
        for start in range(0, named.copies, RANGE_MAX):
            count = min(RANGE_MAX, named.copies - start)
            found = await self._core.store.find_messages(named.seq + start, count)
            own = [message for message in found if message.message_id == message_id]
            copies += own
            if len(own) < count:
                break
        return [self._core.live.get(message.seq, message) for message in copies]

    async def cancel(self, account: str, message_id: str, may_cancel: Callable[[Message], bool]) -> bool:
        """End a message that no carrier has as DELETED; True after the commit.

        False: there is no such message of this account, ``may_cancel`` says no, or it has been sent. Cancelling the
        call does not undo it.
        """
        core = self._core
        with core.watching_finishes() as finished_meanwhile:
            message = await self.find(account, message_id)
        if message is None or not may_cancel(message):
            return False
        message = core.live.get(message.seq, message)
        if message.state is not MessageState.QUEUED or message.seq in finished_meanwhile or core.is_stale(message):
            return False
        changes = Changes()
        parked = message.seq not in core.live
        if parked:
            core.settling.add(message.seq)
        else:
            self._waiting.withdraw(message)
        self._finisher.finish(message, MessageState.DELETED, 0, core.clock.now_ms(), changes)

        is_committed = trio.Event()
        failed: list[StoreError] = []

        def committed(error: StoreError | None) -> None:
            if error is not None:
                failed.append(error)
            elif parked:
                core.settled.append(message.seq)
            is_committed.set()

        self._finisher.commit(changes, committed)
        await is_committed.wait()
        return not failed
