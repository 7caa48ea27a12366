"""A scripted day with fewer messages: least cost and quality do what they are for, and nothing stays behind."""

import pytest

from tools.day.cards import card_text, day_tables
from tools.day.goals import HEALTH_WINDOW_S
from tools.day.optimum import least_cost
from tools.day.scenario import SUPPLIERS, traffic
from tools.day.ways import LEAST_COST, QUALITY, figures_under

MESSAGES, SEED = 1_200, 3


@pytest.mark.slow
def test_least_cost_is_near_what_was_possible() -> None:
    """Within 5 % of somebody who knew the day beforehand; nobody waits for the carrier that was cut off."""
    figures = figures_under(LEAST_COST, MESSAGES, SEED)
    assert figures.cost <= 1.05 * least_cost(traffic(SEED, MESSAGES))
    assert figures.outage_wait_s <= HEALTH_WINDOW_S


@pytest.mark.slow
def test_quality_leaves_a_carrier_that_turns_bad() -> None:
    """It loses at most 1 % of the day's messages there."""
    figures = figures_under(QUALITY, MESSAGES, SEED)
    assert figures.lost_to_bad <= 0.01
    assert figures.delivered >= 0.93


def test_every_carriers_card_can_be_read() -> None:
    """A row for each range of numbers, in a file of the form that operators write."""
    assert set(day_tables().cards) == set(SUPPLIERS)
    assert card_text("albion").splitlines()[:2] == ["prefix,price,effective_from,effective_until", "4479000,0.0200,,"]
