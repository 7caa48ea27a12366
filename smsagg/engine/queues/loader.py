"""Brings waiting messages to their ready queues when they are due and there is room.

Two sources: the schedule in memory, and what is parked in the store. A pool is refilled when it has fallen to half, in
large claims, so that the store is asked rarely.

What is parked for a pool that is not configured goes where it would be routed now, once at the start and once after
each change of the configuration. What has no route then is parked under the *other name* of its pool, which no pool can
have, so that every claim brings something new however much there is without a route; the next round moves it back, or
on its way.
"""

import math

import trio

from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.queues.waiting import HomeOf, Waiting
from smsagg.engine.sending.pools import Pool
from smsagg.errors import StoreError

CLAIM_MAX = 5_000
IDLE_S = 5.0
FULL_S = 0.05
PAUSE_MIN_S = 0.005
NO_TIME = 2**62
"""Due at any time."""
WITHOUT_ROUTE = "~"
"""The last letter of the other name."""


class Loader:
    """One task for all pools."""

    def __init__(self, core: Core, waiting: Waiting, home_of: HomeOf) -> None:
        self._core = core
        self._waiting = waiting
        self._home_of = home_of
        self._wake = trio.Event()
        self._full = False
        self._begins_round = False
        waiting.on_earlier = self.wake

    def wake(self) -> None:
        self._wake.set()

    def reconfigure(self) -> None:
        """Look anew, soon, for what is parked for pools that are not configured, and for pools that are again."""
        self._begins_round = True
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
        if self._begins_round:
            await self._begin_round()
        for name in list(waiting.due):
            pool = core.pools.get(name)
            if pool is not None:
                self._full |= await self._refill(pool, name)
            elif not (name.endswith(WITHOUT_ROUTE) and other_name(name) in waiting.due):  # else it is the other's turn
                await self._move_to_other_pools(name)

    async def _begin_round(self) -> None:
        core, waiting = self._core, self._waiting
        self._begins_round = False
        try:
            parked = await core.store.next_due()
        except StoreError:
            self._begins_round = True
            raise
        now = core.clock.now_ms()
        for name, due_at in parked.items():
            waiting.due[name] = min(waiting.due.get(name, math.inf), due_at)
            pool = core.pools.get(name)
            if pool is not None:
                pool.spilled |= due_at <= now

    def _pause_s(self) -> float:
        """Until the next message is due, or until a full pool has probably drained a little."""
        now, due = self._core.clock.now_ms(), self._waiting.due.values()
        if not self._full and any(at <= now for at in due):  # it came due while another pool was served
            return PAUSE_MIN_S
        next_ms = min([self._waiting.next_due_at(), *(at for at in due if at > now)])
        return max(min((next_ms - now) / 1000, FULL_S if self._full else IDLE_S), PAUSE_MIN_S)

    async def _move_to_other_pools(self, name: str) -> None:
        """A pool that the configuration has not: its messages go where they would be routed now, one claim at a time.

        Those without a route stay, until there is one or their time is up.
        """
        core, waiting = self._core, self._waiting
        claimed = await core.store.claim_messages(name, NO_TIME, CLAIM_MAX)
        changes, now = Changes(), core.clock.now_ms()
        for message in claimed:
            if message.seq in core.settling:
                continue
            waiting.thaw(message, now)
            home = self._home_of(message)
            core.change_pool(message, home or other_name(name))
            if home:
                waiting.due[home] = min(waiting.due.get(home, math.inf), message.next_attempt_at)
            message.parked = True
            changes.message_updates.append(update_of(message))
            for outdated in core.finish_watchers:  # who finds its row still sees the old pool
                outdated.add(message.seq)
        if not changes.is_empty():
            core.store.write(changes)
        if name not in core.pools:  # it may have come back while the store answered
            if len(claimed) == CLAIM_MAX:
                waiting.due[name] = 0
            else:
                waiting.due.pop(name, None)

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
            if self._core.pools.get(name) is not pool:  # it left while the store answered
                return False
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


def other_name(name: str) -> str:
    """Under which what has no route is parked, of a pool or of such a name."""
    return name.removesuffix(WITHOUT_ROUTE) if name.endswith(WITHOUT_ROUTE) else name + WITHOUT_ROUTE
