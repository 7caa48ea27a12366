"""One life of the gateway's process: the real engine, front door and SMPP carriers, between birth and a sudden end.

Everything between the stream and the store is the real thing; the streams, the store's medium, the clocks, the entropy
and the passwords are not. :meth:`Life.kill` is ``kill -9``: from that instant nothing that the process does reaches the
disk or the network, though its tasks still unwind; it may be called between any two steps of any task, and within one.
"""

import traceback
from collections.abc import Callable, Iterable
from random import Random

import trio

from smsagg.carriers.base import Carrier
from smsagg.carriers.fleet import Fleet
from smsagg.carriers.smpp import SmppCarrier
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.config.schema import BindFailureSettings, CarrierSettings, Config
from smsagg.engine import Engine
from smsagg.engine.accounts import Account
from smsagg.errors import CarrierError, StoreError
from smsagg.esme.authenticator import Authenticator, BindRefusal
from smsagg.esme.door import FrontDoor, make_front_door
from smsagg.esme.peer import Peer
from smsagg.esme.session import EsmeSession
from smsagg.observe.metrics import Metrics
from smsagg.policy.bind_failures import BindFailures
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.clock import FakeClock
from tools.sim.disk import Disk, ObservedTables
from tools.sim.network import Wire

Dialled = Callable[["Life", str], Wire | None]
"""Connects to the SMSC of that name; ``None`` when nobody listens."""
DIAL_S = (0.001, 0.05)
CHECK_S = (0.0, 0.02)


class SimulatedAuthenticator(Authenticator):
    """Knows every account by its one password; hashes nothing, takes a moment, and longer for who was wrong before."""

    def __init__(self, accounts: dict[str, Account], password: str, rng: Random, failures: BindFailureSettings) -> None:
        self._accounts = accounts
        self._failures = BindFailures(failures)
        self._password = password
        self._rng = rng

    def reconfigure(self, accounts: Iterable[Account], failures: BindFailureSettings) -> None:
        self._accounts = {account.settings.system_id: account for account in accounts}
        self._failures.set_limits(failures)

    def proof(self, system_id: str, password: str) -> str:
        return password

    def objection(self, account: Account, peer: Peer, system_id: str, proof: str) -> BindRefusal | None:
        return None if self._accounts.get(system_id) is account else BindRefusal.CREDENTIALS

    async def authenticate(self, system_id: str, password: str, peer: Peer) -> Account | BindRefusal:
        await trio.sleep(self._rng.uniform(*CHECK_S))
        account = self._accounts.get(system_id)
        if account is not None and password == self._password:
            self._failures.succeeded(peer.address, system_id)
            return account
        self._failures.failed(peer.address, system_id, trio.current_time())
        await trio.sleep(self._failures.delay_s(peer.address, system_id, trio.current_time()))
        return BindRefusal.CREDENTIALS


