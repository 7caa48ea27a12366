"""One run: start the system, load it, let the nemesis loose, heal, wait until nothing is left to do, stop, collect."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import trio
from attrs import define, field

from tools.chaos.application import Application, Calls
from tools.chaos.checker import Report, check
from tools.chaos.collect import collect, sessions_lost_for_nothing, stalls_as_faults, unexcused_refusals
from tools.chaos.configuration import ACCOUNTS, API_KEY, CARRIERS, WATCH, WEB, Sizes
from tools.chaos.endpoints import Endpoints
from tools.chaos.esme import Esme, Load
from tools.chaos.history import Fault, History, Life, Phases
from tools.chaos.nemesis import Nemesis, Plan
from tools.chaos.network import Network
from tools.chaos.proxy import Proxy
from tools.chaos.resources import Recorder, ScrapeFailed
from tools.chaos.store_dump import live, over
from tools.chaos.system import System, SystemFailed, until
from tools.chaos.watch import Watch

POLL_S = 0.1
QUIET_S = 0.5
"""Nothing live, nothing owed, nothing unanswered for so long: drained."""
RECOVERY_S = 2.0
"""Load after all faults are healed, and again in the last life."""
CALLS_DEADLINE_S = 20.0
"""Everything that was asked for by HTTP is answered within so long."""
SETTLED_S = 0.3
"""What a stopped server wrote last is read and noted within so long."""


@define(frozen=True)
class Settings:
    """What a run is; all of it follows from the seed but the machine's own timing."""

    plan: Plan = field(factory=Plan)
    load: Load = field(factory=Load)
    calls: Calls = field(factory=Calls)
    sizes: Sizes = field(factory=Sizes)
    seed: int = 0
    drain_deadline_s: float = 60.0
    seed_bug: str = ""
    balances: bool = True
    """After the faults start the server once more, and compare what that life counted with what everybody saw."""


def run(settings: Settings, folder: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[Report, History]:
    """The report on one run in ``folder``, an empty one; takes the plan's time and at most the drain deadline."""
    history = trio.run(Run(settings, folder, tell).run)
    return check(history), history


async def _heed_sigterm() -> None:
    """Ended from outside, a run takes with it what it started, as with Ctrl-C."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            raise KeyboardInterrupt


class Run:
    """The parts of one run."""

    def __init__(self, settings: Settings, folder: Path, tell: Callable[[str], None]) -> None:
        rng = Random(settings.seed)
        self.settings = settings
        self.tell = tell
        self.system = System(folder, rng, settings.sizes, settings.seed_bug)
        ports = self.system
        self.esme = Esme(ports.front_port, ACCOUNTS, settings.load, rng)
        self.watch = Watch(ports.port, WATCH)
        self.application = Application(ports.http_front_port, WEB, API_KEY, settings.calls, rng)
        self.endpoints = Endpoints(ports.endpoints_port, WEB, rng)
        carriers = {name: Proxy(name, ports.road_ports[name], ports.carrier_ports[name]) for name in CARRIERS}
        front = Proxy("front", ports.front_port, ports.port)
        web = Proxy("web", ports.http_front_port, ports.http_port)
        self.network = Network(front, web, carriers, self.esme, settings.sizes, rng)
        self.nemesis = Nemesis(self.system, self.esme, self.network, settings.plan, rng, tell)
        self.recorder = Recorder(self.system)
        self.phases = Phases()
        self.life: Life | None = None

    async def run(self) -> History:
        """All phases. The system is gone afterwards, whatever has happened."""
        failures: list[str] = []
        is_drained = False
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.network.run)
                await nursery.start(self.endpoints.run)
                await self.system.start()
                services = (self.esme.run, self.application.run, self.watch.run, self.recorder.run, _heed_sigterm)
                for service in services:
                    nursery.start_soon(service)
                try:
                    is_drained = await self._load_and_drain()
                except SystemFailed as error:
                    failures.append(str(error))
                self.esme.finish()
                lost = list(self.esme.log.sessions_lost)
                await self.system.stop()
                nursery.cancel_scope.cancel()
        finally:
            self.system.kill()
        self.nemesis.faults += stalls_as_faults(self.recorder.stalls, self.settings.sizes)
        anomalies = failures + self.nemesis.anomalies() + self.system.anomalies()
        anomalies += sessions_lost_for_nothing(lost, self.nemesis.faults)
        anomalies += unexcused_refusals(self.esme.log.binds_refused, self.nemesis.faults)
        return collect(self, anomalies, is_drained)

    async def _load_and_drain(self) -> bool:
        """Whether everything was done in the end. Raises SystemFailed."""
        phases = self.phases
        phases.load_began_at = time.monotonic()
        await self.nemesis.run()
        self.network.heal()
        self.endpoints.is_well = True
        phases.healed_at = time.monotonic()
        if self.settings.balances:
            await trio.sleep(RECOVERY_S)
            began_at, history_before, rows_before = await self._begin_last_life()
            await self.nemesis.pause()
            await trio.sleep(RECOVERY_S)
        self.esme.is_sending = self.application.is_sending = False
        phases.load_ended_at = time.monotonic()
        phases.backlog, _ = live(self.system.store_path)
        if not await self._drained():
            phases.given_up_at = time.monotonic()
            return False
        phases.drained_at = time.monotonic()
        if self.settings.balances:
            scraped_at = time.monotonic()
            try:
                metrics = await self.recorder.scrape()
            except ScrapeFailed as error:
                raise SystemFailed(str(error)) from error
            self.life = Life(began_at, scraped_at, history_before, rows_before, metrics)
        return True

    async def _begin_last_life(self) -> tuple[float, Counter[tuple[str, int]], int]:
        """An orderly restart; (when that life began, what was over before, rows before).

        No call is under way then: of one that is asked for again nobody could say in which life it was taken.
        """
        server, sizes, application = self.system.server, self.settings.sizes, self.application
        application.is_sending = False
        with trio.move_on_after(CALLS_DEADLINE_S):
            await until(lambda: not application.outstanding)
        stopped_at = time.monotonic()
        await server.stop()
        await trio.sleep(SETTLED_S)
        history_before, rows_before = over(self.system.store_path)
        began_at = time.monotonic()
        await server.start()
        self.nemesis.faults.append(Fault("restart", "server", stopped_at, time.monotonic(), 0, sizes.receipts_max))
        self.nemesis.machine.server_started()
        application.is_sending = True
        return began_at, history_before, rows_before

    async def _drained(self) -> bool:
        """Wait until the store holds nothing live and nothing owed, and every request is answered."""
        esme, began_at = self.esme, time.monotonic()
        quiet_since: float | None = None
        messages = deliveries = -1
        while (now := time.monotonic()) - began_at < self.settings.drain_deadline_s:
            messages, deliveries = live(self.system.store_path)
            is_answered = not esme.outstanding and not self.application.outstanding
            if messages or deliveries or not is_answered or esme.bound < esme.binds_wanted:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= QUIET_S:
                self.tell(f"drained {self.phases.backlog} messages in {now - began_at:.1f} s")
                return True
            await trio.sleep(POLL_S)
        self.tell(
            f"not drained in {self.settings.drain_deadline_s:.0f} s: {messages} messages, {deliveries} deliveries, "
            f"{esme.outstanding + self.application.outstanding} unanswered, {esme.bound} of {esme.binds_wanted} bound"
        )
        return False
