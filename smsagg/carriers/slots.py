"""Things due at a time, kept in slots of one tick and taken out in batches.

A heap orders only the slots that are in use, so adding costs one dictionary look-up whatever the number of things.
Nothing is due early, and nothing more than one tick late; within a slot the order of adding is kept.
"""

from heapq import heappop, heappush
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")


class TimeSlots(Generic[T]):
    """Bounded by its caller: it holds what was added until :meth:`take_due` hands it out."""

    def __init__(self, tick_s: float = 0.001) -> None:
        self._tick_s = tick_s
        self._slots: dict[int, list[T]] = {}
        self._order: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def next_at(self) -> float:
        """When the earliest slot is due, ``inf`` when there is nothing."""
        return self._order[0] * self._tick_s if self._order else inf

    def add(self, due_at: float, item: T) -> None:
        """Keep ``item`` until ``due_at``."""
        number = int(due_at / self._tick_s) + 1
        slot = self._slots.get(number)
        if slot is None:
            self._slots[number] = [item]
            heappush(self._order, number)
        else:
            slot.append(item)
        self._count += 1

    def take_due(self, now: float) -> list[T]:
        """Everything due by ``now``, in order of slots; the caller owns the list."""
        due: list[T] = []
        order, tick_s = self._order, self._tick_s
        while order and order[0] * tick_s <= now:
            slot = self._slots.pop(heappop(order))
            if due:
                due.extend(slot)
            else:
                due = slot
        self._count -= len(due)
        return due
