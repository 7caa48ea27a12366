"""Which carrier of a pool takes the next messages, among those with room.

A policy knows its members by index, in the order of ``[pools.NAME].carriers``. The engine adds those that may have
room and removes those that turn out to have none; the first of the others is next. It is handed a batch, and the policy
is charged with its size. A backup pool has a policy of its own, which is asked only when none of the pool's own
carriers is usable.

``priority``
    The lowest rank with room. Equal ranks take turns: the one that was used longest ago is next.

``weighted``
    Stride scheduling: a batch of n advances the member that took it by n divided by its weight, and whoever has
    advanced least is next, so that shares converge to the weights whatever the batch sizes. A member that had no room
    begins again where the others are: after an outage it gets its share, not its arrears.

Both are a number for each member and "the least is next", kept as a heap: a pool of two hundred slow carriers costs a
choice little more than a pool of two.

The policies by destination (:mod:`smsagg.routing.ranking`) use ``weighted`` among members that are equally good.
"""

from abc import abstractmethod
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import lcm
from typing import Protocol

from smsagg.config.schema import PoolMember, PoolSettings

NONE = -1
"""No candidate."""

Key = tuple[int, int]


class PoolPolicy(Protocol):
    """How one pool shares its traffic between its members. At first nobody has room."""

    def add(self, index: int) -> None:
        """Member ``index`` may have room; nothing changes if it is known to."""
        ...

    def remove(self, index: int) -> None:
        """Member ``index`` has no room."""
        ...

    def first(self, avoid: str = "") -> int:
        """The index of the member to use next, one of those with room, or :data:`NONE` when there is none.

        ``avoid`` is the carrier that just failed the message: it is taken only if there is no other.
        """
        ...

    def charge(self, index: int, count: int) -> None:
        """``count`` messages went to member ``index``, whether or not it was :meth:`first`."""
        ...

    def in_turn(self, indices: Sequence[int]) -> list[int]:
        """Those of ``indices`` that may have room, in the order in which they are next."""
        ...

    def in_order(self, indices: Sequence[int]) -> list[int]:
        """All of ``indices`` in that order, whether or not they have room."""
        ...

    @property
    def open_count(self) -> int:
        """How many members may have room."""
        ...


class _LeastFirst:
    """Members with room in the order of their keys.

    The heap holds (key, index); an entry counts while it names the member's present key, so that a new key is one push
    and the old entry is dropped when it comes up.
    """

    __slots__ = ("_heap", "_names", "_present")

    def __init__(self, members: Sequence[PoolMember]) -> None:
        self._names = [member.carrier for member in members]
        self._present: dict[int, Key] = {}
        """Key of each member with room."""
        self._heap: list[tuple[Key, int]] = []

    @abstractmethod
    def _key(self, index: int) -> Key:
        """The member with the least is next."""

    def add(self, index: int) -> None:
        if index not in self._present:
            self._push(index)

    def remove(self, index: int) -> None:
        self._present.pop(index, None)

    def in_turn(self, indices: Sequence[int]) -> list[int]:
        present = self._present
        if len(indices) == 1:
            return list(indices) if indices[0] in present else []
        return [index for _, index in sorted((present[index], index) for index in indices if index in present)]

    def in_order(self, indices: Sequence[int]) -> list[int]:
        return sorted(indices, key=lambda index: (self._present.get(index) or self._key(index), index))

    @property
    def open_count(self) -> int:
        return len(self._present)

    def first(self, avoid: str = "") -> int:
        first = self._least()
        if first == NONE or not avoid or self._names[first] != avoid:
            return first
        held = heappop(self._heap)
        while (second := self._least()) == first:  # removed and added again it may stand there twice
            heappop(self._heap)
        heappush(self._heap, held)
        return first if second == NONE else second

    def _least(self) -> int:
        heap, present = self._heap, self._present
        while heap:
            key, index = heap[0]
            if present.get(index) == key:
                return index
            heappop(heap)
        return NONE

    def _push(self, index: int) -> None:
        self._present[index] = key = self._key(index)
        heappush(self._heap, (key, index))
        if len(self._heap) > 4 * len(self._names) + 8:
            self._heap = [(key, index) for index, key in self._present.items()]
            heapify(self._heap)


class PriorityPolicy(_LeastFirst):
    """Lowest rank first; equal ranks by least recent use."""

    __slots__ = ("_ranks", "_turn", "_used")

    def __init__(self, members: Sequence[PoolMember]) -> None:
        super().__init__(members)
        self._ranks = [member.rank for member in members]
        self._used = [0] * len(members)
        self._turn = 0

    def charge(self, index: int, count: int) -> None:
        if count:
            self._turn += 1
            self._used[index] = self._turn
            if index in self._present:
                self._push(index)

    def _key(self, index: int) -> Key:
        return self._ranks[index], self._used[index]


class WeightedPolicy(_LeastFirst):
    """Shares converge to the weights, whatever the batch sizes."""

    __slots__ = ("_advance", "_advanced", "_now")

    def __init__(self, members: Sequence[PoolMember]) -> None:
        super().__init__(members)
        unit = lcm(*(member.weight for member in members))
        self._advance = [unit // member.weight for member in members]
        self._advanced = [0] * len(members)
        self._now = 0
        """Where the latest choice stood: nobody with room is behind it by more than a batch."""

    def add(self, index: int) -> None:
        if index not in self._present:
            self._advanced[index] = max(self._advanced[index], self._now)
            self._push(index)

    def charge(self, index: int, count: int) -> None:
        if count:
            self._now = max(self._now, self._advanced[index])
            self._advanced[index] += count * self._advance[index]
            if index in self._present:
                self._push(index)

    def _key(self, index: int) -> Key:
        return self._advanced[index], 0


def make_policy(pool: PoolSettings) -> PoolPolicy:
    """The policy that ``[pools.NAME].policy`` names."""
    return PriorityPolicy(pool.carriers) if pool.policy == "priority" else WeightedPolicy(pool.carriers)
