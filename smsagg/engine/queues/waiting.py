"""Where a message waits that no carrier has: ready, scheduled in memory, parked in the store, or for its siblings.

| Queue | Who fills it | Who drains it | At its limit |
|---|---|---|---|
| ready (a pool's) | accept, schedule, loader | dispatcher, when a link has capacity | park (``spill``) or refuse |
| scheduled | retries, ``schedule_delivery_time`` | :meth:`Waiting.release_due`, by time | park |
| assembly | the same, parts of long messages only | the last sibling, or ``parts_wait`` | nobody waits in it |
| following (a link's) | dispatcher, parts beyond its capacity | dispatcher, before all else | the ready queue's |
| parked (store only) | both of the above when full | :class:`~smsagg.engine.queues.loader.Loader` | disk |
| held (store only) | rules on content, frozen accounts | an operator: :mod:`smsagg.engine.admission.freezing` | disk |

A message is in exactly one of them. Parked messages cost no memory; their ``next_attempt_at`` is in the store, and
``due`` holds the earliest of each pool. While a pool has parked messages that are due, newer ones queue behind them in
the store (``Pool.spilled``), so nothing overtakes by luck and nothing starves.

A pool may leave the configuration. Every message that is queued in memory belongs to a pool that is configured: what
waits when its pool leaves, and what comes back to a pool that has left, goes where it would be routed now; without a
route it is parked, and stays so until there is one.
"""

import math
from collections.abc import Callable, Collection, Iterable

from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.queues.following import Following
from smsagg.engine.sending.pools import LinkState, Pool
from smsagg.model import FROZEN_UNTIL, HELD_UNTIL, Message, MessageState
from smsagg.queueing import Assembly, Bundle
from smsagg.queueing.scheduled import ScheduledQueue

HORIZON_MS = 600_000
"""A message due later than this from now stays in the store."""

RELEASE_MAX = 10_000
"""Scheduled messages released in one go."""

UPDATES_MAX = 2_000
"""Messages that changed their pool, in one write."""

HomeOf = Callable[[Message], str]
"""The pool where a message would be routed now; ``""``: there is none."""


