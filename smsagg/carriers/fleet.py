"""The carriers that run: started together, and later one by one as the configuration changes; those that leave end in
order.

What becomes of a carrier whose settings change::

    keys of LIVE_KEYS only ──▶ told, goes on
    any other              ──▶ another one of its name starts, and this one leaves
    it is named no more    ──▶ it leaves

A carrier that *leaves* is given nothing more, since nobody asks it for room. What it has outstanding is answered. Its
binds stay for the receipts of what it took, until all of them are there or ``grace_s`` has passed; not so when another
carrier of its name binds to the same SMSC as the same system_id: that one hears the receipts, and may need the places.
Then it is drained, which takes :data:`DRAIN_S` at most, and ends.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs
import structlog
import trio
from attrs import define

from smsagg.carriers.base import Carrier, ReconfigurableCarrier
from smsagg.config.schema import CarrierSettings

LOOK_S = 5.0
"""How often it is looked whether receipts of a leaving carrier are awaited still."""
DRAIN_S = 300.0

MakeCarrier = Callable[[str, CarrierSettings], Carrier]
AwaitsReceipts = Callable[[str, int], Awaitable[bool]]
"""Whether messages up to this seq that a carrier of this name took await a receipt."""

log = structlog.get_logger("smsagg.carriers")


@define(frozen=True)
class FleetPlan:
    """What another configuration makes of the carriers."""

    carriers: dict[str, Carrier]
    """All that will run, in the order of the configuration."""
    retuned: dict[str, tuple[CarrierSettings, CarrierSettings]]
    """Those that are told new settings, with those before."""
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    removed: tuple[str, ...]


class Fleet:
    """All carriers of the process."""

    def __init__(
        self,
        settings: Mapping[str, CarrierSettings],
        make: MakeCarrier,
        awaits_receipts: AwaitsReceipts,
        last_seq: Callable[[], int],
        forget: Callable[[Carrier], None],
    ) -> None:
        """``last_seq`` tells the highest seq given out; ``forget`` is told of a carrier that left and has ended."""
        self._settings = dict(settings)
        self._make = make
        self._awaits_receipts = awaits_receipts
        self._last_seq = last_seq
        self._forget = forget
        self.carriers: dict[str, Carrier] = {name: make(name, one) for name, one in settings.items()}
        self._running: dict[Carrier, trio.CancelScope] = {}
        self._leaving: set[Carrier] = set()
        self._is_stopping = trio.Event()
        self._none_leaves = trio.Event()
        self._nursery: trio.Nursery

    @property
    def leaving(self) -> int:
        """Carriers that have not come to their end yet."""
        return len(self._leaving)

    async def start(self, nursery: trio.Nursery) -> None:
        """Run all carriers in ``nursery``, and later those that come."""
        self._nursery = nursery
        for carrier in self.carriers.values():
            await nursery.start(self._run, carrier)

    def plan(self, settings: Mapping[str, CarrierSettings]) -> FleetPlan:
        """What these settings make of the carriers; new ones are made, and nothing changes yet."""
        carriers: dict[str, Carrier] = {}
        retuned: dict[str, tuple[CarrierSettings, CarrierSettings]] = {}
        replaced: list[str] = []
        for name, wanted in settings.items():
            present, before = self.carriers.get(name), self._settings.get(name)
            if present is None or before is None:
                carriers[name] = self._make(name, wanted)
            elif not may_stay(present, before, wanted):
                carriers[name] = self._make(name, wanted)
                replaced.append(name)
            else:
                carriers[name] = present
                if wanted != before:
                    retuned[name] = (before, wanted)
        added = tuple(name for name in settings if name not in self.carriers)
        removed = tuple(name for name in self.carriers if name not in settings)
        return FleetPlan(carriers, retuned, added, tuple(replaced), removed)

    def retune(self, plan: FleetPlan, *, back: bool = False) -> None:
        """Tell those that go on their new settings, or ``back`` those before."""
        for name, (before, wanted) in plan.retuned.items():
            settings = before if back else wanted
            carrier = self.carriers[name]
            if isinstance(carrier, ReconfigurableCarrier):
                carrier.reconfigure(settings.settings)

    def follow(self, plan: FleetPlan, settings: Mapping[str, CarrierSettings], grace_s: float) -> None:
        """Start who comes and let go who leaves; the engine has changed over already. Synchronous."""
        before, self.carriers = self.carriers, plan.carriers
        settings_before, self._settings = self._settings, dict(settings)
        for name, carrier in before.items():
            if self.carriers.get(name) is not carrier:
                is_followed = name in self.carriers and is_same_peer(settings_before[name], settings[name])
                self._leaving.add(carrier)
                self._nursery.start_soon(self._leave, carrier, 0.0 if is_followed else grace_s, self._last_seq())
        for name in (*plan.added, *plan.replaced):
            self._nursery.start_soon(self._run, self.carriers[name])

    async def drain(self) -> None:
        """Have everybody finish what is outstanding, and unbind; the caller sets the deadline."""
        self._is_stopping.set()
        async with trio.open_nursery() as nursery:
            for carrier in self.carriers.values():
                nursery.start_soon(carrier.drain)
            while self._leaving:
                self._none_leaves = trio.Event()
                await self._none_leaves.wait()

    async def _run(self, carrier: Carrier, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with trio.CancelScope() as scope:
            self._running[carrier] = scope
            await carrier.run(task_status)
        del self._running[carrier]
        if carrier in self._leaving:
            self._leaving.discard(carrier)
            self._forget(carrier)
        if not self._leaving:
            self._none_leaves.set()

    async def _leave(self, carrier: Carrier, grace_s: float, up_to_seq: int) -> None:
        log.info("carrier_leaves", carrier=carrier.name)
        if grace_s > 0:
            await self._await_receipts(carrier, grace_s, up_to_seq)
        with trio.move_on_after(DRAIN_S):
            await carrier.drain()
        scope = self._running.get(carrier)
        if scope is not None:
            scope.cancel()
        log.info("carrier_left", carrier=carrier.name)

    async def _await_receipts(self, carrier: Carrier, grace_s: float, up_to_seq: int) -> None:
        """Until the receipts of what the carrier took are there, at most ``grace_s``, or until the process stops."""
        with trio.move_on_after(grace_s):
            while not self._is_stopping.is_set():
                with trio.move_on_after(LOOK_S):
                    await self._is_stopping.wait()
                is_outstanding = any(link.in_flight for link in carrier.links)
                if not is_outstanding and not await self._awaits_receipts(carrier.name, up_to_seq):
                    return


def may_stay(carrier: Carrier, before: CarrierSettings, wanted: CarrierSettings) -> bool:
    """Whether ``carrier`` can go on under other settings."""
    if before.type != wanted.type:
        return False
    live = carrier.LIVE_KEYS if isinstance(carrier, ReconfigurableCarrier) else frozenset()
    return changed_keys(before.settings, wanted.settings) <= live


def changed_keys(before: Any, wanted: Any) -> frozenset[str]:
    """Names of the settings that differ."""
    names: Sequence[str] = [attribute.name for attribute in attrs.fields(type(wanted))]
    return frozenset(name for name in names if getattr(before, name) != getattr(wanted, name))


def is_same_peer(before: CarrierSettings, wanted: CarrierSettings) -> bool:
    """Whether both are binds of one system_id to one SMSC."""
    peers = [
        (getattr(one.settings, "address", None), getattr(one.settings, "system_id", None)) for one in (before, wanted)
    ]
    return peers[0] == peers[1] and None not in peers[0]