class Life:
    """From start to end. Several follow one another over the same tables."""

    def __init__(
        self,
        config: Config,
        tables: ObservedTables,
        disk: Disk,
        clock: FakeClock,
        rng: Random,
        password: str,
        dial: Dialled,
        prices: Tables,
    ) -> None:
        self.config = config
        self._bounds: dict[str, int] = {}
        self.store = MemoryStore(tables, disk.commit_later, disk.tell_later)
        self.is_alive = True
        self.is_serving = False
        self._has_served = False
        self.died_at: float | None = None
        """When it was killed."""
        self.crashes: list[str] = []
        """What must not happen: exceptions that a supervisor would have had to catch."""
        self._clock = clock
        self._rng = rng
        self._dial = dial
        self._scope = trio.CancelScope()
        self._wires: list[Wire] = []
        self._sessions: dict[EsmeSession, None] = {}
        self._nobody_left = trio.Event()
        self._nursery: trio.Nursery
        self._stopping = trio.Event()
        self.metrics = Metrics("simulated")
        self.engine = Engine(config, self.store, clock, rng, self.metrics, rng.randbytes, prices)
        self._authenticator = SimulatedAuthenticator(
            dict(self.engine.accounts), password, rng, config.server.bind_failures
        )
        self._door: FrontDoor
        engine = self.engine
        self._fleet = Fleet(
            config.carriers, self._make_carrier, engine.awaits_receipts, lambda: engine.intake.last_seq, engine.forget
        )

    async def run(self) -> None:
        """Live until :meth:`kill`, or until :meth:`stop` came to its end."""
        engine, store = self.engine, self.store
        try:
            with self._scope:
                engine.connect(self._fleet.carriers, await store.recover(self._clock.now_ms(), engine.retries_due_by))
                self._door = make_front_door(self.config, engine, self._clock, self.metrics, self._authenticator)
                store.on_commit = lambda _seconds, _changes: engine.dispatcher.wake()
                async with trio.open_nursery() as self._nursery:
                    await self._nursery.start(engine.run)
                    await self._fleet.start(self._nursery)
                    self.is_serving = self._has_served = True
                    await self._stopping.wait()
                    self.is_serving = False
                    with trio.move_on_after(self.config.server.shutdown_deadline):
                        await self._drain()
                    self._nursery.cancel_scope.cancel()
                await store.flush()
        except Exception as error:  # noqa: BLE001  the process's end, whatever ends it
            if self.is_alive and not self._could_not_start(error):
                self.crashes.append(traceback.format_exc())
        finally:
            self.is_serving = self.is_alive = False
            store.crash()

    def _could_not_start(self, error: BaseException) -> bool:
        """The store could not be read: then it is right to say so and to end."""
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        return isinstance(error, StoreError) and not self._has_served

    def kill(self, fate_of: Callable[[], str]) -> None:
        """End at once. ``fate_of()`` draws what becomes of each connection; see :meth:`Wire.gateway_died`."""
        if self.is_alive:
            self.is_alive = self.is_serving = False
            self.store.crash()
            for wire in self._wires:
                if wire.ended_at is None:
                    wire.gateway_died(fate_of())
            self._scope.cancel()

    def _make_carrier(self, name: str, settings: CarrierSettings) -> Carrier:
        rng = Random(self._rng.getrandbits(64))
        return SmppCarrier(name, settings.settings, self.engine, self._clock, rng, self._connect)

    def reload(self, config: Config) -> None:
        """Go on under another configuration, as by SIGHUP."""
        if not self.is_serving:
            return
        self.over_bounds()
        plan = self._fleet.plan(config.carriers)
        self._fleet.retune(plan)
        self.engine.reconfigure(config, self.engine.core.tables, plan.carriers)
        self._door.reconfigure()
        for session in list(self._sessions):
            session.reconfigure()
        self._fleet.follow(plan, config.carriers, config.receipts.carrier_grace)
        self.config = config

    def stop(self) -> None:
        """End in order, as by SIGTERM."""
        self._stopping.set()

    def serve(self, wire: Wire, address: str) -> None:
        """A customer has connected."""
        self._wires.append(wire)
        self._nursery.start_soon(self._serve, wire, address)

    async def _serve(self, wire: Wire, address: str) -> None:
        """As the listener does it, but that what it would log is a failure here."""
        self._door.sessions.enter()
        session = EsmeSession(wire.stream, Peer(address), self._door)
        self._sessions[session] = None
        try:
            await session.run()
        except Exception:  # noqa: BLE001  as the listener's supervisor
            if self.is_alive:
                self.crashes.append(traceback.format_exc())
        finally:
            del self._sessions[session]
            if not self._sessions:
                self._nobody_left.set()
            self._door.sessions.leave()

    async def _connect(self, settings: SmppSettings) -> trio.abc.Stream:
        await trio.sleep(self._rng.uniform(*DIAL_S))
        wire = self._dial(self, settings.address.partition(":")[0])
        if wire is None:
            raise CarrierError("connect: refused")
        self._wires.append(wire)
        return wire.stream

    async def _drain(self) -> None:
        """From the outside in: ESMEs, then what is with the carriers, then the store."""
        self.engine.intake.stopped = True
        self.engine.dispatcher.stopped = True
        async with trio.open_nursery() as nursery:
            for session in list(self._sessions):
                nursery.start_soon(session.stop)
        if self._sessions:
            self._nobody_left = trio.Event()
            await self._nobody_left.wait()
        await self._fleet.drain()
        await self.store.flush()

    def held(self) -> dict[str, object]:
        """What is left in memory when nothing should be; empty when nothing is."""
        core = self.engine.core
        links = [state for carrier in core.carriers.values() for state in carrier.links]
        held: dict[str, object] = {
            "live": sorted(core.live),
            "queued": {name: account.queued for name, account in core.accounts.items() if account.queued},
            "depth": {name: pool.depth for name, pool in core.pools.items() if pool.depth},
            "reserved": {name: pool.reserved for name, pool in core.pools.items() if pool.reserved},
            "ready": {name: len(pool.ready) for name, pool in core.pools.items() if len(pool.ready)},
            "scheduled": len(self.engine.waiting.scheduled),
            "overdue": len(self.engine.waiting.overdue),
            "awaiting": len(self.engine.reports.correlator),
            "link reserved": [state.link.name for state in links if state.reserved],
            "in flight": [state.link.name for state in links if state.link.in_flight],
            "settling": sorted(core.settling.difference(core.settled)),
            "deliveries reserved": {name: count for name, count in self.engine.deliveries.reserved().items() if count},
            "deliveries": {name: count for name, count in self.engine.deliveries.pending().items() if count},
        }
        return {name: value for name, value in held.items() if value}

    def _most(self, subject: str, bound: int) -> int:
        """The highest that a bound has been in this life: what was let in under it stays."""
        most = self._bounds[subject] = max(bound, self._bounds.get(subject, 0))
        return most

    def over_bounds(self) -> list[str]:
        """Limits that are exceeded just now."""
        if not self.is_serving:
            return []
        core, store = self.engine.core, self.config.store
        found = []
        windows = sum(state.link.window for carrier in core.carriers.values() for state in carrier.links)
        for name, pool in core.pools.items():
            if len(pool.ready) > self._most(f"pool {name}", pool.settings.queue_max) + windows:
                found.append(f"pool {name}: {len(pool.ready)} ready")
        for name, account in core.accounts.items():
            queue_max = self._most(f"account {name}", account.settings.queue_max)
            if account.queued < 0 or account.queued > queue_max + windows:
                found.append(f"account {name}: {account.queued} queued")
        correlator = self.engine.reports.correlator
        if len(correlator) > store.live_messages_in_memory_max:
            found.append(f"{len(correlator)} await their receipts")
        if len(self.engine.waiting.scheduled) > store.scheduled_in_memory_max:
            found.append(f"{len(self.engine.waiting.scheduled)} scheduled")
        if correlator.early_count > store.parked_receipts_max:
            found.append(f"{correlator.early_count} receipts parked")
        return found
