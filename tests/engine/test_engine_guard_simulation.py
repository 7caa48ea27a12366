"""Random lives in which accounts are frozen and let go, and messages held, released and rejected."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import trio
from engine_bounds import ACCOUNTS, LIVE_MAX
from engine_world import STEPS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_engine_parts_simulation import PartsWorld, config_of
from trio.testing import MockClock

from smsagg.errors import StoreError
from smsagg.model import HELD_UNTIL, Message
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.carrier import FakeCarrier


class GuardWorld(PartsWorld):
    """What is held may be sent only once somebody has let it go."""

    live_max = LIVE_MAX + 60

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.held: set[str] = set()
        self.let_go: set[str] = set()

    @property
    def _steps(self) -> list[Any]:
        steps = super()._steps
        mine = [self._freeze, self._unfreeze, self._decide, self._submit_held]
        for place, step in zip((0, 4, 8, 9), mine, strict=True):
            steps[place] = step
        return steps

    def _watch(self, carrier: FakeCarrier) -> None:
        super()._watch(carrier)
        observe = carrier.observe_sent

        def on_sent(messages: Sequence[Message]) -> None:
            for message in messages:
                assert message.message_id not in self.held - self.let_go, "held and sent"
            observe(messages)

        carrier.observe_sent = on_sent

    async def _submit_held(self) -> None:
        rng, account = self.rng, self.rng.choice(ACCOUNTS)
        submitted = self.gateway.submit(
            rng.choice((1, 2)),
            account,
            message_class=self.gateway.config.accounts[account].message_class,
            pool=rng.choice(("gb", "vn")),
            registered_delivery=rng.choice((0, 1, 1, 2)),
            delay_s=rng.choice((0, 0, 5)),
            ttl_s=rng.choice((20, 86_400)),
            body=b"x" * rng.choice((5, 300)),
            next_attempt_at=HELD_UNTIL,
        )
        self.submitted.append(submitted)
        self.held |= {message.message_id for message in submitted.messages}

    async def _freeze(self) -> None:
        self.gateway.engine.guard.freeze(self.rng.choice(ACCOUNTS), "a test", "a test")

    async def _unfreeze(self) -> None:
        self.gateway.engine.guard.unfreeze(self.rng.choice(ACCOUNTS), "a test")

    async def _decide(self) -> None:
        accepted = [m.message_id for s in self.submitted if s.status == ESME_ROK for m in s.messages]
        held = sorted(self.held & set(accepted))
        if held:
            self.tasks.start_soon(self._decide_about, self.rng.choice(held), self.rng.random() < 0.5)

    async def _decide_about(self, message_id: str, is_released: bool) -> None:
        holding = self.gateway.engine.holding
        try:
            found = await holding.find(message_id)
            if is_released:
                self.let_go.add(message_id)
                await holding.release(found, "a test")
            elif found:
                self.rejected.add(message_id)
                await holding.reject(found, "a test")
        except StoreError:
            pass

    async def _finish(self) -> None:
        self.store.repair()
        self.store.release()
        for account in ACCOUNTS:
            self.gateway.engine.guard.unfreeze(account, "a test")
        await self.gateway.settle()
        async for batch in self.gateway.engine.holding.held():
            for message in batch:
                await self._decide_about(message.message_id, self.rng.random() < 0.5)
        await super()._finish()


def run(seed: int, steps: Sequence[int]) -> None:
    trio.run(GuardWorld(seed).live, steps, config_of(Random(seed)), clock=MockClock(autojump_threshold=0))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # as in the simulation of parts
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, STEPS - 1), min_size=20, max_size=200))
def test_freezing_and_holding_lose_and_repeat_nothing(seed: int, steps: list[int]) -> None:
    """K05, K09: whatever the interleaving and the crashes, each accepted message reaches one final state that something
    explains, each send has a reason, and nothing that is held is sent."""
    run(seed, steps)


@pytest.mark.parametrize("seed", range(2))
def test_a_long_life_with_a_guard(seed: int) -> None:
    """The same for a thousand steps."""
    rng = Random(seed)
    run(seed, [rng.randrange(STEPS) for _ in range(1_000)])