class Waiting:
    """The three places, and every way between them."""

    def __init__(self, core: Core, home_of: HomeOf) -> None:
        self._core = core
        self._home_of = home_of
        self._scheduled_max = core.config.store.scheduled_in_memory_max
        self.scheduled = ScheduledQueue(self._scheduled_max)
        settings = core.config.long_messages
        self.assembly = Assembly(settings.parts_wait, settings.parts_waiting_max)
        self.following = Following()
        self.due: dict[str, float] = {}
        """Pool → earliest ``next_attempt_at`` of its parked messages, in wall milliseconds."""
        self.overdue: list[Message] = []
        """QUEUED messages whose time was up when they came to be queued; the dispatcher ends them in its next turn."""
        self.on_earlier: Callable[[], None] = lambda: None
        """Something may have become due sooner than the loader knows."""

    def reconfigure(self) -> None:
        """Heed the configuration of ``core`` from now on; what is too much by its limits leaves as it is taken."""
        config = self._core.config
        self._scheduled_max = self.scheduled.messages_max = config.store.scheduled_in_memory_max
        self.assembly.wait_s = config.long_messages.parts_wait
        self.assembly.parts_max = config.long_messages.parts_waiting_max

    def leave_pools(self, names: Collection[str], now: int) -> None:
        """The pools of these names have left the configuration: what waits in memory for them finds a new home."""
        core = self._core
        waiting: list[Message] = []
        for name in names:
            pool = core.former_pools[name]
            alone, bundles = pool.bundles.take(pool.ready.take_all())
            waiting += alone
            for bundle in bundles:
                waiting += bundle
        for message in list(core.live.values()):
            if message.pool in names:
                if message.state is MessageState.QUEUED and self.withdraw(message):
                    waiting.append(message)
                elif message.state in (MessageState.QUEUED, MessageState.SENDING):
                    self._is_at_home(message)
        for message in waiting:
            self.readmit(message, now)
        moved = [message for message in waiting if core.live.get(message.seq) is message]
        for start in range(0, len(moved), UPDATES_MAX):
            updates = [update_of(message) for message in moved[start : start + UPDATES_MAX]]
            core.store.write(Changes(message_updates=updates))

    def _is_at_home(self, message: Message) -> bool:
        """Whether its pool is configured; where it was not, and there is a route, it is another one now."""
        if message.pool in self._core.pools:
            return True
        home = self._home_of(message)
        if home:
            self._core.decided(message, "moved", f"from pool {message.pool} to {home}")
            self._core.change_pool(message, home)
        return home != ""

    def reserve(self, message: Message, now: int) -> bool:
        """Before its commit: decide where a new message will wait. False: its pool is full and says ``refuse``, or has
        left the configuration since the message was routed, and there is no other."""
        if message.pool not in self._core.pools:
            message.pool = self._home_of(message)
            if not message.pool:
                return False
        if message.next_attempt_at == HELD_UNTIL:
            message.parked = True
            return True
        pool = self._core.pools[message.pool]
        message.next_attempt_at = message.not_before
        if message.not_before > now:
            message.parked = not self._fits_schedule(message.not_before, now)
            return True
        if pool.has_room():
            pool.reserved += 1
            return True
        if pool.settings.when_full == "refuse":
            return False
        message.parked = True
        return True

    def unreserve(self, message: Message) -> None:
        """The commit of a reserved message did not happen."""
        if not message.parked and message.not_before <= message.accepted_at:
            self._release_place(message)

    def admit(self, message: Message, now: int) -> None:
        """After its commit: put a reserved message where it was decided."""
        if self._core.watch.watcher is not None:
            place = "parked" if message.parked else "scheduled" if message.not_before > message.accepted_at else "ready"
            self._core.decided(
                message, "committed", f"country {message.country or 'unknown'}, pool {message.pool}, {place}"
            )
        if message.parked:
            self._note_parked(message, now)
            return
        core = self._core
        core.live[message.seq] = message
        is_scheduled = message.not_before > message.accepted_at
        pool = core.pools.get(message.pool)
        if pool is None:
            if not is_scheduled:
                self._release_place(message)
            self.readmit(message, now)
        elif not is_scheduled:
            pool.reserved -= 1
            self._make_ready(message, now)
        elif not self.scheduled.push(message.next_attempt_at, message):
            self._park(message, now)
        else:
            self.on_earlier()

    def retry_at(self, message: Message, due_at: int, now: int, changes: Changes) -> None:
        """Have a message wait until ``due_at``; the update is added to ``changes``."""
        message.next_attempt_at = due_at
        message.parked = not (self._is_at_home(message) and self.scheduled.push(due_at, message, now + HORIZON_MS))
        changes.message_updates.append(update_of(message))
        if message.parked:
            self._core.live.pop(message.seq, None)
            self._note_parked(message, now)
        else:
            self.on_earlier()

    def give_back(self, messages: Iterable[Message], now: int) -> None:
        """Messages taken from their ready queue that could not be sent: to its front, in order. Never refused."""
        by_pool: dict[str, list[Message]] = {}
        bundles: dict[tuple[str, int], Bundle] = {}
        for message in messages:
            if message.expires_at <= now:
                self.overdue.append(message)
                continue
            if self._core.frozen and message.account in self._core.frozen:
                self._freeze(message)
                continue
            if not self._is_at_home(message):
                self._park(message, now)
                continue
            if message.group is not None:
                bundle = bundles.setdefault((message.pool, message.group_seq), [])
                bundle.append(message)
                if len(bundle) > 1:
                    continue
            by_pool.setdefault(message.pool, []).append(message)
        for bundle in bundles.values():
            bundle.sort(key=lambda part: part.part_number)
        for name, returned in by_pool.items():
            pool = self._core.pools[name]
            if bundles:
                returned = [
                    message if message.group is None else pool.bundles.note_front(bundles[name, message.group_seq])
                    for message in returned
                ]
            pool.ready.push_front(returned)

    def loaded(self, messages: Iterable[Message], now: int) -> None:
        """Messages just claimed from the store: ready now; those that no longer fit are parked again."""
        core, changes = self._core, Changes()
        for message in messages:
            if message.seq in core.settling:
                continue
            core.live[message.seq] = message
            for watcher in core.load_watchers:
                watcher.append(message)
            if core.frozen and message.account in core.frozen:
                self.freeze(message, changes)
            elif self._is_at_home(message):
                self._make_ready(message, now)
            else:
                self._park(message, now)
        if changes.message_updates:
            core.store.write(changes)

    def of_account(self, account: str) -> list[Message]:
        """To be looked through: the account's messages that wait in memory, some twice, with others among them."""
        waiting = self.scheduled.messages() + self.assembly.parts() + self.following.parts()
        for pool in self._core.pools.values():
            waiting += pool.ready.of_account(account) + pool.bundles.parts()
        return waiting

    def readmit(self, message: Message, now: int) -> None:
        """A QUEUED message in memory that was withdrawn waits again, by its ``next_attempt_at``."""
        self.thaw(message, now)
        if not self._is_at_home(message):
            self._park(message, now)
        elif message.next_attempt_at <= now:
            self._make_ready(message, now)
        elif self.scheduled.push(message.next_attempt_at, message, now + HORIZON_MS):
            self.on_earlier()
        else:
            self._park(message, now)

    def come_back(self, message: Message, now: int) -> None:
        """A message just claimed from the store waits by its ``next_attempt_at``."""
        core = self._core
        core.live[message.seq] = message
        for watcher in core.load_watchers:
            watcher.append(message)
        self.readmit(message, now)

    def freeze(self, message: Message, changes: Changes) -> None:
        """A QUEUED message in memory and in no queue is held until its account is let go on."""
        message.next_attempt_at = FROZEN_UNTIL
        message.parked = True
        self._core.decided(message, "parked", "in the store, for its account is frozen")
        self._core.live.pop(message.seq, None)
        changes.message_updates.append(update_of(message))
        self._note_parked(message, 0)

    def thaw(self, message: Message, now: int) -> None:
        """Whoever claimed ``message`` has it still: if it was held with its account, which was let go on meanwhile, it
        is due now, for it was not among what the store showed as held."""
        if message.next_attempt_at == FROZEN_UNTIL and message.account not in self._core.frozen:
            message.next_attempt_at = max(message.not_before, now)

    def release_due(self, now: int) -> None:
        """Move scheduled messages whose time has come to their ready queues."""
        core = self._core
        for message in self.scheduled.take_due(now, RELEASE_MAX):
            pool = core.pools[message.pool]
            if pool.spilled:
                self._park(message, now)
            else:
                self._make_ready(message, now)

    def release_assembled(self, now: float) -> None:
        """Let parts go that have waited long enough for their siblings. ``now`` is monotonic."""
        if len(self.assembly):
            now_ms = self._core.clock.now_ms()
            for bundle in self.assembly.take_due(now):
                self._assembled(bundle, now_ms)

    def follow(self, link: LinkState, parts: list[Message]) -> None:
        """Let parts wait for room on ``link``; while they do they hold their places in their pools."""
        for part in parts:
            self._core.pools[part.pool].reserved += 1
        self.following.add(link, parts)

    def take_following(self, link: LinkState, count: int) -> list[Message]:
        """The next that follow on ``link``."""
        taken = self.following.take(link, count)
        for part in taken:
            self._release_place(part)
        return taken

    def withdraw(self, message: Message) -> bool:
        """Take a QUEUED message in memory out of whichever queue it waits in; False: it is held, or its time is up."""
        assert message.state is MessageState.QUEUED
        pool = self._core.pool_of(message)
        if pool is not None:
            if message.group is not None and self._withdraw_part(message, pool):
                return True
            if pool.ready.remove(message):
                return True
        return self.scheduled.remove(message)

    def next_due_at(self) -> float:
        """Wall milliseconds of the earliest scheduled message in memory; ``inf`` for none."""
        at = self.scheduled.next_due_at()
        return math.inf if at is None else at

    def _make_ready(self, message: Message, now: int) -> None:
        """To the end of its ready queue, unless its time is up or the queue is full."""
        if message.expires_at <= now:
            self.overdue.append(message)
        elif self._core.frozen and message.account in self._core.frozen:
            self._freeze(message)
        elif message.group is not None:
            self._assemble(message, now)
        elif not self._core.pools[message.pool].ready.push(message):
            self._park(message, now)

    def _freeze(self, message: Message) -> None:
        changes = Changes()
        self.freeze(message, changes)
        self._core.store.write(changes)

    def _assemble(self, part: Message, now: int) -> None:
        """Let ``part`` wait for its siblings; while it does it holds a place in its pool."""
        self._core.pools[part.pool].reserved += 1
        bundle = self.assembly.add(part, self._core.clock.monotonic_s())
        if bundle is not None:
            self._assembled(bundle, now)

    def _assembled(self, bundle: Bundle, now: int) -> None:
        pool = self._core.pools[bundle[0].pool]
        pool.reserved -= len(bundle)
        if not pool.bundles.push(bundle):
            for part in bundle:
                self._park(part, now)

    def _withdraw_part(self, part: Message, pool: Pool) -> bool:
        if self.assembly.remove(part) or self.following.remove(part):
            pool.reserved -= 1
            return True
        return pool.bundles.remove(part)

    def _release_place(self, message: Message) -> None:
        pool = self._core.pool_of(message)
        assert pool is not None
        pool.reserved -= 1

    def _fits_schedule(self, due_at: int, now: int) -> bool:
        return due_at - now <= HORIZON_MS and len(self.scheduled) < self._scheduled_max

    def _park(self, message: Message, now: int) -> None:
        message.parked = True
        self._core.decided(message, "parked", "in the store, for want of room")
        self._core.live.pop(message.seq, None)
        changes = Changes(message_updates=[update_of(message)])
        self._core.store.write(changes)
        self._note_parked(message, now)

    def _note_parked(self, message: Message, now: int) -> None:
        name, due_at = message.pool, message.next_attempt_at
        pool = self._core.pools.get(name)
        if pool is not None and due_at <= now:
            pool.spilled = True
        if due_at < self.due.get(name, math.inf):
            self.due[name] = due_at
            self.on_earlier()
