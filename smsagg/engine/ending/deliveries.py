"""What is owed to accounts (receipts, MO), from its commit to the account's acknowledgement.

| Queue | Who fills it | Who drains it | At its limit |
|---|---|---|---|
| ready (an account's) | commits, :meth:`Deliveries.run` | the account's sinks, by their windows | park |
| parked (store only) | no sink, ready full, retry later | :meth:`Deliveries.run` | disk, until ``[receipts] ttl`` |

A delivery is deleted only after its acknowledgement; a crash in between repeats it. Each account has its own queue
and each sink its own window, so a slow ESME delays nobody else. An account's sinks take turns with whole batches, and
of many only a few are looked at each time: a thousand sessions cost what four do.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

import trio

from smsagg.config.schema import ReceiptSettings
from smsagg.engine.core import Changes, Core
from smsagg.errors import StoreError
from smsagg.model import Delivery
from smsagg.store.base import DeliveryUpdate

LOAD_MAX = 1_000
"""Deliveries claimed from the store in one go."""
LATE_MAX = 1_000
"""Late acknowledgements remembered for each account."""
PAUSE_MIN_S = 0.05
PAUSE_MAX_S = 5.0

SINKS_COMPARED = 8
"""Sinks of an account among which a batch is divided, the one with least outstanding first; with more of them they
take turns."""

RETRY_STATUSES = frozenset({0x04, 0x08, 0x14, 0x45, 0x58, 0x64, 0x67, 0xFE, 0xFF})
"""``deliver_sm_resp`` statuses that mean "again later"; every other error is the ESME's final word."""


class Sink(Protocol):
    """One way to an account: a bound receiver or transceiver session."""

    @property
    def delivery_window_free(self) -> int: ...

    @property
    def deliveries_outstanding(self) -> int: ...

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send at most :attr:`delivery_window_free` deliveries; answers come by :meth:`Deliveries.on_answers`."""
        ...


class _AccountDeliveries:
    """The deliveries of one account in memory, and where they can go."""

    __slots__ = ("acknowledged", "expected", "in_memory_max", "name", "parked_due_at", "ready", "sinks", "unrecorded")

    def __init__(self, name: str, in_memory_max: int) -> None:
        self.name = name
        self.in_memory_max = in_memory_max
        self.ready: deque[Delivery] = deque()
        self.unrecorded = 0
        """Acknowledged deliveries, until the store has it: they hold their place in the sinks' windows, so that what a
        crash can repeat is never more than the windows."""
        self.expected = 0
        """Reserved room for deliveries whose commit is under way."""
        self.sinks: deque[Sink] = deque()
        """In the order of their turns."""
        self.parked_due_at = math.inf
        """Earliest ``next_attempt_at`` of what is parked (wall milliseconds)."""
        self.acknowledged: dict[int, None] = {}
        """Ids that were acknowledged late, the latest ``LATE_MAX``: a copy may be on its way to or from the store, or
        to a session that will not answer, and must not set out again."""

    def acknowledge_late(self, ids: Sequence[int]) -> None:
        """Remember ``ids``, and let no copy of them set out that waits here."""
        self.acknowledged.update(dict.fromkeys(ids))
        while len(self.acknowledged) > LATE_MAX:
            del self.acknowledged[next(iter(self.acknowledged))]
        self.ready = deque(self.still_owed(self.ready))

    def still_owed(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Those that were not acknowledged late."""
        return [delivery for delivery in deliveries if delivery.delivery_id not in self.acknowledged]

    def has_room(self, now: int) -> bool:
        backlog = self.parked_due_at <= now
        return bool(self.sinks) and not backlog and len(self.ready) + self.expected < self.in_memory_max

    def sendable(self) -> int:
        """How many of ``ready`` the windows allow now, given what is unrecorded."""
        wanted, free = len(self.ready) + self.unrecorded, 0
        for sink in self.sinks:
            free += sink.delivery_window_free
            if free >= wanted:
                break
        return min(free, wanted) - self.unrecorded

    def next_sink(self) -> Sink | None:
        """The one with least outstanding of the next few with room; its turn is over."""
        sinks, candidates = self.sinks, list[Sink]()
        for _ in range(len(sinks)):
            sink = sinks.popleft()
            if sink.delivery_window_free > 0:
                candidates.append(sink)
                if len(candidates) == SINKS_COMPARED:
                    break
            else:
                sinks.append(sink)
        if not candidates:
            return None
        best = min(candidates, key=_outstanding)
        candidates.remove(best)
        sinks.extendleft(reversed(candidates))
        sinks.append(best)
        return best


