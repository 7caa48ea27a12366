"""What every part of the engine shares: settings, clocks, the store, and the messages that are in memory."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

import trio
from attrs import Factory, define, field

from smsagg.clock import Clock
from smsagg.config.schema import Config
from smsagg.engine.accounts import Account
from smsagg.engine.consent.consents import Consents
from smsagg.engine.ending.events import Events
from smsagg.engine.groups import Groups
from smsagg.engine.health.health import Health
from smsagg.engine.health.sightings import EngineSightings
from smsagg.engine.measure import EngineMetrics
from smsagg.engine.numbers.numbers import Numbers
from smsagg.engine.sending.pools import CarrierState, Pool
from smsagg.errors import StoreError
from smsagg.model import Delivery, Message, MessageState
from smsagg.observe.watch import Watch
from smsagg.routing.experience import Experience
from smsagg.routing.quality import Quality
from smsagg.store.base import Changes, MessageUpdate, Store
from smsagg.tables import Tables

if TYPE_CHECKING:
    from smsagg.engine.health.probes import Probes

STORE_RETRY_S = 0.5
"""Pause before the store is asked again after it failed to answer."""


@define(eq=False)
class Core:
    """The engine's common ground. Bounded by the queues that fill it: nothing is kept here for its own sake."""

    config: Config
    clock: Clock
    rng: Random
    store: Store
    metrics: EngineMetrics
    accounts: dict[str, Account]
    carriers: dict[str, CarrierState]
    pools: dict[str, Pool]
    numbers: Numbers
    events: Events
    consents: Consents
    former_pools: dict[str, Pool] = field(factory=dict)
    """Pools that left the configuration while the process runs: places in them may still be held."""
    former_queued: Counter[str] = field(factory=Counter)
    """Messages that wait of accounts that the configuration does not name (any more), by account."""
    former_depth: Counter[str] = field(factory=Counter)
    """Messages that wait in pools that the configuration does not name (any more), by pool."""
    live: dict[int, Message] = field(factory=dict)
    """Every message that has a copy in memory, by seq."""
    settling: set[int] = field(factory=set)
    """Keys of parked messages that are being cancelled or expired; a claim that brings one up drops it."""
    settled: list[int] = field(factory=list)
    """Keys of ``settling`` whose end is committed: no claim that starts from now on can bring them up."""
    finish_watchers: list[set[int]] = field(factory=list)
    load_watchers: list[list[Message]] = field(factory=list)
    groups: Groups = field(factory=Groups)
    frozen: set[str] = field(factory=set)
    """Accounts whose messages go nowhere for now; mostly none."""
    on_finished: Callable[[Message], None] | None = None
    """Told of each message that has ended, if anybody wants to know."""
    health: Health = field(factory=Health)
    sightings: EngineSightings = field(init=False)
    probes: "Probes" = field(init=False)
    """Messages of our own, and who takes their receipts."""
    wake_dispatcher: Callable[[], None] = lambda: None
    watch: Watch = field(factory=Watch)
    tables: Tables = field(factory=Tables)
    """What the data files of ``config`` say."""
    experience: Experience = field(factory=Experience)
    quality: Quality = field(
        default=Factory(lambda core: Quality(core.config.quality, core.experience), takes_self=True)
    )
    """What is thought of the carriers, by what was experienced with them."""

    def __attrs_post_init__(self) -> None:
        self.sightings = EngineSightings(self.experience)

    @contextmanager
    def watching_finishes(self) -> Iterator[set[int]]:
        """While the store is asked: collects the keys of messages that end meanwhile, whose found rows are stale.

        The groups of what was found are to be adopted within it.
        """
        finished: set[int] = set()
        self.finish_watchers.append(finished)
        try:
            with self.groups.watching():
                yield finished
        finally:
            self.finish_watchers = [watcher for watcher in self.finish_watchers if watcher is not finished]

    @contextmanager
    def watching_loads(self) -> Iterator[list[Message]]:
        """While the store is asked: collects the messages that come from the store to memory meanwhile."""
        loaded: list[Message] = []
        self.load_watchers.append(loaded)
        try:
            yield loaded
        finally:
            self.load_watchers = [watcher for watcher in self.load_watchers if watcher is not loaded]

    async def store_permitting(self, ask: Callable[[], Awaitable[None]]) -> bool:
        """Run something that asks the store; when the store cannot answer, wait a moment and return False."""
        try:
            await ask()
        except StoreError:
            await trio.sleep(STORE_RETRY_S)
            return False
        return True

    def is_stale(self, message: Message) -> bool:
        """Whether a QUEUED row says "in memory" while memory does not have it: it has just moved on."""
        return message.state is MessageState.QUEUED and not message.parked and message.seq not in self.live

    def decided(self, subject: Message | Delivery, decision: str, *details: object) -> None:
        """Tell whoever looks on what was decided; ``details`` are put together only then."""
        watcher = self.watch.watcher
        if watcher is not None:
            watcher.on_decision(subject, decision, " ".join(str(detail) for detail in details))

    def alert(self, account: str, what: str, subject: str, detail: str) -> None:
        """Tell people of ``account``, if it follows what happens, of something that they should look at."""
        if self.events.follows(account):
            changes = Changes()
            self.events.alerted(account, what, subject, detail, changes, self.clock.now_ms())
            self.store.write(changes)

    def forget_settled(self) -> None:
        """To be called when no claim is under way."""
        if self.settled:
            self.settling.difference_update(self.settled)
            self.settled.clear()

    def left_queue(self, message: Message) -> None:
        """A message that waited for a carrier does so no more."""
        self._count_queued(message, -1)

    def joined_queue(self, message: Message) -> None:
        """A message waits for a carrier (anew)."""
        self._count_queued(message, 1)

    def pool_of(self, message: Message) -> Pool | None:
        """The pool in which it holds a place, configured still or not; ``None``: it left before the process began."""
        return self.pools.get(message.pool) or self.former_pools.get(message.pool)

    def change_pool(self, message: Message, pool: str) -> None:
        """A message that waits for a carrier, or is with one that may give it back, belongs to another pool from now
        on. It must not stand in a queue of the old one."""
        self._count_in_pool(message.pool, -1)
        message.pool = pool
        self._count_in_pool(pool, 1)

    def _count_queued(self, message: Message, change: int) -> None:
        """Accounts and pools of old messages may have left the configuration."""
        account = self.accounts.get(message.account)
        if account is not None:
            account.queued += change
        else:
            _add(self.former_queued, message.account, change)
        pool = self.pools.get(message.pool)
        if pool is not None:
            pool.depth += change
        else:
            _add(self.former_depth, message.pool, change)

    def _count_in_pool(self, name: str, change: int) -> None:
        pool = self.pools.get(name)
        if pool is not None:
            pool.depth += change
        else:
            _add(self.former_depth, name, change)


def _add(counts: Counter[str], name: str, change: int) -> None:
    counts[name] += change
    if not counts[name]:
        del counts[name]


def update_of(message: Message) -> MessageUpdate:
    """The record of a live message's mutable part."""
    return MessageUpdate(
        message.seq,
        message.state,
        message.attempts,
        message.next_attempt_at,
        message.parked,
        message.pool,
        message.carrier,
        message.carrier_message_id,
        message.error_code,
        message.cost,
        message.trail,
    )


__all__ = ["Changes", "Core", "update_of"]
