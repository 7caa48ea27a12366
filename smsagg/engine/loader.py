"""Brings waiting messages to their ready queues when they are due and there is room.

Two sources: the schedule in memory, and what is parked in the store. A pool is refilled when it has fallen to half, in
large claims, so that the store is asked rarely.
"""

import math

import trio

from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.pools import Pool
from smsagg.engine.waiting import Waiting
from smsagg.routing.router import Router

CLAIM_MAX = 5_000
IDLE_S = 5.0
FULL_S = 0.05
PAUSE_MIN_S = 0.005
NO_TIME = 2**62
"""Due at any time."""


class Loader:
    """One task for all pools."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._core = core
        self._waiting = waiting
        self._router = Router(core.config.pools, core.config.routing)
        self._wake = trio.Event()
        self._full = False
        waiting.on_earlier = self.wake

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Load until cancelled."""
        while True:
            self._wake = trio.Event()
            await self._core.store_permitting(self.load)
            with trio.move_on_after(self._pause_s()):
                await self._wake.wait()

    async def load(self) -> None:
        """One round over all pools. Raises StoreError when the store cannot answer; nothing is lost then."""
        core, waiting = self._core, self._waiting
        core.forget_settled()
        waiting.release_due(core.clock.now_ms())
        core.wake_dispatcher()
        self._full = False
        for name in list(waiting.due):
            pool = core.pools.get(name)
            if pool is None:
                await self._move_to_other_pools(name)
            else:
                self._full |= await self._refill(pool, name)

    def _pause_s(self) -> float:
        """Until the next message is due, or until a full pool has probably drained a little."""
        now, due = self._core.clock.now_ms(), self._waiting.due.values()
        if not self._full and any(at <= now for at in due):  # it came due while another pool was served
            return PAUSE_MIN_S
        next_ms = min([self._waiting.next_due_at(), *(at for at in due if at > now)])
        return max(min((next_ms - now) / 1000, FULL_S if self._full else IDLE_S), PAUSE_MIN_S)

    async def _move_to_other_pools(self, name: str) -> None:
        """A pool that the configuration has no more: its messages go where they would be routed today.

        Those without a route stay, until there is one or their time is up.
        """
        core, waiting = self._core, self._waiting
        claimed = await core.store.claim_messages(name, NO_TIME, CLAIM_MAX)
        changes = Changes()
        for message in claimed:
            if message.seq in core.settling:
                continue
            pool = self._router.route(message.country)
            if isinstance(pool, str):
                message.pool = pool
                core.pools[pool].depth += 1
                waiting.due[pool] = min(waiting.due.get(pool, math.inf), message.next_attempt_at)
            message.parked = True
            changes.message_updates.append(update_of(message))
            for outdated in core.finish_watchers:  # who finds its row still sees the old pool
                outdated.add(message.seq)
        if claimed:
            core.store.write(changes)
        if len(claimed) < CLAIM_MAX or any(message.pool == name for message in claimed):
            del waiting.due[name]

    async def _refill(self, pool: Pool, name: str) -> bool:
        """Claim what is due; True when more is due than fits just now."""
        waiting, store = self._waiting, self._core.store
        while waiting.due.get(name, math.inf) <= (now := self._core.clock.now_ms()):
            room = pool.settings.queue_max - len(pool.ready) - pool.reserved - pool.bundles.extra
            if room < max(pool.settings.queue_max // 2, 1):
                return True
            limit = min(room, CLAIM_MAX)
            with self._core.groups.watching():
                claimed = await store.claim_messages(name, now, limit)
                self._core.groups.adopt(claimed)
            waiting.loaded(claimed, now)
            self._core.wake_dispatcher()
            if len(claimed) < limit:
                await self._note_next_due(pool, waiting.due.pop(name))
        return False

    async def _note_next_due(self, pool: Pool, known_due_at: float) -> None:
        """All that was due is claimed: learn when the next is."""
        waiting, name = self._waiting, pool.name
        pool.spilled = False
        due_at = known_due_at
        try:
            due_at = (await self._core.store.next_due()).get(name, math.inf)
        finally:  # what was parked while the store answered may be due sooner
            due_at = min(waiting.due.get(name, math.inf), due_at)
            if due_at < math.inf:
                waiting.due[name] = due_at
            pool.spilled |= due_at <= self._core.clock.now_ms()
