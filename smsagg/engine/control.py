"""Looking at one message and cancelling it, by its owner only. A foreign id answers exactly as an unknown one."""

from collections.abc import Callable

import trio

from smsagg.engine.core import Changes, Core
from smsagg.engine.finish import Finisher
from smsagg.engine.waiting import Waiting
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState, parse_message_id


class Control:
    """``query_sm`` and ``cancel_sm``, for any front door."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher) -> None:
        self._core = core
        self._waiting = waiting
        self._finisher = finisher

    async def find(self, account: str, message_id: str) -> Message | None:
        """The account's message with this id, live or over; ``None`` when there is none that it may see."""
        message = await self.find_any(message_id)
        return message if message is not None and message.account == account else None

    async def find_any(self, message_id: str) -> Message | None:
        """As :meth:`find`, whosever it is: for operators only."""
        parsed = parse_message_id(message_id)
        if parsed is None:
            return None
        seq, _ = parsed
        message = self._core.live.get(seq)
        if message is None:
            message = await self._core.store.find_message(seq)
        return message if message is not None and message.message_id == message_id else None

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
