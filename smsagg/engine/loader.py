"""Brings waiting messages to their ready queues when they are due and there is room.

Two sources: the schedule in memory, and what is parked in the store. A pool is refilled when it has fallen to half, in
large claims, so that the store is asked rarely.
"""

import math

import trio

from smsagg.engine.core import Core
from smsagg.engine.pools import Pool
from smsagg.engine.waiting import Waiting

CLAIM_MAX = 5_000
IDLE_S = 5.0


class Loader:
    """One task for all pools."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._core = core
        self._waiting = waiting
        self._wake = trio.Event()
        waiting.on_earlier = self.wake

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Load until cancelled."""
        core, waiting = self._core, self._waiting
        while True:
            self._wake = trio.Event()
            core.forget_settled()
            waiting.release_due(core.clock.now_ms())
            full = False
            for name in list(waiting.due):
                full |= await self._refill(core.pools.get(name), name)
            core.wake_dispatcher()
            now = core.clock.now_ms()
            next_ms = min([waiting.next_due_at(), *(at for at in waiting.due.values() if at > now)])
            wait_s = min((next_ms - now) / 1000, 0.05 if full else IDLE_S)
            with trio.move_on_after(max(wait_s, 0.005)):
                await self._wake.wait()

    async def _refill(self, pool: Pool | None, name: str) -> bool:
        """Claim what is due; True when more is due than fits just now."""
        waiting, store = self._waiting, self._core.store
        if pool is None:
            return False
        while waiting.due.get(name, math.inf) <= (now := self._core.clock.now_ms()):
            room = pool.settings.queue_max - len(pool.ready) - pool.reserved
            if room < pool.settings.queue_max // 2:
                return True
            limit = min(room, CLAIM_MAX)
            claimed = await store.claim_messages(name, now, limit)
            waiting.loaded(claimed, now)
            self._core.wake_dispatcher()
            if len(claimed) < limit:
                waiting.due.pop(name, None)  # what is parked while the store answers puts it back
                pool.spilled = False
                due_at = (await store.next_due()).get(name, math.inf)
                if due_at < math.inf:
                    waiting.due[name] = min(waiting.due.get(name, math.inf), due_at)
                    if due_at <= self._core.clock.now_ms():
                        pool.spilled = True
        return False
