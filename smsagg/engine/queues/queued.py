"""QUEUED messages wherever they wait, for who wants to end or change them: found, held, and put back.

Theory of operation. A QUEUED message is in a queue in memory, in the store alone (parked), or on its way between them.
Who looks for messages by their addresses looks at memory as it is, then asks the store; what the loader brings from the
store meanwhile is noted (``Core.load_watchers``). So nothing that was queued when the search began is missed.

Memory is searched through a copy of the account's queues, some thousands at a time, so that a long queue holds up
nobody. The store finds parked messages by an index on their destination.

A *held* message is QUEUED and in memory, but in no queue: nobody sends it. What ends messages (expiry, cancel, a late
acceptance) ends held ones too, so after every wait the holder looks whether it still has them.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import trio

from smsagg.engine.core import Core
from smsagg.engine.queues.waiting import Waiting
from smsagg.model import Message, MessageState
from smsagg.store.base import QueuedMatch

LOOKED_AT_ONCE = 2_000
FOUND_AT_ONCE = 500


class Queued:
    """All accounts' queues."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._core = core
        self._waiting = waiting

    async def find(self, match: QueuedMatch, take: Callable[[list[Message]], Awaitable[None]]) -> None:
        """Give ``take`` batches of what matches and can be ended or held at that moment; what memory has comes first.

        Raises StoreError when the store cannot answer.
        """
        core = self._core
        with core.watching_loads() as loaded:
            waiting = self._waiting.of_account(match.account)
            for start in range(0, len(waiting), LOOKED_AT_ONCE):
                part = waiting[start : start + LOOKED_AT_ONCE]
                await take(self.still_queued(m for m in part if core.live.get(m.seq) is m and match.is_match(m)))
                await trio.lowlevel.checkpoint()
            after_seq, is_more = 0, True
            while is_more:
                with core.watching_finishes() as finished_meanwhile:
                    found = await core.store.find_queued(match, FOUND_AT_ONCE, after_seq)
                    core.groups.adopt(found)
                is_more = len(found) == FOUND_AT_ONCE
                after_seq = found[-1].seq if found else 0
                await take(self.still_queued(message for message in found if message.seq not in finished_meanwhile))
            await take(self.still_queued(message for message in loaded if match.is_match(message)))

    def still_queued(self, messages: Iterable[Message]) -> list[Message]:
        """Of messages that were QUEUED, known from memory or the store, those that still are, as memory has them."""
        core = self._core
        known = {message.seq: core.live.get(message.seq, message) for message in messages}
        return [
            message
            for message in known.values()
            if message.state is MessageState.QUEUED and message.seq not in core.settling and not core.is_stale(message)
        ]

    async def hold(self, messages: Sequence[Message]) -> list[Message] | None:
        """Take all of these out of wherever they wait; ``None``, and nothing is held, when one is QUEUED no more.

        Held messages are to be given to :meth:`put_back`, or ended. Not cancelled while the store is asked; the caller
        goes on without a checkpoint. Raises StoreError.
        """
        core = self._core
        if any(message.pool not in core.pools for message in messages):  # on their way to another pool
            return None
        parked = [message.seq for message in messages if message.seq not in core.live]
        with core.watching_finishes() as finished_meanwhile:
            claimed = await core.store.claim_by_key(parked) if parked else []
            core.groups.adopt(claimed)
        for message in claimed:
            if message.seq not in finished_meanwhile and message.seq not in core.settling:  # else its row is to go
                core.live[message.seq] = message
        waiting = (core.live.get(message.seq) for message in messages)
        held = [message for message in waiting if message is not None and message.state is MessageState.QUEUED]
        for message in held:
            self._waiting.withdraw(message)
        if len(held) < len(messages):
            self.put_back(held)
            return None
        return held

    def lock(self, held: Sequence[Message]) -> None:
        """Let nobody else end held messages; until :meth:`unlock`, or for ever once they are over."""
        core = self._core
        for message in held:
            core.settling.add(message.seq)
            del core.live[message.seq]

    def unlock(self, locked: Sequence[Message]) -> None:
        """They are held as before."""
        core = self._core
        for message in locked:
            core.settling.discard(message.seq)
            core.live[message.seq] = message

    def put_back(self, held: Iterable[Message]) -> None:
        """Those that are still held wait again, by their ``next_attempt_at``."""
        core, now = self._core, self._core.clock.now_ms()
        for message in held:
            if self.is_held(message):
                self._waiting.readmit(message, now)
        core.wake_dispatcher()

    def is_held(self, message: Message) -> bool:
        """Whether nobody ended a held message."""
        return message.state is MessageState.QUEUED and self._core.live.get(message.seq) is message
