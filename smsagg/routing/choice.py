"""Which carrier of a pool takes the next messages, among those with room.

A policy knows its members by index, in the order of ``[pools.NAME].carriers``. The engine says which of them can take
something now, the policy picks one, the engine hands it a batch and charges the policy with its size. A backup pool has
a policy of its own, which is asked only when none of the pool's own carriers is bound.

``priority``
    The lowest rank with room. Equal ranks take turns: the one that was used longest ago is next.

``weighted``
    Smooth weighted round robin over batches. A batch of n credits every candidate with n times its weight and debits
    the one that took it with n times the sum, so credits add up to zero and whoever is furthest below its share is
    next. Only candidates earn credit: a carrier that comes back after an outage gets its share, not its arrears.
"""

from collections.abc import Sequence
from typing import Protocol

from smsagg.config.schema import PoolMember, PoolSettings

NONE = -1
"""No candidate."""


class PoolPolicy(Protocol):
    """How one pool shares its traffic between its members."""

    def choose(self, available: Sequence[int], avoid: str = "") -> int:
        """The index of the member to use next, one of ``available``, or :data:`NONE` when that is empty.

        ``avoid`` is the carrier that just failed the message: it is taken only if there is no other.
        """
        ...

    def charge(self, index: int, count: int) -> None:
        """``count`` messages went to member ``index``; the other candidates are those of the latest :meth:`choose`."""
        ...


class PriorityPolicy:
    """Lowest rank first; equal ranks by least recent use."""

    __slots__ = ("_names", "_ranks", "_turn", "_used")

    def __init__(self, members: Sequence[PoolMember]) -> None:
        self._names = [member.carrier for member in members]
        self._ranks = [member.rank for member in members]
        self._used = [0] * len(members)
        self._turn = 0

    def choose(self, available: Sequence[int], avoid: str = "") -> int:
        if len(available) == 1:
            return available[0]
        names, ranks, used = self._names, self._ranks, self._used
        return min(available, key=lambda i: (names[i] == avoid, ranks[i], used[i], i), default=NONE)

    def charge(self, index: int, count: int) -> None:
        if count:
            self._turn += 1
            self._used[index] = self._turn


class WeightedPolicy:
    """Shares converge to the weights, whatever the batch sizes."""

    __slots__ = ("_candidates", "_credits", "_names", "_weights")

    def __init__(self, members: Sequence[PoolMember]) -> None:
        self._names = [member.carrier for member in members]
        self._weights = [member.weight for member in members]
        self._credits = [0] * len(members)
        self._candidates: tuple[int, ...] = ()

    def choose(self, available: Sequence[int], avoid: str = "") -> int:
        self._candidates = tuple(available)
        if len(available) == 1:
            return available[0]
        names, weights, credits = self._names, self._weights, self._credits
        return max(available, key=lambda i: (names[i] != avoid, credits[i] + weights[i], -i), default=NONE)

    def charge(self, index: int, count: int) -> None:
        candidates = self._candidates if index in self._candidates else (*self._candidates, index)
        total = 0
        for i in candidates:
            weight = self._weights[i]
            total += weight
            self._credits[i] += count * weight
        self._credits[index] -= count * total


def make_policy(pool: PoolSettings) -> PoolPolicy:
    """The policy that ``[pools.NAME].policy`` names."""
    return WeightedPolicy(pool.carriers) if pool.policy == "weighted" else PriorityPolicy(pool.carriers)
