"""Random lives whose file is rewritten and reloaded, soundly and not, while messages flow."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reload_bench import text_of
from trio.testing import MockClock

from smsagg.carriers.fleet import Fleet
from smsagg.carriers.registry import carrier_class, settings_class
from smsagg.config.load import load_config
from smsagg.config.schema import CarrierSettings
from smsagg.engine import Engine
from smsagg.errors import ConfigError
from smsagg.model import MessageState, Refusal
from smsagg.observe.metrics import Metrics
from smsagg.reload import Reloader
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import make_message

SLOW = """
latency = { min = "50ms", max = "900ms" }
receipts = { delay = { min = "100ms", max = "4s" } }
errors = { ESME_RSYSERR = 0.05, ESME_RTHROTTLED = 0.02 }
"""
RETRY = '[message_classes.default.retry]\nfirst = "1s"\nmax = "3s"\nattempts_max = 100\n'


def carrier(name: str, rng: Random) -> str:
    keys = f"window = {rng.choice((2, 5))}\ncircuit_failures = {rng.choice((3, 20))}\n"
    rate = rng.choice(("", 'rate = "20/s"\n'))
    return f'[carriers.{name}]\ntype = "simulated"\n{keys}{rate}{SLOW}'


def sound(rng: Random) -> str:
    """Other carriers and pools; GB always has a route in the end."""
    names = [name for name in ("alpha", "beta", "gamma") if name == "alpha" or rng.random() < 0.6]
    pools = f'[pools.gb]\ncountries = ["GB"]\ncarriers = ["{rng.choice(names)}"]\nqueue_max = {rng.choice((2, 50))}\n'
    if rng.random() < 0.3:
        pools = f'[pools.all]\ncarriers = ["{rng.choice(names)}"]\n[routing]\ndefault_pool = "all"\n'
    elif rng.random() < 0.5:
        pools += f'backup = "more"\n[pools.more]\npolicy = "weighted"\ncarriers = {names}\n'.replace("'", '"')
    carriers = "".join(carrier(name, rng) for name in names)
    text = text_of().partition("[carriers.alpha]")[0]
    return text + carriers + pools + RETRY


def wrong(rng: Random) -> str:
    """One of many ways."""
    text = sound(rng)
    return rng.choice(
        (
            text + "[",
            text.replace("window = ", "windows = ", 1),
            text.replace('carriers = ["', 'carriers = ["nobody', 1),
            text.replace('type = "simulated"', 'type = "imagined"', 1),
            text.replace("attempts_max = 100", 'attempts_max = "100"'),
            text + '[accounts.demo2]\nsystem_id = "demo"\npassword_hash = "x"\n',
        )
    )


async def at_once(call: Callable[..., Any], *arguments: Any) -> Any:
    """Instead of a thread, which virtual time does not wait for."""
    await trio.lowlevel.checkpoint()
    return call(*arguments)


@define(eq=False)
class Life:
    """One process, in virtual time."""

    path: Path
    rng: Random
    store: MemoryStore = field(factory=MemoryStore)
    accepted: list[str] = field(factory=list)

    async def live(self, steps: Sequence[int]) -> None:
        self.path.write_text(sound(self.rng))
        config, clock, metrics = load_config(self.path, settings_class), FakeClock(), Metrics("test")
        engine = Engine(config, self.store, clock, self.rng, metrics)

        def make(name: str, one: CarrierSettings) -> Any:
            return carrier_class(one.type)(name, one.settings, engine, clock, Random(self.rng.getrandbits(32)))

        fleet = Fleet(config.carriers, make, engine.awaits_receipts, lambda: engine.intake.last_seq, engine.forget)
        reloader = Reloader(self.path, config, self.store, clock, metrics, engine, fleet)
        engine.connect(fleet.carriers, await self.store.recover(clock.now_ms(), engine.retries_due_by))
        self.store.on_commit = lambda _seconds, _changes: engine.dispatcher.wake()
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)
            await fleet.start(nursery)
            await reloader.begin()
            for step in steps:
                await (self._submit, self._submit, self._wait, self._reload, self._reload_wrong)[step](engine, reloader)
            with trio.fail_after(3_600):
                await trio.sleep(1)
                while self.store.tables.messages:  # noqa: ASYNC110
                    await trio.sleep(1)
            self._judge(engine)
            nursery.cancel_scope.cancel()

    async def _submit(self, engine: Engine, _: Reloader) -> None:
        """As a front door does it."""
        now, taken = engine.core.clock.now_ms(), []
        account = engine.accounts["demo"]
        for _number in range(self.rng.choice((1, 5, 20))):
            message = make_message(now, account="demo", delay_s=self.rng.choice((0, 0, 5)))
            if engine.admission.admit(account, message, "447700900123", now) is None:
                found = engine.intake.take(account, message, now)
                taken += [] if isinstance(found, Refusal) else found
        if taken:
            engine.intake.number(taken)
            ids = [message.message_id for message in taken]
            engine.intake.commit(taken, lambda status: self.accepted.extend(ids if status == ESME_ROK else ()))

    async def _wait(self, _engine: Engine, _reloader: Reloader) -> None:
        await trio.sleep(self.rng.choice((0.001, 0.3, 3)))

    async def _reload(self, engine: Engine, reloader: Reloader) -> None:
        self.path.write_text(sound(self.rng))
        number = reloader.current.number
        reloaded = await reloader.reload("test")
        assert reloaded.version == number + reloaded.applied
        assert set(engine.core.pools) == set(reloader.config.pools)

    async def _reload_wrong(self, engine: Engine, reloader: Reloader) -> None:
        core = engine.core
        before = core.config, core.tables, dict(core.pools), dict(core.carriers), reloader.current, reloader.config
        self.path.write_text(wrong(self.rng))
        with pytest.raises(ConfigError, match=r"smsagg\.toml: "):
            await reloader.reload("test")
        after = core.config, core.tables, dict(core.pools), dict(core.carriers), reloader.current, reloader.config
        assert all(one is other or one == other for one, other in zip(before, after, strict=True))
        assert core.config is before[0]

    def _judge(self, engine: Engine) -> None:
        history = self.store.tables.history.values()
        assert sorted(message.message_id for message in history) == sorted(self.accepted), "lost, or ended twice"
        assert {message.state for message in history} <= {MessageState.DELIVERED}
        core = engine.core
        assert not core.live
        assert not core.former_queued
        assert not core.former_depth
        assert all(account.queued == 0 for account in engine.accounts.values())
        assert all((pool.depth, pool.reserved, len(pool.ready)) == (0, 0, 0) for pool in core.pools.values())


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, 4), min_size=5, max_size=40))
def test_reloads_lose_nothing_and_wrong_ones_change_nothing(seed: int, steps: list[int]) -> None:
    """Whatever comes and leaves, every message that was accepted is delivered once, and a wrong file is as none."""
    run_sync, trio.to_thread.run_sync = trio.to_thread.run_sync, at_once
    try:
        with TemporaryDirectory() as folder:
            life = Life(Path(folder) / "smsagg.toml", Random(seed))
            trio.run(life.live, steps, clock=MockClock(autojump_threshold=0))
    finally:
        trio.to_thread.run_sync = run_sync
