"""Random lives in which recipients are suppressed and let go again, and hours are every other minute."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import trio
from engine_bounds import LIVE_MAX
from engine_world import STEPS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_engine_parts_simulation import PartsWorld, config_of
from trio.testing import MockClock

from smsagg.compliance import ComplianceMap, CountryRules, Hours
from smsagg.model import Message
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeCarrier

NUMBER = "447700900123"
OPERATOR = ""
LISTS = ("acme", OPERATOR)


class ConsentWorld(PartsWorld):
    """All messages go to one number, which is in a list for a while, or in both. Those of acme are sent in the even
    minutes of the wall clock."""

    live_max = LIVE_MAX + 60
    data_files = Tables(compliance=ComplianceMap({"GB": CountryRules("GB", hours={"default": Hours(b"\1\0" * 5_040)})}))

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.stopped: set[str] = set()
        """Lists that hold the number: its commit was told, and no removal was asked for since."""
        self.ever_stopped: set[str] = set()
        self.changing: set[str] = set()
        """Lists about which something was asked in this life that is not answered yet."""

    @property
    def _steps(self) -> list[Any]:
        steps = super()._steps
        for place, step in zip((0, 4, 8), (self._stop, self._let_go, self._stop), strict=True):
            steps[place] = step
        return steps

    def _begin(self, gateway: Any) -> None:
        super()._begin(gateway)
        self.changing = set()

    def _watch(self, carrier: FakeCarrier) -> None:
        super()._watch(carrier)
        observe = carrier.observe_sent

        def on_sent(messages: Sequence[Message]) -> None:
            for message in messages:
                assert not self.stopped & {message.account, OPERATOR}, "suppressed and sent"
                is_open = self.clock.now_ms() // 60_000 % 2 == 0
                assert is_open or message.message_class != "default", "sent outside of its hours"
            observe(messages)

        carrier.observe_sent = on_sent

    async def _stop(self) -> None:
        self._change(self.rng.choice(LISTS), is_kept=True)

    async def _let_go(self) -> None:
        self._change(self.rng.choice(LISTS), is_kept=False)

    def _change(self, account: str, *, is_kept: bool) -> None:
        if account in self.changing:
            return
        self.changing.add(account)
        if is_kept:
            self.ever_stopped.add(account)
        else:
            self.stopped.discard(account)
        self.tasks.start_soon(self._commit_change, account, is_kept)

    async def _commit_change(self, account: str, is_kept: bool) -> None:
        record = ConsentRecord(ConsentKind.SUPPRESSION, account, NUMBER, "", self.clock.now_ms(), "api")
        await self.gateway.engine.consents.change([ConsentUpdate(record, is_kept)])
        self.changing.discard(account)
        if is_kept:
            self.stopped.add(account)

    async def _finish(self) -> None:
        await super()._finish()
        messages = [message for submitted in self.submitted for message in submitted.messages]
        self.rejected |= {m.message_id for m in messages if self.ever_stopped & {m.account, OPERATOR}}


def run(seed: int, steps: Sequence[int]) -> None:
    trio.run(ConsentWorld(seed).live, steps, config_of(Random(seed)), clock=MockClock(autojump_threshold=0))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # as in the simulation of parts
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, STEPS - 1), min_size=20, max_size=200))
def test_a_suppressed_number_gets_nothing_whatever_happens(seed: int, steps: list[int]) -> None:
    """K10: from the commit on, over crashes and failing commits; nothing leaves outside of its hours; and each accepted
    message ends once, for a reason."""
    run(seed, steps)


@pytest.mark.parametrize("seed", range(2))
def test_a_long_life_with_opt_outs(seed: int) -> None:
    """The same for a thousand steps."""
    rng = Random(seed)
    run(seed, [rng.randrange(STEPS) for _ in range(1_000)])
