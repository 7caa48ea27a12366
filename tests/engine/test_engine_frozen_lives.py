"""Random lives in which accounts are frozen and let go between reloads, replacements, crashes and all else."""

from collections.abc import Sequence
from typing import Any

import trio
from engine_bounds import ACCOUNTS
from engine_world import STEPS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_engine_reload_lives import CALM, ReloadingWorld
from trio.testing import MockClock

from smsagg.model import FROZEN_UNTIL


class FrozenWorld(ReloadingWorld):
    """Whatever is frozen is let go in the end, and everything goes on."""

    @property
    def _steps(self) -> list[Any]:
        steps = super()._steps
        for place, step in ((0, self._freeze), (4, self._unfreeze), (8, self._unfreeze)):
            steps[place] = step
        return steps

    async def _freeze(self) -> None:
        self.gateway.engine.guard.freeze(self.rng.choice(ACCOUNTS), "a test", "a test")

    async def _unfreeze(self) -> None:
        self.gateway.engine.guard.unfreeze(self.rng.choice(ACCOUNTS), "a test")

    async def _finish(self) -> None:
        self.store.repair()
        self.store.release()
        for account in ACCOUNTS:
            self.gateway.engine.guard.unfreeze(account, "a test")
        await self.gateway.settle()
        await trio.sleep(5)
        await self.gateway.settle()
        assert await self.store.find_held(FROZEN_UNTIL, 100) == []
        await super()._finish()


def run(seed: int, steps: Sequence[int]) -> None:
    trio.run(FrozenWorld(seed).live, steps, CALM, clock=MockClock(autojump_threshold=0))


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # as in lives of reloads
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, STEPS - 1), min_size=20, max_size=200))
def test_nothing_stays_frozen_whatever_is_reloaded_meanwhile(seed: int, steps: list[int]) -> None:
    """Each accepted message ends once with a reason, and none is held once its account is let go."""
    run(seed, steps)
