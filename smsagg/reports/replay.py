"""What changes by country when past traffic is judged by a draft: who moves where, who is refused, cost and quality."""

from collections.abc import Iterable

from attrs import define, field

from smsagg.model import MessageState
from smsagg.reports.tally import KNOWN_ENDS
from smsagg.reports.what_if import PastMessage, WhatIf

MOVES_MAX = 10_000
"""Different moves that are told apart; what comes beyond is counted as one."""
OTHERS = ("(others)", "(others)")

Move = tuple[str, tuple[str, str], tuple[str, str]]
"""Country, (pool, rule) now, and then; a pool of ``""`` means refused, with the reason in the rule's place."""


@define
class ReplayRow:
    """One country. Money is in micro-units of the base currency."""

    volume: int = 0
    moved: int = 0
    """To another pool."""
    blocked: int = 0
    cost_now: int = 0
    cost_then: int = 0
    earned_now: int = 0
    earned_then: int = 0
    unpriced: int = 0
    """Messages whose carrier then has no price for them: they count with what they cost now."""
    known: int = 0
    """Messages with an end that says whether they were delivered."""
    delivered: int = 0
    expected: float = 0.0
    """Sum of the delivery rates that messages may expect from the carriers that would have them."""
    judged: int = 0
    """Messages in that sum."""

    @property
    def rate_now(self) -> float | None:
        return self.delivered / self.known if self.known else None

    @property
    def rate_then(self) -> float | None:
        return self.expected / self.judged if self.judged else None

    @property
    def margin_now(self) -> int:
        return self.earned_now - self.cost_now

    @property
    def margin_then(self) -> int:
        return self.earned_then - self.cost_then

    def add(self, other: "ReplayRow") -> None:
        """Count what ``other`` counts."""
        for name in ReplayRow.__annotations__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@define
class Replay:
    """Adds messages up."""

    what_if: WhatIf
    rows: dict[str, ReplayRow] = field(factory=dict)
    moves: dict[Move, int] = field(factory=dict)

    def add(self, messages: Iterable[PastMessage]) -> None:
        """Judge them."""
        for past in messages:
            row = self.rows.setdefault(past.country, ReplayRow())
            judged = self.what_if.judge(past)
            row.volume += 1
            row.cost_now += past.cost
            row.earned_now += past.earned
            if past.state in KNOWN_ENDS:
                row.known += 1
                row.delivered += past.state == MessageState.DELIVERED
            if (judged.pool, judged.rule) != (past.pool, past.route):
                then = (judged.pool, judged.rule if judged.pool else judged.rule or judged.blocked)
                self._note_move((past.country, (past.pool, past.route), then))
                row.moved += judged.pool not in ("", past.pool)
            if not judged.pool:
                row.blocked += 1
                continue
            row.earned_then += past.earned
            row.unpriced += judged.cost is None
            row.cost_then += past.cost if judged.cost is None else judged.cost
            rate = self.what_if.expected_rate(judged.carrier, past.country) if judged.carrier else None
            if rate is not None:
                row.expected += rate
                row.judged += 1

    def _note_move(self, move: Move) -> None:
        if move not in self.moves and len(self.moves) >= MOVES_MAX:
            move = (move[0], OTHERS, OTHERS)
        self.moves[move] = self.moves.get(move, 0) + 1

    @property
    def total(self) -> ReplayRow:
        """All countries together."""
        total = ReplayRow()
        for row in self.rows.values():
            total.add(row)
        return total

    def sorted_rows(self) -> list[tuple[str, ReplayRow]]:
        """Those with most traffic first."""
        return sorted(self.rows.items(), key=lambda item: (-item[1].volume, item[0]))

    def sorted_moves(self) -> list[tuple[Move, int]]:
        """The largest first."""
        return sorted(self.moves.items(), key=lambda item: (-item[1], item[0]))
