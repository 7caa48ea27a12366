"""What a policy goes by must be known."""

import pytest

from smsagg.config.check import check_config
from smsagg.config.schema import CarrierSettings, Config, DataFile, Duration, PoolMember, PoolSettings


def problems(rate_cards: dict[str, bool], **pool: object) -> list[str]:
    carriers = {
        name: CarrierSettings(type="x", settings=None, rate_card=DataFile("x.csv") if has_card else None)
        for name, has_card in rate_cards.items()
    }
    settings = PoolSettings(carriers=tuple(PoolMember(name) for name in carriers), **pool)  # type: ignore[arg-type]
    config = Config(accounts={}, carriers=carriers, pools={"gb": settings})
    return [problem.line("f") for problem in check_config(config) if problem.path[0] == "pools"]


@pytest.mark.parametrize("policy", ["least_cost", "combined"])
def test_least_cost_needs_a_rate_card(policy: str) -> None:
    """One carrier that has one is enough; quality needs none."""
    (problem,) = problems({"alpha": False, "beta": False}, policy=policy)
    assert "pools.gb.policy" in problem
    assert "rate_card" in problem
    assert problems({"alpha": True, "beta": False}, policy=policy) == []
    assert problems({"alpha": False}, policy="quality") == []


def test_a_carrier_that_could_never_be_taken() -> None:
    """Without a rate card, where those without a price are refused."""
    (problem,) = problems({"alpha": True, "beta": False}, policy="least_cost", unpriced="refuse")
    assert '"beta" has no rate_card' in problem


def test_keys_that_mean_nothing() -> None:
    """Each is told."""
    found = problems({"alpha": True}, policy="priority", unpriced="refuse", wait_for_cheaper=Duration(2))
    assert len(found) == 2
    assert problems({"alpha": True}, policy="quality", wait_for_cheaper=Duration(2)) == []
