"""Faults of the machine under the server: its power, its disk, its clock.

Each strikes, lasts, and is healed before it returns. A disk that is ill costs refusals and nothing else: sessions stay,
and the server takes messages again by itself once the disk is well. When it does not, that is noted in
:attr:`Machine.anomalies`.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import trio
from attrs import evolve

from tools.chaos import injection
from tools.chaos.configuration import ACCEPT_DEADLINE_S
from tools.chaos.esme import Esme
from tools.chaos.history import ClockStep, Fault, Reply, Start
from tools.chaos.system import System, until

RECOVERY_DEADLINE_S = 20.0
"""After its disk is well the server takes messages again within so long."""
ILL_S = (0.5, 2.0)
DIES_ILL = 0.3
"""Share of illnesses in which the server is killed."""
STUTTER_S = (0.1, 0.5)
STALL_S = (1.5 * ACCEPT_DEADLINE_S, 2.0 * ACCEPT_DEADLINE_S)
HELD_BACK_S = (0.2, 0.8)
"""For so long before the power goes what is not synced is not on the disk."""


class Machine:
    """Does it, and knows what the server's clock says."""

    def __init__(self, system: System, esme: Esme, rng: Random, clock_jumps_s: Sequence[float]) -> None:
        self._system = system
        self._esme = esme
        self._rng = rng
        self._clock_jumps_s = clock_jumps_s
        self._scheduled = esme.load.scheduled
        self.clock = ServerClock()
        self.anomalies: list[str] = []

    def kinds(self) -> dict[str, Callable[[], Awaitable[Fault]]]:
        """The faults by the names of the plan."""
        return {
            "power_loss": self._power_loss,
            "disk_full": partial(self._ill_disk, "disk full", disk=injection.DISK_FULL),
            "disk_low": partial(self._ill_disk, "disk low", disk=injection.DISK_LOW),
            "sync_error": partial(self._ill_disk, "sync error", disk=injection.SYNC_ERROR),
            "slow_sync": partial(self._ill_disk, "slow sync", sync_delay_s=STUTTER_S),
            "stalled_sync": partial(self._ill_disk, "stalled sync", sync_delay_s=STALL_S),
            "clock_jump": self._clock_jump,
        }

    def server_started(self) -> None:
        """It goes by the true time now. What a fast clock scheduled an hour too late would stay so: none was."""
        self._esme.load = evolve(self._esme.load, scheduled=self._scheduled)

    async def _power_loss(self) -> Fault:
        """A kill of the process takes with it what its medium has held back since a moment before."""
        await self._system.set_conditions(holds_back=True, is_torn=self._rng.random() < 0.5)
        await trio.sleep(self._rng.uniform(*HELD_BACK_S))
        sizes, began_at = self._system.sizes, time.monotonic()
        self._system.server.kill()
        await self._system.set_conditions()
        await self._system.server.start()
        return Fault("power loss", "server", began_at, time.monotonic(), sizes.copies_max, sizes.receipts_max)

    async def _ill_disk(self, kind: str, **conditions: Any) -> Fault:
        began_at, server, sizes = time.monotonic(), self._system.server, self._system.sizes
        await self._system.set_conditions(**conditions)
        await trio.sleep(self._rng.uniform(*ILL_S))
        if self._rng.random() < DIES_ILL:
            server.kill()
            await self._system.set_conditions()
            await server.start()
            kind += ", kill -9"
            fault = Fault(kind, "server", began_at, time.monotonic(), sizes.copies_max, sizes.receipts_max)
        else:
            await self._system.set_conditions()
            fault = Fault(kind, "disk", began_at, time.monotonic())
        await self._see_messages_taken(kind)
        return fault

    async def _see_messages_taken(self, after: str) -> None:
        first = len(self._esme.log.submits)
        with trio.move_on_after(RECOVERY_DEADLINE_S):
            await until(lambda: any(submit.reply is Reply.OK for submit in self._esme.log.submits[first:]))
            return
        self.anomalies.append(f"{after}: nothing was taken in the {RECOVERY_DEADLINE_S:.0f} s after it was over")

    async def _clock_jump(self) -> Fault:
        """While messages wait, since there is no carrier for a while: what waits for a time is what a jump may harm."""
        began_at, jump_s = time.monotonic(), self._rng.choice(self._clock_jumps_s)
        if jump_s > 0:
            self._esme.load = evolve(self._esme.load, scheduled=0.0)
        for carrier in self._system.carriers.values():
            carrier.kill()
        await trio.sleep(1.0)
        await self._set_clock(jump_s)
        await trio.sleep(1.0)
        for carrier in self._system.carriers.values():
            await carrier.start()
        await trio.sleep(self._rng.uniform(1.0, 2.0))
        await self._set_clock(0.0)
        copies_max = self._system.sizes.copies_max
        return Fault(f"clock {jump_s:+.0f} s", "carriers", began_at, time.monotonic(), copies_max)

    async def _set_clock(self, ahead_s: float) -> None:
        began_at = time.monotonic()
        await self._system.set_conditions(clock_ahead_s=ahead_s)
        self.clock.was_set(ahead_s, began_at)


class ServerClock:
    """How far the clock that the server goes by is ahead of the true time. Set forward it follows at once, set back it
    waits for the true time; started anew it knows no better than the machine, whose clock is right by then."""

    def __init__(self) -> None:
        self._set: list[ClockStep] = []

    def was_set(self, ahead_s: float, began_at: float) -> None:
        """Between ``began_at`` and now the machine's clock was set to be ``ahead_s`` ahead."""
        self._set.append(ClockStep(began_at, time.monotonic(), ahead_s))

    def steps(self, starts: Sequence[Start]) -> list[ClockStep]:
        """What the server's clock did, given when it was started."""
        events = [(step.began_at, step) for step in self._set]
        events += [(start.began_at, ClockStep(start.began_at, start.accepting_at, 0.0)) for start in starts]
        steps: list[ClockStep] = []
        for _, step in sorted(events, key=lambda event: event[0]):
            was_ahead_s = steps[-1].ahead_s if steps and step in self._set else 0.0
            steps.append(evolve(step, ahead_s=max(step.ahead_s, was_ahead_s)))
        return steps if self._set else []
