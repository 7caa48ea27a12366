"""Random lives of a sandbox account beside a real one: neither's messages ever reach the other's carriers."""

from random import Random
from typing import Any

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from smsagg.config.sandbox import SANDBOX, SANDBOX_POOLS
from smsagg.config.schema import POLICIES, Config, Duration, MessageClassSettings, RetrySettings, RoutingSettings
from smsagg.engine.health.drills import DrillKind
from smsagg.engine.queues.loader import other_name
from smsagg.errors import ControlError
from smsagg.model import Refusal
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
)

NUMBERS = ("447700900100", "447700900123", "84901234567")
REAL = ("alpha", "beta")


def variant(rng: Random) -> Config:
    """A sound configuration: other pools and policies, ``play`` a sandbox or not, and the sandbox there or not."""
    pools = {
        name: pool_settings(
            *rng.sample(REAL, rng.choice((1, 2))), queue_max=rng.choice((1, 5)), policy=rng.choice(POLICIES)
        )
        for name in ("gb", "world")
    }
    carriers = {name: carrier_settings() for name in REAL}
    is_sandbox = rng.random() < 0.6
    if is_sandbox or rng.random() < 0.3:
        carriers[SANDBOX] = carrier_settings(circuit_failures=0)
        pools[SANDBOX] = pool_settings(SANDBOX, queue_max=rng.choice((1, 5)))
    retry = RetrySettings(first=Duration(1), max=Duration(4))
    return make_config(
        accounts={"acme": account_settings("acme"), "play": account_settings("play", sandbox=is_sandbox)},
        carriers=carriers,
        pools=pools,
        routing=RoutingSettings(default_pool=rng.choice(("gb", "world"))),
        message_classes={"default": MessageClassSettings(retry=retry)},
    )


class Life:
    """What was accepted, and what every carrier of every process was given."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.tables, self.clock = Tables(), FakeClock()
        self.simulated: dict[int, bool] = {}
        """By seq, whether it was accepted from a sandbox."""
        self.given: list[tuple[str, int]] = []

    async def live(self, lives: int, steps: int) -> None:
        for _ in range(lives):
            store = MemoryStore(self.tables)
            async with run_gateway(variant(self.rng), store, self.clock, prepare=self._watch_all) as gateway:
                for _ in range(steps):
                    await self.rng.choice(
                        (self._submit, self._submit, self._submit, self._reload, self._drill, self._answer, self._lose)
                    )(gateway)
                    await gateway.settle()
                await trio.sleep(self.rng.choice((0, 5, 30)))
        assert {seq for carrier, seq in self.given if carrier == SANDBOX} <= self._seqs(is_simulated=True)
        assert {seq for carrier, seq in self.given if carrier in REAL} <= self._seqs(is_simulated=False)

    def _seqs(self, *, is_simulated: bool) -> set[int]:
        return {seq for seq, simulated in self.simulated.items() if simulated is is_simulated}

    def _watch_all(self, gateway: FakeGateway) -> None:
        for carrier in gateway.carriers.values():
            carrier.observe_sent = lambda messages, name=carrier.name: self.given.extend(  # type: ignore[misc]
                (name, message.seq) for message in messages
            )

    async def _submit(self, gateway: FakeGateway) -> None:
        """As a front door does."""
        rng, engine, now = self.rng, gateway.engine, gateway.clock.now_ms()
        account, digits = engine.accounts[rng.choice(("acme", "play"))], rng.choice(NUMBERS)
        fields: dict[str, Any] = {"delay_s": rng.choice((0, 0, 3, 5_000)), "ttl_s": rng.choice((5, 86_400))}
        message = make_message(now, account=account.name, destination_addr=digits, pool="", **fields)
        if engine.admission.admit(account, message, digits, now) is not None:
            return
        taken = engine.intake.take(account, message, now)
        if isinstance(taken, Refusal):
            return
        engine.intake.number(taken)
        self.simulated |= {part.seq: account.settings.sandbox for part in taken}
        engine.intake.commit(taken, lambda _status: None)

    async def _reload(self, gateway: FakeGateway) -> None:
        gateway.reconfigure(variant(self.rng))
        self._watch_all(gateway)

    async def _drill(self, gateway: FakeGateway) -> None:
        carrier, kind = self.rng.choice(list(gateway.carriers)), self.rng.choice(list(DrillKind))
        try:
            gateway.engine.drills.start(carrier, "", kind, 5, force=True)
        except ControlError:
            gateway.engine.drills.stop(carrier)

    async def _answer(self, gateway: FakeGateway) -> None:
        for carrier in gateway.carriers.values():
            way = self.rng.randrange(4)
            if way == 0:
                carrier.receipt(*carrier.accept())
            elif way == 1:
                carrier.refuse(self.rng.choice((ESME_RSYSERR, ESME_RTHROTTLED)))
            elif way == 2:
                carrier.time_out()
        await trio.sleep(self.rng.choice((0, 2, 10)))

    async def _lose(self, gateway: FakeGateway) -> None:
        for carrier in gateway.carriers.values():
            if self.rng.random() < 0.5:
                carrier.lose()
            else:
                carrier.bind()


def run(seed: int, lives: int, steps: int) -> Life:
    life = Life(seed)
    trio.run(life.live, lives, steps, clock=MockClock(autojump_threshold=0))
    return life


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # trio's order of tasks is chance: what failed may pass when it is tried again, shorter
)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_message_crosses_between_the_sandbox_and_the_world(seed: int) -> None:
    """Whatever reloads, drills, lost links, refusals and restarts do, and whatever the account is by then."""
    run(seed, lives=3, steps=25)


def test_such_lives_have_both_kinds_of_messages() -> None:
    """The lives above are about something: both carriers are given messages."""
    life = run(1, lives=6, steps=60)
    given = {carrier for carrier, _ in life.given}
    assert SANDBOX in given
    assert given & set(REAL)


def test_a_sandbox_message_without_its_pool_is_still_one() -> None:
    """The name under which it waits then is known as the sandbox's."""
    assert {SANDBOX, other_name(SANDBOX)} == SANDBOX_POOLS
