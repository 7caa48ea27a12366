"""The faults: what is done to which process, when, and how many copies each may cause."""

import math
import signal
import time
from collections.abc import Awaitable, Callable
from random import Random

import trio
from attrs import define

from tools.chaos.configuration import CARRIERS, RESPONSE_TIMEOUT_S
from tools.chaos.esme import Esme
from tools.chaos.history import Fault
from tools.chaos.machine import Machine
from tools.chaos.network import Network
from tools.chaos.system import System, until
from tools.chaos.visits import Visitor

SETTLE_S = 1.0
"""What a dead process had written may be read so long after its death."""
CATCH_UP_S = 0.5
"""Who was stopped has read what had come meanwhile so long after."""
REBIND_DEADLINE_S = 30.0


@define(frozen=True)
class Plan:
    """How often each fault strikes; their order and instants are the seed's."""

    kill_server: int = 5
    kill_starting: int = 0
    """Kills the server, and again twice while it starts."""
    kill_carrier: int = 0
    stop_server: int = 0
    """SIGSTOP, SIGCONT."""
    stop_carrier: int = 0
    restart: int = 0
    """SIGTERM, and start again after an orderly end."""
    reload: int = 0
    """SIGHUP with another configuration: carriers are replaced, weights and rates change."""
    drop_client: int = 0
    """Resets one connection of the ESME."""
    cut_client: int = 0
    """Network faults on the ESME's road; see :class:`~tools.chaos.network.Network`."""
    hole_client: int = 0
    slow_client: int = 0
    slow_close_client: int = 0
    cut_web: int = 0
    """Network faults on the application's road."""
    hole_web: int = 0
    slow_web: int = 0
    cut_carrier: int = 0
    """Network faults on a carrier's road."""
    hole_carrier: int = 0
    mute_carrier: int = 0
    slow_carrier: int = 0
    power_loss: int = 0
    """Faults of the machine; see :class:`~tools.chaos.machine.Machine`. This kills the server, and what it had written
    and not synced is gone."""
    disk_full: int = 0
    disk_low: int = 0
    sync_error: int = 0
    slow_sync: int = 0
    """Every sync takes long; longer than ``accept_deadline`` in the next."""
    stalled_sync: int = 0
    clock_jump: int = 0
    """Sets the server's wall clock, and sets it right again."""
    clock_jumps_s: tuple[float, ...] = (3_600.0, -3_600.0)
    """How far, one of these."""
    failpoints: tuple[str, ...] = ()
    """Rows of :data:`tools.chaos.failpoints.FAILPOINTS` that are visited after all else."""
    cuts_power: bool = False
    """At each of them the power goes."""
    pause_s: tuple[float, float] = (0.5, 1.5)
    """Load between two faults, once all binds are back."""
    stop_s: tuple[float, float] = (0.3, 2.0)


NO_FAULTS = Plan(kill_server=0)


