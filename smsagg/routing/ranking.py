"""In which order the carriers of a pool are considered for messages of one kind, and why the others are not.

Theory of operation. A ranking is a list of *tiers*, best first; within a tier nobody is preferred, and members take
their turns by weight. What the policies rank by:

=============  ======================================================================================================
``priority``   one tier: its order is that of :class:`~smsagg.routing.choice.PriorityPolicy`, which knows the ranks
``weighted``   one tier
``least_cost`` cost; equal costs are one tier
``quality``    score (:mod:`smsagg.routing.quality`); those within ``SCORE_TIE`` of a tier's best are in it
``combined``   cost, of those whose score is ``quality_min`` or more; then the others by score
=============  ======================================================================================================

Whose price is not known comes after those of all others, or is refused; who would cost more than the message brings
less the margin is refused, and who is not in the region that the account's messages stay in. Who is known to report
falsely (by probes) is a *last resort*: taken only when nobody else is usable at all.

Pure, and made anew only when scores or offers change.
"""

from collections.abc import Callable, Sequence
from enum import Enum

from attrs import define, field

from smsagg.config.schema import PoolSettings
from smsagg.routing.offers import Offers

SCORE_TIE = 0.01
"""Scores that differ by no more are equal."""

Margin = Callable[[int, int], bool]
"""Whether (revenue, cost) leaves enough."""


class Refusal(Enum):
    """Why a member is no candidate."""

    UNPRICED = "no price"
    MARGIN = "margin"
    RESIDENCY = "not in the account's region"


@define(frozen=True)
class Contender:
    """One member, as a policy sees it."""

    index: int
    cost: int | None
    score: float
    is_false: bool = False
    """Its receipts are known to be false."""
    is_abroad: bool = False
    """It is in none of the regions that the account's messages may go to."""


@define(eq=False)
class Ranking:
    """The members of a pool for one kind of message."""

    tiers: list[list[int]]
    """Indices, best tier first; nobody is in two."""
    last_resort: list[int] = field(factory=list)
    refused: dict[int, Refusal] = field(factory=dict)
    below_top: list[int] = field(factory=list)
    """Members that a better score would bring nearer to the top: whom exploration is for."""
    losing: frozenset[int] = frozenset()
    """Members that cost more than they may, and are taken with a warning."""


def rank(
    pool: PoolSettings, offers: Offers, candidates: Sequence[Contender], keeps_margin: Margin | None, *, warns: bool
) -> Ranking:
    """The ranking of ``candidates``, all members of ``pool``, for messages with these ``offers``.

    ``keeps_margin``: ``None`` when nobody asks. ``warns``: who does not keep it is taken all the same.
    """
    refused: dict[int, Refusal] = {}
    losing: set[int] = set()
    for one in candidates:
        if one.is_abroad:
            refused[one.index] = Refusal.RESIDENCY
        elif one.cost is None:
            if pool.unpriced == "refuse":
                refused[one.index] = Refusal.UNPRICED
        elif keeps_margin is not None and not keeps_margin(offers.revenue, one.cost):
            if warns:
                losing.add(one.index)
            else:
                refused[one.index] = Refusal.MARGIN
    able = [one for one in candidates if one.index not in refused]
    honest = [one for one in able if not one.is_false or pool.policy not in EXPLORING]
    tiers = _TIERS[pool.policy](pool, honest)
    honest_ones = {one.index for one in honest}
    last_resort = [one.index for one in able if one.index not in honest_ones]
    return Ranking(tiers, last_resort, refused, _below_top(pool, honest, tiers), frozenset(losing))


def _alike(_pool: PoolSettings, candidates: Sequence[Contender]) -> list[list[int]]:
    return [[one.index for one in candidates]] if candidates else []


def _by_cost(_pool: PoolSettings, candidates: Sequence[Contender]) -> list[list[int]]:
    by_cost: dict[int, list[int]] = {}
    for one in candidates:
        if one.cost is not None:
            by_cost.setdefault(one.cost, []).append(one.index)
    unpriced = [one.index for one in candidates if one.cost is None]
    return [by_cost[cost] for cost in sorted(by_cost)] + ([unpriced] if unpriced else [])


def _by_score(_pool: PoolSettings, candidates: Sequence[Contender]) -> list[list[int]]:
    tiers: list[list[int]] = []
    best = 0.0
    for one in sorted(candidates, key=lambda one: -one.score):
        if not tiers or one.score < best - SCORE_TIE:
            tiers.append([])
            best = one.score
        tiers[-1].append(one.index)
    return tiers


def _combined(pool: PoolSettings, candidates: Sequence[Contender]) -> list[list[int]]:
    good = [one for one in candidates if one.score >= pool.quality_min]
    return _by_cost(pool, good) + _by_score(pool, [one for one in candidates if one.score < pool.quality_min])


def _below_top(pool: PoolSettings, candidates: Sequence[Contender], tiers: Sequence[Sequence[int]]) -> list[int]:
    """Whom exploration is for: of ``combined`` only those who would be taken if they were better."""
    if pool.policy not in EXPLORING or len(tiers) < 2:
        return []
    top = set(tiers[0])
    others = [one for one in candidates if one.index not in top]
    if pool.policy == "combined":
        best = next(one for one in candidates if one.index in top)
        if best.score >= pool.quality_min and best.cost is not None:
            others = [one for one in others if one.cost is not None and one.cost < best.cost]
    return [one.index for one in others]


_TIERS = {
    "priority": _alike,
    "weighted": _alike,
    "least_cost": _by_cost,
    "quality": _by_score,
    "combined": _combined,
}
EXPLORING = frozenset({"quality", "combined"})
"""Policies that go by scores."""
BY_DESTINATION = frozenset({"least_cost", "quality", "combined"})
"""Policies whose choice depends on where a message goes."""
