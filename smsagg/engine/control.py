"""Looking at messages and cancelling them, by their owner only. A foreign id answers exactly as an unknown one."""

from collections.abc import Callable, Sequence

import trio

from smsagg.engine.core import Changes, Core
from smsagg.engine.finish import Finisher
from smsagg.engine.queued import Queued
from smsagg.engine.waiting import Waiting
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState, NamedRange, named_range
from smsagg.store.base import QueuedMatch

RANGE_MAX = 256
"""Messages read from the store in one go."""


class Control:
    """``query_sm`` and ``cancel_sm``, for any front door."""

    def __init__(
        self, core: Core, waiting: Waiting, queued: Queued, finisher: Finisher, last_seq: Callable[[], int]
    ) -> None:
        self._core = core
        self._last_seq = last_seq
        self._waiting = waiting
        self._queued = queued
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

    async def find_queued(self, account: str, message_id: str) -> tuple[list[Message], bool]:
        """Of those the ones that may be held or ended now, and whether that is all of them."""
        with self._core.watching_finishes() as finished_meanwhile:
            found = await self.find_all(account, message_id)
        queued = self._queued.still_queued(message for message in found if message.seq not in finished_meanwhile)
        return queued, len(queued) == len(found)

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
        """End what no carrier has, of the messages with this id that ``may_cancel``, as DELETED; True after the commit.

        False: there is no such message of this account, ``may_cancel`` says no, or it has been sent. Cancelling the
        call does not undo it.
        """
        queued, _ = await self.find_queued(account, message_id)
        queued = [message for message in queued if may_cancel(message)]
        if not queued:
            return False
        await self._end(queued)
        return True

    async def cancel_matching(self, match: QueuedMatch) -> int:
        """End every message that matches and that no carrier has as DELETED; how many, after the commit of all.

        Cancelling the call does not undo what it did by then.
        """
        count = 0

        async def end(batch: list[Message]) -> None:
            nonlocal count
            if batch:
                count += len(batch)
                await self._end(batch)

        await self._queued.find(match, end)
        return count

    async def _end(self, messages: Sequence[Message]) -> None:
        """End QUEUED messages; returns after the commit."""
        core = self._core
        changes = Changes()
        parked: list[int] = []
        now = core.clock.now_ms()
        for message in messages:
            if message.seq in core.live:
                self._waiting.withdraw(message)
            else:
                core.settling.add(message.seq)
                parked.append(message.seq)
            self._finisher.finish(message, MessageState.DELETED, 0, now, changes)
        is_committed = trio.Event()

        def committed(_: StoreError | None) -> None:
            core.settled.extend(parked)
            is_committed.set()

        self._finisher.commit(changes, committed)
        await is_committed.wait()