class Nemesis:
    """Carries a plan out, one fault after the other."""

    def __init__(
        self, system: System, esme: Esme, network: Network, plan: Plan, rng: Random, tell: Callable[[str], None]
    ) -> None:
        self._system = system
        self._esme = esme
        self._network = network
        self._plan = plan
        self._rng = rng
        self._tell = tell
        self.faults: list[Fault] = []
        self.visitor = Visitor(system, esme, rng, tell)
        self.machine = Machine(system, esme, rng, plan.clock_jumps_s)

    async def run(self) -> None:
        """All faults of the plan. Raises SystemFailed when the server does not come back."""
        kinds: dict[str, Callable[[], Awaitable[Fault]]] = {
            "kill_server": self._kill_server,
            "kill_starting": self._kill_starting,
            "kill_carrier": self._kill_carrier,
            "stop_server": self._stop_server,
            "stop_carrier": self._stop_carrier,
            "restart": self._restart,
            "reload": self._reload,
            "drop_client": self._drop_client,
            **self._network.kinds(),
            **self.machine.kinds(),
        }
        schedule = [kind for kind in kinds for _ in range(getattr(self._plan, kind))]
        self._rng.shuffle(schedule)
        await self.pause()
        for kind in schedule:
            lives = len(self._system.server.starts)
            fault = await kinds[kind]()
            self.faults.append(fault)
            if len(self._system.server.starts) > lives:  # and not only stopped for a moment
                self.machine.server_started()
            self._tell(f"{kind} {fault.target}: {fault.ended_at - fault.began_at:.2f} s")
            await self.pause()

        if self._plan.failpoints:
            try:
                await self.visitor.run(self._plan.failpoints, self._plan.cuts_power)
            finally:
                self.faults += self.visitor.faults
            await self.pause()

    def anomalies(self) -> list[str]:
        """What a fault has brought to light that must not be."""
        return self.machine.anomalies + self.visitor.anomalies

    async def pause(self) -> None:
        """Until every bind is back, and then a while under load."""
        with trio.move_on_after(REBIND_DEADLINE_S):
            await until(lambda: self._esme.bound >= self._esme.binds_wanted)
        await trio.sleep(self._rng.uniform(*self._plan.pause_s))

    def _fault(self, kind: str, target: str, began_at: float, copies_max: int, receipts_max: int) -> Fault:
        return Fault(kind, target, began_at, time.monotonic(), copies_max, receipts_max)

    async def _kill_server(self) -> Fault:
        sizes, began_at = self._system.sizes, time.monotonic()
        self._system.server.kill()
        await self._system.server.start()
        return self._fault("kill -9", "server", began_at, sizes.copies_max, sizes.receipts_max)

    async def _kill_starting(self) -> Fault:
        """The kills while it starts may each cut what the start has sent already."""
        sizes, began_at, server = self._system.sizes, time.monotonic(), self._system.server
        server.kill()
        for _ in range(2):
            await server.start(wait=False)
            await trio.sleep(self._rng.uniform(0.2, 1.5))
            server.kill()
        await server.start()
        return self._fault("kill -9 starting", "server", began_at, 3 * sizes.copies_max, 3 * sizes.receipts_max)

    async def _kill_carrier(self) -> Fault:
        name, began_at = self._rng.choice(CARRIERS), time.monotonic()
        self._system.carriers[name].kill()
        await trio.sleep(self._rng.uniform(0, 0.5))
        await self._system.carriers[name].start()
        return self._fault("kill -9", name, began_at, self._system.sizes.carrier_window, 0)

    async def _stop_server(self) -> Fault:
        """Shorter than every timer: nothing may be doubled."""
        began_at = time.monotonic()
        self._system.server.signal(signal.SIGSTOP)
        await trio.sleep(self._rng.uniform(*self._plan.stop_s))
        self._system.server.signal(signal.SIGCONT)
        await trio.sleep(CATCH_UP_S)
        sizes, rounds = self._system.sizes, _timeouts(began_at)
        return self._fault("stop", "server", began_at, rounds * sizes.copies_max, rounds * sizes.receipts_max)

    async def _stop_carrier(self) -> Fault:
        name, began_at = self._rng.choice(CARRIERS), time.monotonic()
        self._system.carriers[name].signal(signal.SIGSTOP)
        await trio.sleep(self._rng.uniform(*self._plan.stop_s))
        self._system.carriers[name].signal(signal.SIGCONT)
        await trio.sleep(CATCH_UP_S)
        return self._fault("stop", name, began_at, _timeouts(began_at) * self._system.sizes.carrier_window, 0)

    async def _restart(self) -> Fault:
        """An orderly stop waits for what is with the carriers; receipts in the ESME's window may come again."""
        sizes, began_at, server = self._system.sizes, time.monotonic(), self._system.server
        await server.stop()
        await server.start()
        return self._fault("restart", "server", began_at, 0, sizes.receipts_max)

    async def _reload(self) -> Fault:
        """Nothing may be doubled by it."""
        began_at = time.monotonic()
        await self._system.reload(self._rng)
        return self._fault("reload", "configuration", began_at, 0, 0)

    async def _drop_client(self) -> Fault:
        """What the ESME had not answered on that bind comes again."""
        began_at = time.monotonic()
        self._esme.drop_one()
        await trio.sleep(0.1)
        return self._fault("reset", "esme", began_at, 0, self._system.sizes.deliver_window)


def _timeouts(began_at: float) -> int:
    """How often a window may have run into the response timer since then."""
    lasted_s = time.monotonic() - began_at
    return 0 if lasted_s < 0.8 * RESPONSE_TIMEOUT_S else 1 + math.floor(lasted_s / RESPONSE_TIMEOUT_S)
