"""Moves messages from ready queues to links, at the last possible moment.

One task serves all pools. It is woken when something may have changed (a commit, an outcome, capacity, a bind) and by
time when only rate tokens or a circuit's probe hold a pool back. Each turn goes round the pools that have work and do
not rest, starting behind the one that was served first in the last, and hands links whole batches. What must not go now
is told here, at the write (:mod:`smsagg.engine.sending.last_look`): nothing stale is sent, however long the process was
down.

While the store cannot record outcomes nothing is sent: every retry would be a duplicate.
"""

import math

import trio

from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.sending.flow_dispatch import FlowDispatch
from smsagg.engine.sending.last_look import LastLook
from smsagg.engine.sending.outcomes import class_of
from smsagg.engine.sending.part_dispatch import PartDispatch
from smsagg.engine.sending.pools import LinkState, Pool
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState
from smsagg.model.trail import with_attempt, with_outcome
from smsagg.queueing import Bundle, ReadyQueue

GRANT_MAX = 128
"""Messages handed to one link in one go, so that pools and links take turns."""


class Dispatcher:
    """The late choice of the link."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher) -> None:
        self._core = core
        self._waiting = waiting
        self._finisher = finisher
        self._last_look = LastLook(core, waiting, finisher)
        self.flows = FlowDispatch(core, self._last_look.sendable)
        self._parts = PartDispatch(core, waiting, self.flows, self._last_look.sendable, self._send)
        self._wake = trio.Event()
        self._served_first: Pool | None = None
        self.stopped = False
        """Set when the server drains: what is ready stays for the next start."""

    def wake(self) -> None:
        """Something changed: look at the queues soon. Cheap, and any number of calls is one turn."""
        self._wake.set()

    def reconfigure(self) -> None:
        """Heed the pools of the core from now on."""
        self.flows.reconfigure()
        served = self._served_first
        if served is not None and self._core.pools.get(served.name) is not served:
            self._served_first = None
        self.wake()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        clock = self._core.clock
        while True:
            self._wake = trio.Event()
            next_at = self.dispatch(clock.monotonic_s())
            if next_at < math.inf:
                with trio.move_on_at(next_at):
                    await self._wake.wait()
            else:
                await self._wake.wait()

    def dispatch(self, now: float) -> float:
        """Send what can be sent; returns the monotonic instant when time alone allows more, ``inf`` for never."""
        if self.stopped or self._core.store.failing is not None:
            return math.inf
        self._end_overdue()
        waiting = self._waiting
        waiting.release_assembled(now)
        next_at = self._parts.follow(now) if waiting.following else math.inf
        served_first: Pool | None = None
        for pool in self._pools_in_turn():
            if self.flows.settle(pool):
                is_served = self.flows.may_dispatch(pool, now) and self.flows.dispatch(
                    pool, now, self._send_promised, self._parts.dispatch
                )
            else:
                is_served = pool.rests_until <= now and self._dispatch_pool(pool, now)
            if is_served:
                served_first = served_first or pool
            if len(pool.ready):
                next_at = min(next_at, pool.rests_until)
        if served_first is not None:
            self._served_first = served_first
        return min(next_at, waiting.assembly.next_due_at())

    def _pools_in_turn(self) -> list[Pool]:
        """Those with work, beginning behind the one that was served first last time."""
        pools = list(self._core.pools.values())
        start = 0 if self._served_first is None else pools.index(self._served_first) + 1
        return [pool for pool in pools[start:] + pools[:start] if len(pool.ready)]

    def _dispatch_pool(self, pool: Pool, now: float) -> bool:
        """Hand over what can be; whether that was anything."""
        ready, handed_over = pool.ready, False
        assert isinstance(ready, ReadyQueue)
        while len(ready):
            link, capacity = pool.choose(now)
            if link is None:
                break
            taken = ready.take(min(capacity, GRANT_MAX))
            bundles: list[Bundle] = []
            if pool.bundles:
                taken, bundles = pool.bundles.take(taken)
            sendable = self._last_look.sendable(taken)
            diverted = [message for message in sendable if message.avoid == link.carrier.name]
            if diverted:
                kept = set(map(id, diverted))
                sendable = [message for message in sendable if id(message) not in kept]
                self._divert(pool, diverted, link, now)
            if sendable:
                self._hand_over(pool, link, sendable)
                handed_over = True
            for bundle in bundles:
                self._parts.dispatch(pool, bundle, link, reason_of(pool), now)
                handed_over = True
        return handed_over

    def _divert(self, pool: Pool, messages: list[Message], refused_by: LinkState, now: float) -> None:
        """Messages that the chosen carrier has just failed: to another one, or to it when there is no other."""
        while messages:
            link, capacity = pool.choose(now, avoid=refused_by.carrier.name)
            if link is None:
                self._waiting.give_back(messages, self._core.clock.now_ms())
                return
            self._hand_over(pool, link, messages[:capacity])
            messages = messages[capacity:]

    def _end_overdue(self) -> None:
        overdue = self._waiting.overdue
        if not overdue:
            return
        now_ms = self._core.clock.now_ms()
        changes = Changes()
        for message in overdue:
            if message.state is MessageState.QUEUED and self._core.live.get(message.seq) is message:
                self._finisher.finish(message, MessageState.EXPIRED, message.error_code, now_ms, changes)
        overdue.clear()
        self._finisher.commit(changes)

    def _hand_over(self, pool: Pool, link: LinkState, messages: list[Message]) -> None:
        self._mark(pool, link, reason_of(pool), messages)
        self._send(pool, link, messages)

    def _send_promised(self, pool: Pool, link: LinkState, batches: list[tuple[str, list[Message]]]) -> None:
        """What the link and its carrier have been charged with."""
        together: list[Message] = []
        for reason, messages in batches:
            self._mark(pool, link, reason, messages)
            together += messages
        self._give(link, together)

    def _mark(self, pool: Pool, link: LinkState, reason: str, messages: list[Message]) -> None:
        """Messages go to ``link`` for that reason."""
        carrier, asks_receipt, now_ms = link.carrier.name, link.carrier.asks_receipt, self._core.clock.now_ms()
        attempt = f"{link.link.name}|{reason}"
        watched = self._core.watch.watcher is not None
        for message in messages:
            assert message.state is MessageState.QUEUED
            message.state = MessageState.SENDING
            message.carrier = carrier
            message.carrier_message_id = ""
            message.asks_receipt = asks_receipt(message)
            after_ms = now_ms - message.accepted_at
            message.trail = with_attempt(message.trail, after_ms, attempt) if message.trail else f"{after_ms}|{attempt}"
            if watched:
                number = message.attempts + 1
                self._core.decided(message, "attempt", f"{number} on {link.link.name}, pool {pool.name}: {reason}")

    def _send(self, pool: Pool, link: LinkState, messages: list[Message]) -> None:
        """Messages that are marked: charge the link and its carrier with them, and give them to it."""
        pool.charge(link.carrier.name, len(messages))
        self._core.health.on_sent(link, messages, self._core.clock.monotonic_s())
        self._core.metrics.chosen(pool.name, link.carrier.name, "first", len(messages))
        self._give(link, messages)

    def _give(self, link: LinkState, messages: list[Message]) -> None:
        """Those of classes that must not send twice after that is recorded."""
        if link.carrier.rehearsal is not None:
            messages = link.carrier.rehearsal(link, messages)
            if not messages:
                return
        clock = self._core.clock
        self._core.sightings.on_sent(link, messages[0], clock.monotonic_s(), clock.now_ms())
        recorded: list[Message] = []
        at_once: list[Message] = []
        for message in messages:
            (recorded if class_of(self._core, message).in_doubt == "fail" else at_once).append(message)
        if at_once:
            link.link.send(at_once)
        if recorded:
            self._record_then_send(link, recorded)

    def _record_then_send(self, link: LinkState, messages: list[Message]) -> None:
        """At most once: the attempt is durable before its first octet leaves."""
        link.reserved += len(messages)

        def recorded(error: StoreError | None) -> None:
            link.reserved -= len(messages)
            link.stir()
            core = self._core
            now_ms = core.clock.now_ms()
            monotonic = core.clock.monotonic_s()
            room = link.link.capacity(monotonic) if error is None and not link.is_lost else 0
            sendable = [message for message in messages if self._last_look.may_go(message, now_ms)][:room]
            sent = set(map(id, sendable))
            returned = [message for message in messages if id(message) not in sent]
            if returned:
                changes = Changes()
                for message in rows_of(returned):
                    message.move_to(MessageState.QUEUED)
                    message.trail = with_outcome(message.trail, "not sent")
                    if message.group is not None:
                        message.group.gone.discard(message.part_number)
                    changes.message_updates.append(update_of(message))
                core.store.write(changes)
                self._waiting.give_back(rows_of(returned), now_ms)
                core.health.on_not_sent(link, [message.country for message in returned], monotonic)
            if sendable:
                link.link.send(sendable)
            self.wake()

        self._core.store.write(
            Changes(message_updates=[update_of(message) for message in rows_of(messages)]),
            recorded,
        )


def rows_of(messages: list[Message]) -> list[Message]:
    """The store's messages: for those that go as one, their parts."""
    return [row for message in messages for row in (message.joins or (message,))]


def reason_of(pool: Pool) -> str:
    """Why a pool that is not kept by flows gives a batch to a link: the same for all of it."""
    return f"{pool.settings.policy}, {pool.policy.open_count} of {len(pool.members)} with room"
