"""Rankings: who is considered before whom, and who is not."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import PoolMember, PoolSettings
from smsagg.routing.offers import Offers
from smsagg.routing.ranking import SCORE_TIE, Contender, Ranking, Refusal, rank

CONTENDERS = st.lists(
    st.tuples(st.none() | st.integers(0, 5), st.floats(0, 1), st.booleans()), min_size=1, max_size=8
).map(lambda values: [Contender(i, *value) for i, value in enumerate(values)])


def ranking(contenders: list[Contender], revenue: int = 0, warns: bool | None = None, **pool: object) -> Ranking:
    members = tuple(PoolMember(f"c{one.index}") for one in contenders)
    settings = PoolSettings(carriers=members, **pool)  # type: ignore[arg-type]
    costs = tuple(one.cost for one in contenders)
    allows = None if warns is None else lambda revenue, cost: cost <= revenue
    return rank(settings, Offers("GB", "", revenue, costs), contenders, allows, warns=bool(warns))


@given(CONTENDERS, st.sampled_from(["least_cost", "quality", "combined"]), st.sampled_from(["last", "refuse"]))
def test_everybody_has_one_place(contenders: list[Contender], policy: str, unpriced: str) -> None:
    """In a tier, as a last resort, or refused; no tier is empty."""
    made = ranking(contenders, policy=policy, unpriced=unpriced)
    places = [*(index for tier in made.tiers for index in tier), *made.last_resort, *made.refused]
    assert sorted(places) == [one.index for one in contenders]
    assert all(made.tiers)
    assert set(made.below_top) <= {index for tier in made.tiers[1:] for index in tier}


@given(CONTENDERS)
def test_least_cost_is_by_cost(contenders: list[Contender]) -> None:
    """Those without a price last; scores do not matter."""
    made = ranking(contenders, policy="least_cost")
    costs = [{contenders[index].cost for index in tier} for tier in made.tiers]
    assert all(len(cost) == 1 for cost in costs)
    flat = [cost for tier in costs for cost in tier]
    priced = [cost for cost in flat if cost is not None]
    assert priced == sorted(set(priced))
    assert None not in flat[:-1]
    assert made.last_resort == []


@given(CONTENDERS)
def test_quality_is_by_score(contenders: list[Contender]) -> None:
    """Within a tier nobody is far from its best, and who reports falsely is in none."""
    made = ranking(contenders, policy="quality")
    scores = [[contenders[index].score for index in tier] for tier in made.tiers]
    for tier in scores:
        assert max(tier) - min(tier) <= SCORE_TIE + 1e-9
    for better, worse in pairwise(scores):
        assert min(better) >= max(worse)
    assert set(made.last_resort) == {one.index for one in contenders if one.is_false}


def test_combined_takes_the_cheapest_of_the_good_and_then_the_best() -> None:
    """And explores only who would be taken if he were better."""
    contenders = [
        Contender(0, 30, 0.95),
        Contender(1, 20, 0.85),
        Contender(2, 10, 0.3),
        Contender(3, 40, 0.5),
        Contender(4, None, 0.9),
    ]
    made = ranking(contenders, policy="combined", quality_min=0.8)
    assert made.tiers == [[1], [0], [4], [3], [2]]
    assert made.below_top == [2]
    nobody_good = ranking(contenders, policy="combined", quality_min=0.99)
    assert nobody_good.tiers[0] == [0]
    assert sorted(nobody_good.below_top) == [1, 2, 3, 4]


def test_who_costs_too_much_is_refused_or_warned_of() -> None:
    """Who has no price is not judged by it."""
    contenders = [Contender(0, 30, 1.0), Contender(1, 10, 1.0), Contender(2, None, 1.0)]
    refusing = ranking(contenders, revenue=20, warns=False, policy="least_cost")
    assert (refusing.tiers, refusing.refused, refusing.losing) == ([[1], [2]], {0: Refusal.MARGIN}, frozenset())
    warning = ranking(contenders, revenue=20, warns=True, policy="least_cost")
    assert (warning.tiers, warning.refused, warning.losing) == ([[1], [0], [2]], {}, {0})
    plain = ranking(contenders, revenue=20, warns=False, policy="priority")
    assert (plain.tiers, plain.refused) == ([[1, 2]], {0: Refusal.MARGIN})
