"""Messages of one pool that may go out now, where not all of them may go the same ways.

Theory of operation. The order is that of :class:`~smsagg.queueing.ready.ReadyQueue`: strict lanes, accounts that take
turns of ``QUANTUM``, first in first out. But an account's messages are kept apart by *group*, those that the same
carriers may take for the same reasons; a group that nobody takes now is passed over, so it holds up no other one. The
groups of an account take turns too.

:meth:`GroupedQueue.serve` goes round the lanes and accounts and asks for each turn how many messages of a group may
go; so what can go goes in the order in which it should, and nothing is taken out that must be put back. When nobody
could use his turn the round ends with the turns as they were: who was next still is.

Push, take and remove cost constant time per message, on average; a turn looks at the account's groups until one has
room. Bounds and what removing means are as in :class:`~smsagg.queueing.ready.ReadyQueue`.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from smsagg.model import Message
from smsagg.queueing.ready import LANES, QUANTUM, ReadyQueue

Group = object
"""Anything with an identity."""
Grant = tuple[int, list[Message]]
"""How many messages may go, and the list that they are added to."""
BLOCKED: Grant = (-1, [])
"""Nothing of that group may go until the end of the round."""
NOTHING: Grant = (0, [])
"""This account's messages of the group may not go now, another's may."""
_GARBAGE_MIN = 64


class _AccountQueue:
    """One account's messages in one lane, by group."""

    __slots__ = ("account", "groups")

    def __init__(self, account: str) -> None:
        self.account = account
        self.groups: OrderedDict[Group, deque[Message]] = OrderedDict()
        """In the order of their turns; none is empty."""

    def of(self, group: Group) -> deque[Message]:
        messages = self.groups.get(group)
        if messages is None:
            messages = self.groups[group] = deque()
        return messages


class _Lane:
    """The accounts of one priority, in the order of their turns."""

    __slots__ = ("by_account", "ring", "turn_left")

    def __init__(self) -> None:
        self.by_account: dict[str, _AccountQueue] = {}
        self.ring: deque[_AccountQueue] = deque()
        self.turn_left = QUANTUM

    def queue_of(self, account: str) -> _AccountQueue:
        queue = self.by_account.get(account)
        if queue is None:
            queue = self.by_account[account] = _AccountQueue(account)
            self.ring.append(queue)
        return queue

    def next_turn(self) -> None:
        """The first of the ring has had its turn: it goes to the end, or out when it is empty."""
        first = self.ring[0]
        if first.groups:
            self.ring.rotate(-1)
        else:
            self.ring.popleft()
            del self.by_account[first.account]
        self.turn_left = QUANTUM


