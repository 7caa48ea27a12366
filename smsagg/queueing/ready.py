"""Messages of one pool that may go out now, in the order in which they should.

Theory of operation. Four lanes by priority; a higher lane is always emptied first. Within a lane every account with
messages has a queue of its own, and the accounts take turns of at most ``QUANTUM`` messages, so that one account's
million delays another's single message by one turn only. Within an account it is first in, first out. An account whose
turn is over goes to the end of the ring; one that begins to have messages joins the ring at its end.

A removed message is only forgotten (``_waiting`` no longer names it) and skipped when its turn comes; when the skipped
outnumber the waiting the deques are rebuilt, so memory stays within twice the bound. Push, take and remove cost
constant time per message, on average. One that was removed may have gone to the store, and come back as another object:
what was forgotten is told from what waits by its identity, not by its ``seq``.

The bound is ``messages_max``; at the bound :meth:`ReadyQueue.push` says no, and the caller spills or refuses. What was
taken and comes back unsent is always let in again at the front: it was counted before.
"""

from collections import deque
from collections.abc import Iterable
from itertools import chain

from smsagg.model import Message

LANES = 4
QUANTUM = 4
"""Messages an account may send before the next one's turn."""
_GARBAGE_MIN = 64
"""Forgotten messages below which a rebuild is not worth it."""


class _AccountQueue:
    """One account's messages in one lane."""

    __slots__ = ("account", "messages")

    def __init__(self, account: str) -> None:
        self.account = account
        self.messages: deque[Message] = deque()


class _Lane:
    """The accounts of one priority, in the order of their turns."""

    __slots__ = ("by_account", "ring", "turn_left")

    def __init__(self) -> None:
        self.by_account: dict[str, _AccountQueue] = {}
        self.ring: deque[_AccountQueue] = deque()
        self.turn_left = QUANTUM
        """What is left of the turn of the ring's first."""

    def queue_of(self, account: str) -> _AccountQueue:
        queue = self.by_account.get(account)
        if queue is None:
            queue = self.by_account[account] = _AccountQueue(account)
            self.ring.append(queue)
        return queue

    def end_turn(self) -> None:
        """The first of the ring has had its turn: it goes to the end, or out when it is empty."""
        first = self.ring[0]
        if first.messages:
            self.ring.rotate(-1)
        else:
            self.ring.popleft()
            del self.by_account[first.account]
        self.turn_left = QUANTUM


class ReadyQueue:
    """A bounded queue with strict priorities and fairness between accounts."""

    __slots__ = ("_forgotten", "_lanes", "_waiting", "messages_max")

    def __init__(self, messages_max: int) -> None:
        self.messages_max = messages_max
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._waiting: dict[int, Message] = {}
        """Every message that is in the queue and not removed, by ``seq``."""
        self._forgotten = 0
        """Entries of the deques that are not waiting any more."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, message: Message) -> bool:
        return message.seq in self._waiting

    @property
    def room(self) -> int:
        """How many more messages :meth:`push` would take."""
        return max(self.messages_max - len(self._waiting), 0)

    def of_account(self, account: str) -> list[Message]:
        """The account's messages that wait, in no order, and some that do no more; cheap, for who looks at each."""
        queues = (lane.by_account.get(account) for lane in self._lanes)
        return list(chain.from_iterable(queue.messages for queue in queues if queue))

    def push(self, message: Message) -> bool:
        """Queue ``message`` behind its account's others of the same priority; False when the queue is full."""
        waiting = self._waiting
        if len(waiting) >= self.messages_max:
            return False
        assert message.seq not in waiting, "queued twice"
        waiting[message.seq] = message
        lane = self._lanes[message.priority]
        queue = lane.by_account.get(message.account)
        if queue is None:
            queue = lane.queue_of(message.account)
        queue.messages.append(message)
        return True

    def push_front(self, messages: Iterable[Message]) -> None:
        """Give back what was taken and not sent: the first of ``messages`` will be its account's next again.

        Never refused, so the queue may exceed its bound by what its caller had taken out.
        """
        for message in reversed(list(messages)):
            assert message.seq not in self._waiting, "queued twice"
            self._waiting[message.seq] = message
            self._lanes[message.priority].queue_of(message.account).messages.appendleft(message)

    def take(self, count: int) -> list[Message]:
        """Remove and return the next messages, at most ``count``, fewer when there are no more."""
        taken: list[Message] = []
        for lane in reversed(self._lanes):
            while lane.ring and len(taken) < count:
                self._take_turn(lane, count - len(taken), taken)
        return taken

    def take_all(self) -> list[Message]:
        """Remove and return everything, in the order in which it would go."""
        return self.take(len(self))

    def _take_turn(self, lane: _Lane, count: int, taken: list[Message]) -> None:
        """Move up to ``count`` messages of the first account's turn to ``taken``."""
        messages = lane.ring[0].messages
        alone = len(lane.ring) == 1
        size = min(count if alone else min(count, lane.turn_left), len(messages))
        popleft = messages.popleft
        batch = [popleft() for _ in range(size)]
        waiting = self._waiting
        if self._forgotten:
            batch = self._confirm(batch)
        else:
            for message in batch:
                del waiting[message.seq]
        taken += batch
        lane.turn_left -= len(batch)
        if lane.turn_left <= 0 or not messages:
            lane.end_turn()

    def _confirm(self, batch: list[Message]) -> list[Message]:
        """Those of ``batch`` that still wait, once each: one removed and pushed again has two entries."""
        waiting = self._waiting
        kept: list[Message] = []
        for message in batch:
            if waiting.get(message.seq) is message:
                del waiting[message.seq]
                kept.append(message)
        self._forgotten -= len(batch) - len(kept)
        return kept

    def remove(self, message: Message) -> bool:
        """Take ``message`` out, wherever it stands; False when it is not in the queue."""
        if message.seq not in self._waiting:
            return False
        del self._waiting[message.seq]
        self._forgotten += 1
        if self._forgotten > _GARBAGE_MIN and self._forgotten > len(self._waiting):
            self._rebuild()
        return True

    def oldest_accepted_at(self) -> int:
        """``accepted_at`` (UTC ms) of the message that waits longest among the next of each account; 0 when empty."""
        heads = (
            next((m.accepted_at for m in queue.messages if self._waiting.get(m.seq) is m), 0)
            for lane in self._lanes
            for queue in lane.ring
        )
        return min((at for at in heads if at), default=0)

    def depth_by_account(self) -> dict[str, int]:
        """How many messages of each account wait here; costs time linear in the queue, for inspection only."""
        depths: dict[str, int] = {}
        for lane in self._lanes:
            for queue in lane.ring:
                depth = len({m.seq for m in queue.messages if self._waiting.get(m.seq) is m})
                if depth:
                    depths[queue.account] = depths.get(queue.account, 0) + depth
        return depths

    def _rebuild(self) -> None:
        """Drop what was forgotten. Costs time linear in the queue, and removals paid for it."""
        unseen = dict(self._waiting)
        for lane in self._lanes:
            first = lane.ring[0] if lane.ring else None
            for queue in list(lane.ring):
                kept = deque[Message]()
                for message in queue.messages:
                    if unseen.get(message.seq) is message:
                        del unseen[message.seq]
                        kept.append(message)
                queue.messages = kept
                if not queue.messages:
                    lane.ring.remove(queue)
                    del lane.by_account[queue.account]
            if lane.ring and lane.ring[0] is not first:
                lane.turn_left = QUANTUM
        self._forgotten = 0
