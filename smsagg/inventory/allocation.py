"""Allocations: a named share of a pool for an account between two instants, for a campaign or a season.

Theory of operation. From its first instant on an allocation's numbers are leased to its account, until its last one.
Before, and for as many as are missing, it is a claim: nobody else may take a number of the pool when that would leave
too few for it. A claim counts at the instants at which it holds, so a lease that is over, quarantine and all, before
an allocation begins does not disturb it.

:func:`shortage` is the whole rule. Free numbers and claims change at few instants (a lease's or quarantine's end, an
allocation's begin and end), free numbers only grow with time as far as is known now, and so it is enough to look at now
and at the begin of each claim. What is short already, since numbers were suspended or retired, forbids only what makes
it shorter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from attrs import define


@define(frozen=True)
class Allocation:
    """``numbers`` numbers of ``pool`` for ``account`` from ``begins_at`` until ``ends_at`` (UTC milliseconds)."""

    name: str
    pool: str
    account: str
    numbers: int
    begins_at: int
    ends_at: int

    def holds_at(self, instant: int) -> bool:
        return self.begins_at <= instant < self.ends_at


@define(frozen=True)
class Claim:
    """What an allocation still wants."""

    name: str
    missing: int
    """Numbers that it has not got yet."""
    begins_at: int
    ends_at: int
    """When they have rested after it."""


@define(frozen=True)
class Shortage:
    """Why numbers cannot be taken."""

    allocation: str
    """The one that would miss some."""
    at: int
    missing: int


class Outlook(NamedTuple):
    """What a pool holds and what is wanted of it."""

    free_from: Sequence[int]
    """The instants from which on numbers are free, sorted; those free now included."""
    claims: Sequence[Claim]

    def missing_at(self, instant: int) -> int:
        """Numbers that claims want then and that are not free."""
        wanted = sum(claim.missing for claim in self.claims if claim.begins_at <= instant < claim.ends_at)
        return wanted - bisect_right(self.free_from, instant)


def shortage(now: int, before: Outlook, after: Outlook) -> Shortage | None:
    """Where claims would find fewer numbers than they want, and fewer than they find now; ``None``: nowhere."""
    for instant in sorted({max(claim.begins_at, now) for claim in after.claims if claim.ends_at > now}):
        missing = after.missing_at(instant)
        if missing > max(before.missing_at(instant), 0):
            together = [claim for claim in after.claims if claim.begins_at <= instant < claim.ends_at]
            latest = max(together, key=lambda claim: (claim.begins_at, claim.name))
            return Shortage(latest.name, instant, missing)
    return None