class GroupedQueue:
    """A bounded queue with strict priorities, fairness between accounts, and nobody at the head of the line."""

    __slots__ = ("_forgotten", "_group_of", "_lanes", "_waiting", "came", "messages_max")

    def __init__(self, messages_max: int, group_of: Callable[[Message], Group]) -> None:
        self.messages_max = messages_max
        self._group_of = group_of
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._waiting: dict[int, Message] = {}
        """Every message that is in the queue and not removed, by ``seq``."""
        self._forgotten = 0
        self.came = 0
        """Messages that were ever pushed: who found nothing to go looks again when others came."""

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
        return list(chain.from_iterable(chain.from_iterable(queue.groups.values()) for queue in queues if queue))

    def push(self, message: Message) -> bool:
        """Queue ``message`` behind its account's others of its group and priority; False when the queue is full."""
        waiting = self._waiting
        if len(waiting) >= self.messages_max:
            return False
        assert message.seq not in waiting, "queued twice"
        waiting[message.seq] = message
        self.came += 1
        self._lanes[message.priority].queue_of(message.account).of(self._group_of(message)).append(message)
        return True

    def push_front(self, messages: Iterable[Message]) -> None:
        """Give back what was taken and not sent: the first of ``messages`` will be its account's next again.

        Never refused, so the queue may exceed its bound by what its caller had taken out.
        """
        for message in reversed(list(messages)):
            assert message.seq not in self._waiting, "queued twice"
            self._waiting[message.seq] = message
            self.came += 1
            queue = self._lanes[message.priority].queue_of(message.account)
            group = self._group_of(message)
            queue.of(group).appendleft(message)
            queue.groups.move_to_end(group, last=False)

    def serve(self, grant: Callable[[Group, Message, int], Grant]) -> None:
        """Take out what ``grant`` lets go, in order. It is asked with a group, its first message and how many could
        go, and may be asked again for the same group until it says :data:`BLOCKED`."""
        blocked: set[Group] = set()
        for lane in reversed(self._lanes):
            if lane.ring:
                self._serve_lane(lane, grant, blocked)

    def _serve_lane(self, lane: _Lane, grant: Callable[[Group, Message, int], Grant], blocked: set[Group]) -> None:
        ring, idle, left_before = lane.ring, 0, lane.turn_left
        while ring and idle < len(ring):
            queue = ring[0]
            count = self._take_turn(queue, lane.turn_left, grant, blocked)
            if not queue.groups:
                lane.next_turn()
                idle = 0 if count else idle
            elif count:
                idle = 0
                lane.turn_left -= count
                if lane.turn_left <= 0:
                    lane.next_turn()
            else:
                if not idle:
                    left_before = lane.turn_left
                idle += 1
                lane.next_turn()
        if ring:  # nobody could use his turn: the ring went round, and the first is as far in his as he was
            lane.turn_left = left_before

    def _take_turn(
        self,
        queue: _AccountQueue,
        left: int,
        grant: Callable[[Group, Message, int], Grant],
        blocked: set[Group],
    ) -> int:
        """Take out at most ``left`` messages of the first group that has room; how many that were."""
        groups, emptied, count = queue.groups, [], 0
        for group, messages in groups.items():
            if group in blocked:
                continue
            available = min(left, len(messages))
            if self._forgotten:
                available = self._clear_front(messages, available)
                if not available:
                    emptied.append(group)
                    continue
            count, taken = grant(group, messages[0], available)
            if count > 0:
                self._take(messages, count, taken)
                break
            if count < 0:
                blocked.add(group)
                count = 0
        if count:
            if messages:
                groups.move_to_end(group)
            else:
                del groups[group]
        for group in emptied:
            del groups[group]
        return count

    def _take(self, messages: deque[Message], count: int, taken: list[Message]) -> None:
        waiting, popleft = self._waiting, messages.popleft
        for _ in range(count):
            message = popleft()
            del waiting[message.seq]
            taken.append(message)

    def _clear_front(self, messages: deque[Message], count: int) -> int:
        """Have the next ``count`` of ``messages`` be ones that wait, without what was removed between them; returns how
        many there are, fewer when there are no more."""
        waiting, front = self._waiting, dict[int, Message]()
        while messages and len(front) < count:
            message = messages.popleft()
            if waiting.get(message.seq) is message and message.seq not in front:
                front[message.seq] = message
            else:
                self._forgotten -= 1
        messages.extendleft(reversed(front.values()))
        return len(front)

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
        """``accepted_at`` (UTC ms) of the message that waits longest among the next of each account and group; 0 when
        empty."""
        return min((message.accepted_at for message in self._heads()), default=0)

    def depth_by_account(self) -> dict[str, int]:
        """How many messages of each account wait here; costs time linear in the queue, for inspection only."""
        depths: dict[str, int] = {}
        for message in self._waiting.values():
            depths[message.account] = depths.get(message.account, 0) + 1
        return depths

    def take_all(self) -> list[Message]:
        """Remove and return everything: each account's in their order, the accounts in the order of their turns."""
        taken: list[Message] = []
        for lane in reversed(self._lanes):
            for queue in lane.ring:
                taken += sorted(self._present(chain.from_iterable(queue.groups.values())), key=_by_time)
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._waiting.clear()
        self._forgotten = 0
        return taken

    def _heads(self) -> Iterator[Message]:
        """The first message of each account and group."""
        for lane in self._lanes:
            for queue in lane.ring:
                for messages in queue.groups.values():
                    yield from islice(self._present(messages), 1)

    def _present(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Those that were not removed, once each: one removed and pushed again has two entries."""
        seen = set[int]()
        for message in messages:
            if self._waiting.get(message.seq) is message and message.seq not in seen:
                seen.add(message.seq)
                yield message

    def _rebuild(self) -> None:
        """Drop what was forgotten. Costs time linear in the queue, and removals paid for it."""
        unseen = dict(self._waiting)
        for lane in self._lanes:
            first = lane.ring[0] if lane.ring else None
            for queue in list(lane.ring):
                for group, messages in list(queue.groups.items()):
                    kept = deque[Message]()
                    for message in messages:
                        if unseen.get(message.seq) is message:
                            del unseen[message.seq]
                            kept.append(message)
                    if kept:
                        queue.groups[group] = kept
                    else:
                        del queue.groups[group]
                if not queue.groups:
                    lane.ring.remove(queue)
                    del lane.by_account[queue.account]
            if lane.ring and lane.ring[0] is not first:
                lane.turn_left = QUANTUM
        self._forgotten = 0


def _by_time(message: Message) -> tuple[int, int]:
    return message.next_attempt_at, message.seq


MessageQueue = ReadyQueue | GroupedQueue
