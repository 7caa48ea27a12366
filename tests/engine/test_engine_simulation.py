"""Random lives: any order of submits, answers, reports, cancels, sessions, failures and crashes keeps the promises."""

from collections.abc import Sequence
from random import Random

import pytest
import trio
from attrs import evolve
from engine_bounds import TIGHT
from engine_world import STEPS, World
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from smsagg.config.schema import Config, Duration

BY_DESTINATION = evolve(
    TIGHT,
    pools={
        name: evolve(pool, policy=policy, wait_for_cheaper=Duration(2))
        for (name, pool), policy in zip(TIGHT.pools.items(), ("quality", "combined", "least_cost"), strict=True)
    },
)
"""The same, where the choice depends on where a message goes."""


def run(seed: int, steps: Sequence[int], config: Config = TIGHT) -> None:
    trio.run(World(seed).live, steps, config, clock=MockClock(autojump_threshold=0))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # trio's order of tasks is chance: what failed may pass when it is tried again, shorter
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, STEPS - 1), min_size=20, max_size=200))
def test_every_message_ends_once_and_nothing_is_left(seed: int, steps: list[int]) -> None:
    """Each accepted message reaches one final state that something explains, its account hears of it, and sends have
    reasons: one, and one for each doubt and each refusal."""
    run(seed, steps)


@pytest.mark.parametrize("config", [TIGHT, BY_DESTINATION], ids=["plain", "by_destination"])
@pytest.mark.parametrize("seed", range(3))
def test_a_long_life_of_many(seed: int, config: Config) -> None:
    """The same for two thousand steps, and where pools go by price and quality."""
    rng = Random(seed)
    run(seed, [rng.randrange(STEPS) for _ in range(2_000)], config)
