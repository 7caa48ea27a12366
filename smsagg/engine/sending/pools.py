"""Pools, their carriers and the links behind them: who can take how much right now.

The choice of a link is late: messages wait in the pool's ready queue, and a link is asked for its capacity only at the
moment of sending. So a link that fails, fills or slows releases the queue to the others by doing nothing.

Who had nothing to offer is not asked again until time (a rate token, a probe) or an event may have changed that:
:meth:`LinkState.stir` is called for everything that may give a link room. So a choice costs the same with two carriers
as with two hundred.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from smsagg.carriers.base import Carrier, Link
from smsagg.config.schema import CarrierSettings, Config, PoolSettings
from smsagg.engine.health.ways import Holds, Way
from smsagg.engine.sending.blocked import Blocked
from smsagg.engine.sending.candidates import Candidate
from smsagg.model import Message
from smsagg.queueing import Bundles
from smsagg.queueing.aimd import AimdRate
from smsagg.queueing.grouped import GroupedQueue, MessageQueue
from smsagg.queueing.ready import ReadyQueue
from smsagg.routing.choice import NONE, make_policy
from smsagg.routing.circuit import CircuitBreaker, CircuitState
from smsagg.routing.classify import StatusClassifier
from smsagg.shaping import FailureRun

RECEIPT_BITS = 0x03
"""Of ``registered_delivery``: whether the customer asked for a receipt of some final state."""
PACING_BURST_MIN = 100.0
"""Messages a link may take at once after a quiet moment; the contracted rate's own bucket is the link's."""
LINKS_COMPARED = 8
"""Links of a carrier of which the widest is taken; with more of them they take turns."""


class LinkState:
    """A link with the engine's own brakes on it: its circuit, pacing after throttling, and slots that are not free yet.

    A message that the carrier took holds its slot in the window until that is committed: a crash before would send it
    again, so what a crash can double is never more than the window.
    """

    __slots__ = (
        "carrier",
        "circuit",
        "heard_at",
        "index",
        "is_silent",
        "link",
        "pacing",
        "reserved",
        "run",
        "timed",
        "timed_at",
        "unrecorded",
    )

    def __init__(self, link: Link, carrier: "CarrierState", index: int, now: float) -> None:
        self.link = link
        self.carrier = carrier
        self.index = index
        rate: float | None = getattr(carrier.settings.settings, "rate", None)
        self.pacing = AimdRate(rate, max(rate or 0.0, PACING_BURST_MIN), now)
        self.circuit = CircuitBreaker(0, carrier.settings.circuit_open)
        """Opened by :class:`~smsagg.engine.health.health.Health`, which knows whose fault a failure is."""
        self.run = FailureRun()
        self.heard_at = now
        """When it last answered, or had nothing to answer."""
        self.is_silent = False
        """The circuit is open because attempts are outstanding and none is answered; they are its probes."""
        self.timed: Message | None = None
        """The attempt whose response time is measured."""
        self.timed_at = now
        self.reserved = 0
        """Slots promised to attempts that are being recorded before they are made."""
        self.unrecorded = 0
        """Slots of messages that the carrier took, until the store has it."""

    def set_rate(self, rate: float | None, now: float) -> None:
        """Another contracted rate from now on."""
        self.pacing.set_contract(rate, max(rate or 0.0, PACING_BURST_MIN), now)

    def stir(self) -> None:
        """Something happened that may have given this link room, or its carrier a better circuit. Cheap."""
        self.carrier.stir(self)

    def capacity(self, now: float) -> int:
        """Messages that may be handed over now."""
        free = min(self.link.capacity(now) - self.reserved, self._slots)
        if free <= 0:
            return 0
        if self.circuit.state is not CircuitState.CLOSED:
            free = min(free, self._probes(now))
        return int(min(free, self.pacing.available(now)))

    def is_barred(self, now: float) -> bool:
        """Whether nothing may go here for another reason than want of room: what waits for it goes elsewhere."""
        return not self.is_usable(now) or self.carrier.holds.is_stopped

    def is_usable(self, now: float) -> bool:
        """Whether it is bound and its circuit not open."""
        return self.link.is_bound and (self.circuit.state is CircuitState.CLOSED or self._probes(now) > 0)

    def _probes(self, now: float) -> int:
        """Messages that the circuit, which is not closed, lets through."""
        return 0 if self.is_silent and self.link.in_flight else int(self.circuit.allowance(now))

    @property
    def is_lost(self) -> bool:
        """Whether an attempt that was promised to it is better not made: it failed, or was stopped, meanwhile."""
        return self.carrier.holds.is_stopped or self.circuit.state is CircuitState.OPEN

    def on_sent(self, count: int, now: float) -> None:
        """``count`` messages were handed over, or will be when that is recorded."""
        if not self.link.in_flight:
            self.heard_at = now
        self.pacing.take(count, now)
        self.circuit.on_sent()
        if self.carrier.holds:
            self.carrier.holds.take(count, now)

    @property
    def _slots(self) -> int:
        link = self.link
        return link.window - link.in_flight - self.reserved - self.unrecorded

    def ready_at(self, now: float) -> float:
        """When time alone will give capacity again; ``inf`` when an event must."""
        if not self.link.is_bound:
            return math.inf
        if self.circuit.state is not CircuitState.CLOSED and self._probes(now) <= 0:
            return math.inf if self.is_silent and self.link.in_flight else self.circuit.next_probe_at
        at, free = self.pacing.ready_at(now), self.link.capacity(now)
        if free <= 0:
            return max(at, self.link.ready_at(now))
        return at if free > self.reserved and self._slots > 0 else math.inf


class CarrierState:
    """One carrier: its links, its ways to countries, and how it classifies the statuses that it answers."""

    def __init__(self, name: str, settings: CarrierSettings, carrier: Carrier, now: float) -> None:
        self.name = name
        self.settings = settings
        self.carrier = carrier
        self.links = [LinkState(link, self, index, now) for index, link in enumerate(carrier.links)]
        self.ways: dict[str, Way] = {}
        """By country, where there is something to tell; :class:`~smsagg.engine.health.health.Health` keeps them."""
        self.holds = Holds()
        """What holds the carrier as a whole."""
        self.rehearsal: Callable[[LinkState, list[Message]], list[Message]] | None = None
        """In a drill: what of the messages for a link is really sent; the others have been dealt with."""
        self.statuses = StatusClassifier(settings.temporary, settings.throttled, settings.permanent)
        self.always_asks = settings.ask_receipts == "always"
        self.long_messages: str = getattr(settings.settings, "long_messages", "as_is")
        """The form in which it wants messages of several parts."""
        self.blocked_in: dict[Pool, int] = {}
        """Pools, with its index there, that do not ask it until it is stirred or its time comes."""
        self._open = deque(self.links)
        """Links that may have room, in the order of their turns."""
        self._blocked = Blocked()

    def reconfigure(self, settings: CarrierSettings, now: float) -> None:
        """Other settings of the same carrier; what is known of its health and pace stays."""
        before, self.settings = self.settings, settings
        self.statuses = StatusClassifier(settings.temporary, settings.throttled, settings.permanent)
        self.always_asks = settings.ask_receipts == "always"
        self.long_messages = getattr(settings.settings, "long_messages", "as_is")
        rate: float | None = getattr(settings.settings, "rate", None)
        for way in self.ways.values():
            way.circuit.set_limits(0, settings.circuit_open)
        for link in self.links:
            link.circuit.set_limits(0, settings.circuit_open)
            if rate != getattr(before.settings, "rate", None):
                link.set_rate(rate, now)
            self.stir(link)

    def stir(self, link: LinkState) -> None:
        """See :meth:`LinkState.stir`."""
        if self._blocked.release(link.index):
            self._open.append(link)
        if self.blocked_in:
            for pool, index in self.blocked_in.items():
                pool.stir(index)
            self.blocked_in.clear()

    def asks_receipt(self, message: Message) -> bool:
        """Whether an attempt asks this carrier for a receipt."""
        return self.always_asks or message.registered_delivery & RECEIPT_BITS != 0 or message.origin == "http"

    def is_usable(self, now: float) -> bool:
        """Whether it could take messages soon: nothing stops it, and some link is bound and its circuit not open."""
        return not self.holds.is_stopped and any(state.is_usable(now) for state in self.links)

    def widest_link(self, now: float) -> tuple[LinkState | None, int]:
        """The link with most capacity (of some, when there are many), and that capacity."""
        allowance = self.holds.allowance(now) if self.holds else math.inf
        if allowance <= 0:
            return None, 0
        links = self._open
        for index in self._blocked.take_due(now):
            links.append(self.links[index])
        best, most, compared = None, 0, 0
        for _ in range(len(links)):
            state = links.popleft()
            capacity = state.capacity(now)
            if capacity <= 0:
                self._blocked.add(state.index, state.ready_at(now), now)
                continue
            links.append(state)
            if capacity > most:
                best, most = state, capacity
            compared += 1
            if compared == LINKS_COMPARED:
                break
        return best, int(min(most, allowance))

    def ready_at(self, now: float) -> float:
        """When it is to be asked again after :meth:`widest_link` found none: time may give some link room then."""
        if self.holds and self.holds.allowance(now) <= 0:
            return self.holds.ready_at(now)
        return self._blocked.next_at()


class Pool:
    """The carriers of a country (or several), and the messages that wait for one of them."""

    def __init__(self, name: str, settings: PoolSettings, members: Sequence[CarrierState]) -> None:
        self.name = name
        self.settings = settings
        self.members = members
        self.policy = make_policy(settings)
        """Knows the members that may have room; the others are in ``_blocked``."""
        for index in range(len(members)):
            self.policy.add(index)
        self._blocked = Blocked()
        self.backup: Pool | None = None
        self.dependents: list[Pool] = []
        """Pools that may use this one's members: itself, and those it is a backup of."""
        self.rests_until = -math.inf
        """Nobody in :meth:`chain` that may be asked has room before then, unless something happens."""
        self.rests_with = (0, 0)
        """Where the queue is kept by flows: what the pool knew when it began to rest, see
        :mod:`smsagg.engine.sending.flow_dispatch`."""
        self.explain: Callable[[Message, float], list[Candidate]] = lambda _message, _now: []
        """Who could take a message now (monotonic seconds), and why, or why not."""
        self.ready: MessageQueue = ReadyQueue(settings.queue_max)
        self.bundles = Bundles(self.ready)
        """Parts that take their turn in ``ready`` together."""
        self.reserved = 0
        """Room promised to messages whose commit is under way, and to parts that wait for their siblings."""
        self.spilled = False
        """Due messages wait in the store, so newer ones must queue behind them there."""
        self.depth = 0
        """Messages of this pool not yet with a carrier, wherever they wait."""

    def reconfigure(self, settings: PoolSettings, members: Sequence[CarrierState]) -> None:
        """Other settings or members; what waits stays, and so do the shares of members that stay as they were.

        :func:`link_pools` is to follow.
        """
        before, self.settings = self.settings, settings
        self.ready.messages_max = settings.queue_max
        is_like_before = (settings.policy, settings.carriers) == (before.policy, before.carriers)
        if is_like_before and list(members) == list(self.members):
            return
        self.forget_members()
        self.members = members
        self.policy = make_policy(settings)
        for index in range(len(members)):
            self.policy.add(index)

    def forget_members(self) -> None:
        """Nobody is to stir this pool any more."""
        for member in self.members:
            member.blocked_in.pop(self, None)
        self.members = ()
        self._blocked = Blocked()

    def has_room(self) -> bool:
        return not self.spilled and len(self.ready) + self.reserved + self.bundles.extra < self.settings.queue_max

    def choose(self, now: float, avoid: str = "") -> tuple[LinkState | None, int]:
        """The link to use now and its capacity. Own carriers first; the backup pool when none of them is usable.

        When there is none, :attr:`rests_until` says when to ask again.
        """
        rests_until = math.inf
        pool: Pool | None = self
        while pool is not None:
            link, capacity = pool._choose_own(now, avoid)
            if link is not None:
                return link, capacity
            rests_until = min(rests_until, pool._blocked.next_at())
            if any(member.is_usable(now) for member in pool.members):
                break  # the backups are not asked: what they could take is no reason to look again
            pool = pool.backup
        self.rests_until = rests_until
        return None, 0

    def _choose_own(self, now: float, avoid: str) -> tuple[LinkState | None, int]:
        policy = self.policy
        for index in self._blocked.take_due(now):
            policy.add(index)
        while (index := policy.first(avoid)) != NONE:
            link, capacity = self.ask(index, now)
            if link is not None:
                return link, capacity
        return None, 0

    def stir(self, index: int) -> None:
        """Member ``index`` may have room again."""
        if self._blocked.release(index):
            self.policy.add(index)
            for pool in self.dependents:
                pool.rests_until = -math.inf

    def ask(self, index: int, now: float) -> tuple[LinkState | None, int]:
        """The widest link of a member that may have room, and its capacity; without any it is not asked again until
        that may have changed."""
        member = self.members[index]
        link, capacity = member.widest_link(now)
        if link is None:
            self.policy.remove(index)
            self._blocked.add(index, member.ready_at(now), now)
            member.blocked_in[self] = index
        return link, capacity

    def reopen_due(self, now: float) -> None:
        """Members that time may have given room may be asked again."""
        for index in self._blocked.take_due(now):
            self.policy.add(index)

    def next_reopening_at(self) -> float:
        """When time may give a member room that has none now."""
        return self._blocked.next_at()

    def regroup(self, group_of: Callable[[Message], object] | None) -> None:
        """From now on keep messages apart by ``group_of``, ``None``: not at all. What waits stays in its order."""
        messages_max, waiting = self.ready.messages_max, self.ready.take_all()
        self.ready = ReadyQueue(len(waiting)) if group_of is None else GroupedQueue(len(waiting), group_of)
        for message in waiting:
            self.ready.push(message)
        self.ready.messages_max = messages_max
        self.bundles.stand_in(self.ready)
        self.rests_until = -math.inf

    def charge(self, carrier: str, count: int) -> None:
        """Tell the policy that ``count`` messages went to ``carrier``."""
        pool: Pool | None = self
        while pool is not None:
            for index, member in enumerate(pool.members):
                if member.name == carrier:
                    pool.policy.charge(index, count)
                    return
            pool = pool.backup

    def chain(self) -> "list[Pool]":
        """This pool and its backups, in order."""
        pools: list[Pool] = []
        pool: Pool | None = self
        while pool is not None and pool not in pools:
            pools.append(pool)
            pool = pool.backup
        return pools


def make_carriers(config: Config, carriers: Mapping[str, Carrier], now: float) -> dict[str, CarrierState]:
    """The state of each carrier, by name. ``now`` is monotonic."""
    return {name: CarrierState(name, config.carriers[name], carrier, now) for name, carrier in carriers.items()}


def make_pools(config: Config, carriers: Mapping[str, CarrierState]) -> dict[str, Pool]:
    """The pools with their members and backups, by name."""
    pools = {
        name: Pool(name, settings, [carriers[member.carrier] for member in settings.carriers])
        for name, settings in config.pools.items()
    }
    link_pools(pools)
    return pools


def link_pools(pools: Mapping[str, Pool]) -> None:
    """Let each pool know its backup, and whom it is one for."""
    for pool in pools.values():
        pool.backup = pools[pool.settings.backup] if pool.settings.backup else None
        pool.dependents, pool.rests_until = [], -math.inf
    for pool in pools.values():
        for source in pool.chain():
            source.dependents.append(pool)