class Deliveries:
    """All accounts' deliveries."""

    def __init__(self, core: Core, settings: ReceiptSettings) -> None:
        self._core = core
        self._settings = settings
        self._last_id = 0
        self._accounts = {
            name: _AccountDeliveries(name, account.settings.deliveries_in_memory_max)
            for name, account in core.accounts.items()
        }
        self._unasked: set[str] = set()
        """Accounts that came while the process runs: the store may hold deliveries from before they left."""
        self._work = trio.Event()
        self.ttl_ms = int(settings.ttl * 1000)

    def reconfigure(self) -> None:
        """Heed the configuration and the accounts of the core from now on.

        What an account that left had in memory is parked when its last session has ended.
        """
        self._settings = self._core.config.receipts
        self.ttl_ms = int(self._settings.ttl * 1000)
        for name, account in self._core.accounts.items():
            in_memory_max = account.settings.deliveries_in_memory_max
            state = self._accounts.get(name)
            if state is None:
                self._accounts[name] = _AccountDeliveries(name, in_memory_max)
                self._unasked.add(name)
                self._work.set()
            else:
                state.in_memory_max = in_memory_max

    def recovered(self, last_id: int, due: dict[str, int]) -> None:
        """What the store holds from before; to be called once, first."""
        self._last_id = last_id
        for name, due_at in due.items():
            if name in self._accounts:
                self._accounts[name].parked_due_at = due_at

    def take_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def reserve(self, delivery: Delivery) -> None:
        """Before its commit: decide whether a new delivery stays in memory or waits in the store."""
        state = self._accounts.get(delivery.account)
        delivery.next_attempt_at = delivery.created_at
        if state is None or not state.has_room(delivery.created_at):
            delivery.parked = True
            if state is not None:
                state.parked_due_at = min(state.parked_due_at, delivery.created_at)
        else:
            state.expected += 1

    def unreserve(self, deliveries: Sequence[Delivery]) -> None:
        """The commit of reserved deliveries did not happen."""
        for delivery in deliveries:
            state = self._accounts.get(delivery.account)
            if state is not None and not delivery.parked:
                state.expected -= 1

    def admit(self, deliveries: Sequence[Delivery]) -> None:
        """After their commit: reserved deliveries set out."""
        touched: dict[str, _AccountDeliveries] = {}
        for delivery in deliveries:
            state = self._accounts.get(delivery.account)
            if state is None:
                continue
            if delivery.parked:
                if state.sinks:
                    self._work.set()
                continue
            state.expected -= 1
            state.ready.append(delivery)
            touched[state.name] = state
        for state in touched.values():
            if state.sinks:
                self._pump(state)
            else:
                self._park(state, list(state.ready), self._core.clock.now_ms())
                state.ready.clear()

    def attach(self, account: str, sink: Sink) -> None:
        """A session that can receive is bound; what waits for the account starts to flow."""
        self._accounts[account].sinks.append(sink)
        self._pump(self._accounts[account])
        self._work.set()

    def detach(self, account: str, sink: Sink, unanswered: Sequence[Delivery]) -> None:
        """The session is gone. What it did not answer goes first again; with nobody left, all returns to the store."""
        state = self._accounts[account]
        state.sinks.remove(sink)
        state.ready.extendleft(reversed(state.still_owed(unanswered)))
        if state.sinks:
            self._pump(state)
        elif state.ready:
            self._park(state, list(state.ready), self._core.clock.now_ms())
            state.ready.clear()

    def on_answers(self, account: str, answers: Sequence[tuple[Delivery, int | None]]) -> None:
        """What the ESME answered to deliveries: a ``command_status``, or ``None`` when it did not answer in time."""
        now = self._core.clock.now_ms()
        changes = Changes()
        again: list[Delivery] = []
        for delivery, command_status in answers:
            if command_status is None or command_status in RETRY_STATUSES:
                delivery.attempts += 1
                again.append(delivery)
                self._core.decided(
                    delivery, "delivered again", "later: no answer" if command_status is None else "later"
                )
            else:
                changes.done_deliveries.append(delivery.delivery_id)
            self._core.metrics.delivery_answered(delivery, command_status, now)
        state = self._accounts[account]
        if changes.done_deliveries:
            done = len(changes.done_deliveries)
            state.unrecorded += done
            self._core.store.write(changes, partial(self._recorded, state, done))
        again = state.still_owed(again)
        if again:
            self._retry(state, again, now)
        self._pump(state)

    def _recorded(self, state: _AccountDeliveries, done: int, _: StoreError | None) -> None:
        state.unrecorded -= done
        self._pump(state)

    def on_late_answers(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledgements of deliveries given up as unanswered: they need not go again, wherever they are by now."""
        if not deliveries:
            return
        ids = [delivery.delivery_id for delivery in deliveries]
        self._core.store.write(Changes(done_deliveries=ids))
        for name in dict.fromkeys(delivery.account for delivery in deliveries):
            self._accounts[name].acknowledge_late(ids)

    def waits_for_sink(self, account: str) -> bool:
        """Whether deliveries of ``account`` are due and nobody is bound who could take them."""
        state = self._accounts[account]
        return not state.sinks and state.parked_due_at <= self._core.clock.now_ms()

    def pending(self) -> dict[str, float]:
        """Deliveries in memory that wait for a sink or for its answer, by account."""
        return {
            name: len(state.ready) + sum(sink.deliveries_outstanding for sink in state.sinks)
            for name, state in self._accounts.items()
            if name in self._core.accounts or state.ready or state.sinks
        }

    def reserved(self) -> dict[str, int]:
        """Places held until a commit under way tells of it, by account."""
        return {name: state.expected + state.unrecorded for name, state in self._accounts.items()}

    async def run(self) -> None:
        """Bring parked deliveries back when they are due and a sink is bound."""
        while True:
            self._work = trio.Event()
            await self._core.store_permitting(self._load_due)
            with trio.move_on_after(self._pause_s()):
                await self._work.wait()

    def _pause_s(self) -> float:
        """Until the next parked delivery of an account that can take one is due."""
        now = self._core.clock.now_ms()
        due_at = min((state.parked_due_at for state in self._accounts.values() if state.sinks), default=math.inf)
        return min(max((due_at - now) / 1000, PAUSE_MIN_S), PAUSE_MAX_S)

    async def _load_due(self) -> None:
        """Load for every account that can take some."""
        if self._unasked:
            asked = frozenset(self._unasked)
            due = await self._core.store.next_delivery_due()
            self._unasked -= asked
            for name in asked:
                state = self._accounts[name]
                state.parked_due_at = min(state.parked_due_at, due.get(name, math.inf))
        for state in list(self._accounts.values()):
            while state.sinks and state.parked_due_at <= (now := self._core.clock.now_ms()):
                room = state.in_memory_max - len(state.ready) - state.expected
                if room < 1 or (room < state.in_memory_max // 2 and state.ready):
                    break
                if not await self._load(state, now, min(room, LOAD_MAX)):
                    break

    async def _load(self, state: _AccountDeliveries, now: int, limit: int) -> bool:
        """Claim one batch; False when there was less than a batch."""
        store = self._core.store
        claimed = await store.claim_deliveries(state.name, now, limit)
        is_full = len(claimed) == limit
        claimed = state.still_owed(claimed)
        expired = [delivery.delivery_id for delivery in claimed if delivery.expires_at <= now]
        if expired:
            self._core.metrics.deliveries_expired(state.name, len(expired))
            store.write(Changes(done_deliveries=expired))
        state.ready.extend(delivery for delivery in claimed if delivery.expires_at > now)
        if state.sinks:
            self._pump(state)
        elif state.ready:
            self._park(state, list(state.ready), now)
            state.ready.clear()
        if is_full:
            return True
        due_at, state.parked_due_at = state.parked_due_at, math.inf
        try:
            due_at = (await store.next_delivery_due()).get(state.name, math.inf)
        finally:  # what was parked while the store answered may be due sooner
            state.parked_due_at = min(state.parked_due_at, due_at)
        return False

    def _pump(self, state: _AccountDeliveries) -> None:
        """Hand ready deliveries to the sinks."""
        ready = state.ready
        sendable = state.sendable() if ready else 0
        share = -(-sendable // min(len(state.sinks) or 1, SINKS_COMPARED))
        while sendable > 0:
            sink = state.next_sink()
            if sink is None:
                return
            count = min(share, sink.delivery_window_free, sendable)
            sendable -= count
            sink.deliver([ready.popleft() for _ in range(count)])
        if not ready and state.parked_due_at < math.inf:
            self._work.set()

    def _retry(self, state: _AccountDeliveries, deliveries: Sequence[Delivery], now: int) -> None:
        settings = self._settings
        for delivery in deliveries:
            delay_s = min(settings.retry_first * 2 ** min(delivery.attempts - 1, 20), settings.retry_max)
            delivery.next_attempt_at = now + int(delay_s * 1000)
        self._park(state, deliveries, now)

    def _park(self, state: _AccountDeliveries, deliveries: Sequence[Delivery], now: int) -> None:
        updates = []
        for delivery in deliveries:
            delivery.parked = True
            delivery.next_attempt_at = max(delivery.next_attempt_at, now)
            state.parked_due_at = min(state.parked_due_at, delivery.next_attempt_at)
            updates.append(DeliveryUpdate(delivery.delivery_id, delivery.attempts, delivery.next_attempt_at, True))
        self._core.store.write(Changes(delivery_updates=updates))
        self._work.set()


def _outstanding(sink: Sink) -> int:
    return sink.deliveries_outstanding
