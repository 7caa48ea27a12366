"""Messages that wait in memory for an instant: a retry, or ``schedule_delivery_time``.

Theory of operation. A heap by (due_at, seq) beside a dict of what is really waiting; a heap entry that the dict does
not confirm is garbage and skipped. When garbage outnumbers the waiting the heap is rebuilt, so memory stays within
twice the bound. Push and take cost logarithmic time, remove constant time on average.

The bound is ``messages_max``, and ``horizon_at`` keeps far-off messages from filling it: what :meth:`push` does not
take stays parked in the store and is claimed when it is due.
"""

from heapq import heapify, heappop, heappush
from operator import itemgetter

from smsagg.model import Message

_MESSAGE_OF = itemgetter(1)
_GARBAGE_MIN = 64
"""Garbage entries below which a rebuild is not worth it."""


class ScheduledQueue:
    """A bounded queue by due instant (UTC ms)."""

    __slots__ = ("_heap", "_waiting", "messages_max")

    def __init__(self, messages_max: int) -> None:
        self.messages_max = messages_max
        self._heap: list[tuple[int, int]] = []
        self._waiting: dict[int, tuple[int, Message]] = {}
        """By ``seq``: when it is due, and the message."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, message: Message) -> bool:
        return message.seq in self._waiting

    def messages(self) -> list[Message]:
        """All that wait, in no order."""
        return list(map(_MESSAGE_OF, self._waiting.values()))

    def push(self, due_at: int, message: Message, horizon_at: int | None = None) -> bool:
        """Keep ``message`` until ``due_at``; False when the queue is full or ``due_at`` is after ``horizon_at``.

        A message that waits already is moved to the new instant; it is kept where it was when the answer is False.
        """
        if horizon_at is not None and due_at > horizon_at:
            return False
        seq = message.seq
        if len(self._waiting) >= self.messages_max and seq not in self._waiting:
            return False
        self._waiting[seq] = (due_at, message)
        heappush(self._heap, (due_at, seq))
        self._limit_garbage()
        return True

    def take_due(self, now: int, limit: int) -> list[Message]:
        """Remove and return what is due by ``now``, earliest first, at most ``limit``."""
        due: list[Message] = []
        heap, waiting = self._heap, self._waiting
        while heap and len(due) < limit and heap[0][0] <= now:
            due_at, seq = heappop(heap)
            entry = waiting.get(seq)
            if entry is not None and entry[0] == due_at:
                del waiting[seq]
                due.append(entry[1])
        return due

    def next_due_at(self) -> int | None:
        """When the earliest message is due; ``None`` when there is none."""
        heap, waiting = self._heap, self._waiting
        while heap:
            due_at, seq = heap[0]
            entry = waiting.get(seq)
            if entry is not None and entry[0] == due_at:
                return due_at
            heappop(heap)
        return None

    def remove(self, message: Message) -> bool:
        """Take ``message`` out; False when it does not wait here."""
        if self._waiting.pop(message.seq, None) is None:
            return False
        self._limit_garbage()
        return True

    def _limit_garbage(self) -> None:
        if len(self._heap) - len(self._waiting) > max(_GARBAGE_MIN, len(self._waiting)):
            self._heap = [(due_at, seq) for seq, (due_at, _) in self._waiting.items()]
            heapify(self._heap)
