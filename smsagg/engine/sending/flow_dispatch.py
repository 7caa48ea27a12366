"""Hands over what waits in pools whose queue is kept by flows (:mod:`smsagg.engine.sending.flows`).

A dispatch is one round over the pool's queue: in the order of lanes and accounts each flow is asked for room, and what
may go is noted for its link; then each link is handed what it was given, in one batch. So what cannot go stays where it
is, and holds up nothing else.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from smsagg.engine.core import Core
from smsagg.engine.sending.flow import Flow, Granted
from smsagg.engine.sending.flows import Flows
from smsagg.engine.sending.pools import LinkState, Pool
from smsagg.model import Message
from smsagg.queueing import Bundle
from smsagg.queueing.grouped import BLOCKED, NOTHING, Grant, GroupedQueue


class SendPromised(Protocol):
    """Marks and sends messages on a link that was charged with them already, each batch for its reason."""

    def __call__(self, pool: Pool, link: LinkState, batches: list[tuple[str, list[Message]]]) -> None: ...


SendBundle = Callable[[Pool, Bundle, LinkState, str, float], None]
"""Sends a bundle of parts on a link that has room, or where its siblings went."""


class FlowDispatch:
    """The flows of all pools."""

    def __init__(self, core: Core, sendable: Callable[[list[Message]], list[Message]]) -> None:
        self._core = core
        self._sendable = sendable
        self._flows: dict[Pool, Flows] = {}
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the pools, the configuration and the tables of the core from now on."""
        before, self._flows = self._flows, {}
        for pool in self._core.pools.values():
            flows = before.get(pool)
            if flows is None:
                flows = Flows(self._core, pool)
            else:
                flows.reconfigure()
            self._flows[pool] = flows
            pool.explain = flows.explain

    def settle(self, pool: Pool) -> bool:
        """Have the pool's queue as it is needed now; whether it is by flows."""
        return self._flows[pool].settle()

    def may_dispatch(self, pool: Pool, now: float) -> bool:
        """Whether a round may find more than the last one: time passed, members were stirred, health changed, or other
        messages came."""
        return pool.rests_until <= now or pool.rests_with != self._knowledge_of(pool)

    def _knowledge_of(self, pool: Pool) -> tuple[int, int]:
        assert isinstance(pool.ready, GroupedQueue)
        return self._core.health.version, pool.ready.came

    def of(self, pool: Pool) -> Flows | None:
        """The flows of a pool whose queue is kept by them."""
        return self._flows[pool] if isinstance(pool.ready, GroupedQueue) else None

    def dispatch(self, pool: Pool, now: float, send: SendPromised, send_bundle: SendBundle) -> bool:
        """Hand over what can be; whether that was anything."""
        flows, ready = self._flows[pool], pool.ready
        assert isinstance(ready, GroupedQueue)
        grants: list[Granted] = []
        flows.begin(now)
        ready.serve(partial(self._grant, pool, flows, grants, now))
        pool.rests_until = flows.end()
        pool.rests_with = self._knowledge_of(pool)
        by_link: dict[LinkState, list[Granted]] = {}
        for granted in grants:
            granted.flow.granted = None
            if granted.messages:
                by_link.setdefault(granted.link, []).append(granted)
        for link, several in by_link.items():
            self._send(pool, link, several, now, send)
        bundles = [(granted, bundle) for granted in grants for bundle in granted.bundles]
        for granted, bundle in bundles:
            send_bundle(pool, bundle, granted.link, granted.reason, now)
        return bool(by_link or bundles)

    def _grant(
        self, pool: Pool, flows: Flows, grants: list[Granted], now: float, flow: Flow, head: Message, count: int
    ) -> Grant:
        granted = flow.granted
        if granted is None or granted.left < 1 or granted.room.left < 1 or granted.is_bounded:
            granted = self._open(flows, flow, grants, now)
            if granted is None:
                return BLOCKED
        since = granted.waited_since
        if since is not None:
            if head.next_attempt_at > since:
                flows.next_at = min(flows.next_at, now + (head.next_attempt_at - since) / 1000)
                return NOTHING
            count = 1
        if pool.bundles:
            if head in pool.bundles:
                flows.take_bundle(granted, pool.bundles.pop(head), now)
                return 1, []
            count = 1
        count = int(min(count, granted.left, granted.room.left))
        flows.take(granted, count, now)
        return count, granted.messages

    def _open(self, flows: Flows, flow: Flow, grants: list[Granted], now: float) -> Granted | None:
        """Choose for ``flow``, or go on with the last choice when that is the choice still."""
        granted, before = flows.choose(flow, now), flow.granted
        if granted is None:
            flow.granted = None
            return None
        if (
            before is not None
            and before.room is granted.room
            and before.why == granted.why
            and before.index == granted.index
        ):
            before.left, before.waited_since = granted.left, granted.waited_since
            before.passed_over = granted.passed_over
            before.is_bounded = granted.is_bounded
            return before
        flow.granted = granted
        grants.append(granted)
        return granted

    def _send(self, pool: Pool, link: LinkState, several: list[Granted], now: float, send: SendPromised) -> None:
        batches: list[tuple[str, list[Message]]] = []
        for granted in several:
            link.reserved -= len(granted.messages)
            sendable = self._sendable(granted.messages)
            if sendable:
                batches.append((granted.reason, sendable))
            else:
                self._core.health.on_not_sent(link, (granted.flow.country,), now)
            if len(sendable) < len(granted.messages):
                link.stir()
        if batches:
            send(pool, link, batches)
