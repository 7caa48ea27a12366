"""What the day is to show."""

from collections.abc import Sequence

from attrs import define

from tools.day.outcome import Figures
from tools.day.ways import BEST, CHEAPEST, COMBINED, HINDSIGHT, LEAST_COST, QUALITY

HEALTH_WINDOW_S = 10.0
"""``carriers.*.circuit_open``, and the wait for a cheaper one lies within."""


@define(frozen=True)
class Goal:
    """One of them."""

    text: str
    is_met: bool


def goals_of(figures: Sequence[Figures], optimum: float) -> list[Goal]:
    """All of them."""
    by_way = {one.way: one for one in figures}
    least_cost, quality, combined = by_way[LEAST_COST], by_way[QUALITY], by_way[COMBINED]
    fixed = [by_way[name] for name in (CHEAPEST, BEST, HINDSIGHT)]
    ratio = least_cost.cost / optimum
    most_delivered = max(one.delivered for one in fixed)
    cheapest_delivered = min(one.cost_of_delivered for one in fixed)
    return [
        Goal(f"least_cost costs {ratio:.3f} of the least that is possible (at most 1.05)", ratio <= 1.05),
        Goal(
            f"least_cost costs {least_cost.cost / min(one.cost for one in fixed):.3f} of the cheapest fixed list",
            least_cost.cost <= min(one.cost for one in fixed),
        ),
        Goal(
            f"quality delivers {quality.delivered:.2%}, the best fixed list {most_delivered:.2%}",
            quality.delivered >= most_delivered,
        ),
        Goal(
            f"quality loses {quality.lost_to_bad:.2%} of the messages to the carrier that turns bad (at most 1 %)",
            quality.lost_to_bad <= 0.01,
        ),
        Goal(
            f"combined pays {combined.cost_of_delivered / cheapest_delivered:.3f} of what the best fixed list pays for"
            " a delivered message",
            combined.cost_of_delivered <= cheapest_delivered,
        ),
        *(
            Goal(
                f"{one.way}: no message waited longer than {one.outage_wait_s:.1f} s for a carrier that was cut off"
                f" (at most {HEALTH_WINDOW_S:g})",
                one.outage_wait_s <= HEALTH_WINDOW_S,
            )
            for one in figures
        ),
    ]


def failed_goals(figures: Sequence[Figures], optimum: float) -> list[Goal]:
    return [goal for goal in goals_of(figures, optimum) if not goal.is_met]
