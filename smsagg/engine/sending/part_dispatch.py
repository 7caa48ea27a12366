"""Hands over bundles of parts: all on one link, as one message where the carrier takes it so.

The link is the one that the siblings went to, else the one that the pool's policy chose. What does not fit it at once
follows there (:class:`~smsagg.engine.queues.following.Following`), before anything else. Parts that are tried again do
not wait for their siblings' link: they go there only if it has room.
"""

import math
from collections.abc import Callable

from smsagg.engine.core import Core
from smsagg.engine.queues.joining import joined
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.sending.flow_dispatch import FlowDispatch
from smsagg.engine.sending.pools import CarrierState, LinkState, Pool
from smsagg.model import Message, MessageState
from smsagg.model.trail import with_attempt
from smsagg.queueing import Bundle

FOLLOWING = "where the other parts went"
HandOver = Callable[[Pool, LinkState, list[Message]], None]
"""Sends messages, all of whose parts are marked, on a link that has room for them."""


class PartDispatch:
    """The dispatcher's hand for parts."""

    def __init__(
        self,
        core: Core,
        waiting: Waiting,
        flows: FlowDispatch,
        sendable: Callable[[list[Message]], list[Message]],
        hand_over: HandOver,
    ) -> None:
        self._core = core
        self._waiting = waiting
        self._flows = flows
        self._sendable = sendable
        self._hand_over = hand_over

    def follow(self, now: float) -> float:
        """Send what follows on links that have room; returns when time alone gives one of them room."""
        next_at = math.inf
        following = self._waiting.following
        for link in following.links:
            if link.is_barred(now):
                self._waiting.give_back(self._waiting.take_following(link, len(following)), self._core.clock.now_ms())
                continue
            room = capacity_of(link, now)
            parts = self._sendable(self._waiting.take_following(link, room)) if room > 0 else []
            if not self._core.health.is_quiet:
                parts = self._allowed(link.carrier, parts, now)
            by_pool: dict[str, list[Message]] = {}
            for part in parts:
                by_pool.setdefault(part.pool, []).append(part)
            for name, together in by_pool.items():
                self._send(self._core.pools[name], link, FOLLOWING, together)
            if link in following.links:
                next_at = min(next_at, max(link.ready_at(now), now))
        return next_at

    def _allowed(self, carrier: CarrierState, parts: list[Message], now: float) -> list[Message]:
        """Of parts that follow on a link of ``carrier`` those whose country it may be given; the others go back."""
        health = self._core.health
        barred = [part for part in parts if health.is_barred(carrier, part.country, now)]
        if barred:
            self._waiting.give_back(barred, self._core.clock.now_ms())
        return [part for part in parts if part not in barred]

    def dispatch(self, pool: Pool, bundle: Bundle, chosen: LinkState, reason: str, now: float) -> None:
        """Send ``bundle``, or give it back to its pool when nobody has room. ``reason``: why ``chosen`` was."""
        parts = self._sendable(bundle)
        if not parts:
            return
        link: LinkState | None = self._siblings_link(pool, parts, now)
        if link is not None:
            reason = FOLLOWING
        else:
            link = self._link(pool, parts[0], chosen, now)
        if link is None:
            self._waiting.give_back(parts, self._core.clock.now_ms())
            return
        whole = self._whole(parts, link.carrier)
        if whole is not None:
            self._send(pool, link, reason, parts, whole)
            return
        room = 0 if link in self._waiting.following else capacity_of(link, now)
        if room:
            self._send(pool, link, reason, parts[:room])
        if parts[room:]:
            self._waiting.follow(link, parts[room:])

    def _link(self, pool: Pool, part: Message, chosen: LinkState, now: float) -> LinkState | None:
        if part.avoid != chosen.carrier.name and capacity_of(chosen, now) > 0:
            return chosen
        flows = self._flows.of(pool)
        return pool.choose(now, avoid=part.avoid)[0] if flows is None else flows.link_for(part, now)

    def _siblings_link(self, pool: Pool, parts: list[Message], now: float) -> LinkState | None:
        """Where the siblings of these went, if they may go there; if they were tried before, only if it has room."""
        part = parts[0]
        group = part.group
        assert group is not None
        if len(parts) == group.parts_total:
            return None
        link: LinkState | None = group.link
        if link is not None and self._may_go(pool, part, link.carrier, now):
            if not part.attempts and not link.is_barred(now):
                return link
            if capacity_of(link, now) > 0:
                return link
        carrier = self._core.carriers.get(group.carrier)
        if carrier is not None and self._may_go(pool, part, carrier, now):
            return carrier.widest_link(now)[0]
        return None

    def _may_go(self, pool: Pool, part: Message, carrier: CarrierState, now: float) -> bool:
        if part.avoid == carrier.name:
            return False
        flows = self._flows.of(pool)
        return (
            any(carrier in source.members for source in pool.chain())
            if flows is None
            else flows.may_take(part, carrier, now)
        )

    def _whole(self, parts: list[Message], carrier: CarrierState) -> Message | None:
        """What goes as one: where the carrier wants it so, or takes messages as the customer sent this one."""
        group = parts[0].group
        assert group is not None
        if carrier.long_messages == "payload" or (carrier.long_messages == "as_is" and group.is_split):
            return joined(parts)
        return None

    def _send(
        self, pool: Pool, link: LinkState, reason: str, parts: list[Message], whole: Message | None = None
    ) -> None:
        carrier, now_ms = link.carrier, self._core.clock.now_ms()
        attempt = f"{link.link.name}|{reason}"
        for part in parts:
            assert part.state is MessageState.QUEUED
            part.state = MessageState.SENDING
            part.carrier = carrier.name
            part.carrier_message_id = ""
            part.asks_receipt = carrier.asks_receipt(part)
            part.trail = with_attempt(part.trail, now_ms - part.accepted_at, attempt)
            assert part.group is not None
            part.group.gone.add(part.part_number)
            part.group.link = link
            where = f"on {link.link.name}, pool {pool.name}, part {part.part_number}: {reason}"
            self._core.decided(part, "attempt", part.attempts + 1, where)
        if whole is None:
            self._hand_over(pool, link, parts)
            return
        whole.asks_receipt = any(part.asks_receipt for part in parts)
        for part in parts:
            part.asks_receipt = whole.asks_receipt
        self._hand_over(pool, link, [whole])


def capacity_of(link: LinkState, now: float) -> int:
    """Messages that may be handed to ``link`` now, what holds its carrier considered."""
    holds = link.carrier.holds
    return int(min(link.capacity(now), holds.allowance(now))) if holds else link.capacity(now)
