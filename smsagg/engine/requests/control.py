"""Looking at messages and cancelling them, by their owner only. A foreign id answers exactly as an unknown one.

A message that we cut into parts is looked at as a whole, and its parts are cancelled together or not at all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import trio

from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.queues.queued import Queued
from smsagg.engine.queues.waiting import Waiting
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState, NamedRange, named_range
from smsagg.model.ids import SHORT_OCTETS
from smsagg.store.base import QueuedMatch

RANGE_MIN, RANGE_MAX = 4, 256
"""Messages read from the store in one go: at first for a short id, and then."""


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
        self._searches: defaultdict[str, trio.Semaphore] = defaultdict(partial(trio.Semaphore, 1))
        """An account searches once at a time."""

    async def find(self, account: str, message_id: str) -> Message | None:
        """The account's message with this id, live or over, the first of several; ``None`` when there is none that it
        may see."""
        messages = await self.find_all(account, message_id)
        return messages[0] if messages else None

    async def find_any(self, message_id: str) -> Message | None:
        """As :meth:`find`, whosever it is: for operators only."""
        messages = _wholes(await self._named(message_id))
        return messages[0] if messages else None

    async def find_rows(self, message_id: str) -> list[Message]:
        """As :meth:`find_any`, all of them, and each part of a message that we cut by itself."""
        return await self._named(message_id)

    async def find_all(self, account: str, message_id: str) -> list[Message]:
        """The account's messages with this id by seq: one, all copies of a submit_multi, or none that it may see.

        One that we cut is answered by a record of the whole, which is neither the store's nor the engine's."""
        return _wholes(await self._owned(account, message_id))

    async def find_queued(self, account: str, message_id: str) -> tuple[list[Message], bool]:
        """Of those the ones that may be held or ended now, parts one by one, and whether that is all of them."""
        with self._core.watching_finishes() as finished_meanwhile:
            found = await self._owned(account, message_id)
        queued = self._queued.still_queued(message for message in found if message.seq not in finished_meanwhile)
        return queued, len(queued) == len(found)

    async def _owned(self, account: str, message_id: str) -> list[Message]:
        return [message for message in await self._named(message_id) if message.account == account]

    async def _named(self, message_id: str) -> list[Message]:
        """All messages with this id, and all their parts."""
        named = named_range(message_id, self._last_seq())
        if named is None:
            return []
        live, store = self._core.live, self._core.store
        with self._core.groups.watching():
            if named.copies > 1:
                found = await self._copies(named, message_id)
            else:
                message = live.get(named.seq) or await store.find_message(named.seq)
                found = [] if message is None or message.message_id != message_id else [message]
                if message is not None and is_cut(message):
                    assert message.group is not None
                    found = await store.find_messages(message.group_seq, message.group.parts_total)
            self._core.groups.adopt(found)
        return [live.get(message.seq, message) for message in found if message.message_id == message_id]

    async def _copies(self, named: NamedRange, message_id: str) -> list[Message]:
        """Of the range that the id names, a bounded part at a time: it ends where another message's id begins. A short
        id tells no end and mostly names one, so little is read at first; of others the first may be gone already."""
        copies: list[Message] = []
        is_short = len(message_id) == SHORT_OCTETS
        start, count = 0, RANGE_MIN if is_short else RANGE_MAX
        while start < named.copies:
            count = min(count, named.copies - start)
            found = await self._core.store.find_messages(named.seq + start, count)
            own = [message for message in found if message.message_id == message_id]
            copies += own
            if not own or (is_short and len(own) < count):
                break
            start, count = start + count, RANGE_MAX
        return copies

    async def cancel(self, account: str, message_id: str, may_cancel: Callable[[Message], bool]) -> bool:
        """End what no carrier has, of the messages with this id that ``may_cancel``, as DELETED; True after the commit.

        False: there is no such message of this account, ``may_cancel`` says no, or it has been sent. Cancelling the
        call does not undo it.
        """
        queued, _ = await self.find_queued(account, message_id)
        queued = _unbroken([message for message in queued if may_cancel(message)])
        if not queued:
            return False
        await self.end(queued)
        return True

    async def cancel_matching(self, match: QueuedMatch) -> int:
        """End every message that matches and that no carrier has as DELETED; how many, after the commit of all.

        Cancelling the call does not undo what it did by then.
        """
        count = 0

        async def end(batch: list[Message]) -> None:
            nonlocal count
            batch = await self.with_siblings(batch)
            if batch:
                count += len(batch)
                await self.end(batch)

        async with self._searches[match.account]:
            await self._queued.find(match, end)
        return count

    async def with_siblings(self, queued: Sequence[Message]) -> list[Message]:
        """QUEUED messages, and of parts of messages that we cut all others as well, or none."""
        group_seqs = dict.fromkeys(message.group_seq for message in queued if is_cut(message))
        if not group_seqs:
            return list(queued)
        rows = [message for message in queued if not is_cut(message)]
        with self._core.watching_finishes() as finished_meanwhile:
            for group_seq in group_seqs:
                parts = await self._core.store.find_parts(group_seq)
                self._core.groups.adopt(parts)
                rows += parts
        return _unbroken(self._queued.still_queued(row for row in rows if row.seq not in finished_meanwhile))

    async def end(
        self, messages: Sequence[Message], state: MessageState = MessageState.DELETED, error_code: int = 0
    ) -> None:
        """End messages that are QUEUED still as ``state``; returns after the commit."""
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
            self._finisher.finish(message, state, error_code, now, changes)
        is_committed = trio.Event()

        def committed(_: StoreError | None) -> None:
            core.settled.extend(parked)
            is_committed.set()

        self._finisher.commit(changes, committed)
        await is_committed.wait()


def is_cut(message: Message) -> bool:
    """Whether it is a part of a message that we cut."""
    return message.group is not None and message.group.is_split


def _wholes(messages: Sequence[Message]) -> list[Message]:
    """The same with one record for all parts of a message that we cut, at the place of the first."""
    wholes: dict[int, Message] = {}
    for message in messages:
        if message.group is not None and message.group.is_split:
            wholes.setdefault(message.group_seq, message.group.whole(message))
        else:
            wholes[message.seq] = message
    return list(wholes.values())


def _unbroken(messages: Sequence[Message]) -> list[Message]:
    """The same without the parts of messages of which others are missing."""
    counts = Counter(message.group_seq for message in messages if is_cut(message))
    return [m for m in messages if m.group is None or not is_cut(m) or counts[m.group_seq] == m.group.parts_total]
