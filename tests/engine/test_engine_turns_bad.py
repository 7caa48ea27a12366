"""A carrier that turns bad: it is found out within a minute or so, and what it loses until then is bounded."""

import pytest

from tools.choice_picture import Spell, run

GOOD_S, BAD_S, PER_S = 200, 300, 3
A_HUNDREDTH_OF_A_DAY = 0.01 * 86_400 * PER_S


@pytest.mark.parametrize("kind", ["swallows", "lies"])
def test_the_best_carrier_turns_bad(kind: str) -> None:
    """By far less than a hundredth of a day's messages is lost, most of it in the first minute."""
    spells = (Spell("mersey", kind, GOOD_S, GOOD_S + BAD_S),)
    tally = run("quality", seed=1, run_s=GOOD_S + BAD_S, per_s=PER_S, spells=spells)
    assert tally.taken > 0.95 * (GOOD_S + BAD_S) * PER_S
    assert tally.lost < 0.15 * A_HUNDREDTH_OF_A_DAY
