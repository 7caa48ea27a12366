"""Builds the object graph, opens the outer nurseries, and owns the order of start and stop.

Start: store, recovery, engine, carriers, HTTP, SMPP listener. Stop, within ``shutdown_deadline``: nobody is accepted
any more, ESMEs are unbound when what they sent is answered, carriers finish what is outstanding and are unbound, the
engine ends, the store writes what is left. What a deadline cuts short is in the store and goes on at the next start.
"""

import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import structlog
import trio
from attrs import define

import smsagg
from smsagg.api.app import OperationsApp
from smsagg.api.http import serve_http
from smsagg.api.root import make_root
from smsagg.api.v1 import V1
from smsagg.api.v1.messages.searching import MessageSearch
from smsagg.carriers.base import Carrier
from smsagg.carriers.fleet import Fleet
from smsagg.carriers.registry import carrier_class
from smsagg.clock import Clock, SystemClock
from smsagg.config.documents import Documents, read_documents
from smsagg.config.overlay import NO_OVERLAY
from smsagg.config.sandbox import SANDBOX
from smsagg.config.schema import CarrierSettings, Config, StoreSettings
from smsagg.control import ControlServer, socket_path
from smsagg.control.abuse import AbuseService
from smsagg.control.auditing import audited
from smsagg.control.carriers import CarriersService
from smsagg.control.configuration import ConfigurationService
from smsagg.control.consents import SuppressService
from smsagg.control.explain import ExplainService
from smsagg.control.money import MoneyService
from smsagg.control.numbers import NumberService
from smsagg.control.personal_data import PersonalDataService
from smsagg.control.receipts import ReceiptsService
from smsagg.control.server import AUTOMATIC
from smsagg.engine import Engine
from smsagg.engine.engine import Reconfigurable
from smsagg.engine.gauges import add_engine_sources
from smsagg.errors import ConfigError
from smsagg.esme.door import FrontDoor, make_front_door
from smsagg.esme.file_limit import claim_files
from smsagg.esme.listener import Listener
from smsagg.esme.outbind import Outbinder
from smsagg.esme.ports import open_ports
from smsagg.history.personal import lines_about
from smsagg.history.search import Sought, search
from smsagg.model import Message
from smsagg.observe.log import set_log_level
from smsagg.observe.loop_lag import measure_loop_lag
from smsagg.observe.metrics import Metrics
from smsagg.reload import Reloader
from smsagg.reload.entities import Entities
from smsagg.reload.overlaid import Start, begin, kept_entities
from smsagg.reload.reloader import read_overlaid
from smsagg.session.tls import ServerTls
from smsagg.store.base import Store
from smsagg.store.sqlite.store import open_sqlite_store
from smsagg.tables import Tables, load_tables
from smsagg.trace import TraceHub
from smsagg.webhooks import Webhooks

SEARCHES_MAX = 2
"""Of the HTTP API, at once."""
SWITCH_INTERVAL_S = 0.0001
"""A busy loop lets the store's writer thread have the GIL this often; with the default it starves."""

log = structlog.get_logger("smsagg.app")


@define(frozen=True)
class Running:
    """Where a started server listens."""

    smpp: str
    smpp_tls: str
    """``""`` without ``[server.tls]``."""
    http: str
    https: str
    """``""`` without ``[server.https]``."""
    engine: Engine
    door: FrontDoor
    reloader: Reloader | None
    """``None``: the configuration did not come from a file."""


async def serve(
    config: Config,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
    *,
    stop: trio.Event | None = None,
    path: Path | None = None,
) -> None:
    """Run the gateway until ``stop`` is set (or SIGTERM, SIGINT); returns after an orderly end.

    ``path`` is the file that ``config`` came from, to be read anew on SIGHUP and ``smsagg reload``.

    Raises ConfigError when a port cannot be had or a data file is wrong, StoreError when the store cannot be opened.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    stop = trio.Event() if stop is None else stop
    documents = None if path is None else read_documents(path, config)
    tables = load_tables(config)
    for warning in tables.warnings:
        log.warning("config_warning", warning=warning)
    async with open_sqlite_store(config.store) as store, trio.open_nursery() as nursery:
        start = await begin_with(store, config, tables, path)
        metrics = Metrics(smsagg.__version__)
        gateway = Gateway(start.config, store, SystemClock(), Random(), metrics, start.tables, path, documents, start)
        nursery.start_soon(_watch_signals, stop, gateway.reload)
        async with gateway.running() as running:
            gc.collect()
            gc.freeze()  # what a start makes is for good; to look through it all would hold up the loop for 50 ms
            task_status.started(running)
            await stop.wait()
            log.info("stopping")
        nursery.cancel_scope.cancel()
    log.info("stopped")


async def begin_with(store: Store, config: Config, tables: Tables, path: Path | None) -> Start:
    """What was read from ``path``, with what was put at run time; what does not fit is told of and left out."""
    entities = {} if path is None else await kept_entities(store)
    if path is None or not entities:
        return Start(config, tables, NO_OVERLAY, {})
    start = await trio.to_thread.run_sync(begin, path, entities, read_overlaid)
    for entity, reason in start.left_out.items():
        log.error("entity_left_out", kind=entity.kind, key=entity.key, reason=reason)
    return start


class Gateway:
    """The system over an opened store."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        tables: Tables | None = None,
        path: Path | None = None,
        documents: Documents | None = None,
        start: Start | None = None,
    ) -> None:
        """``path`` and ``documents`` are what ``config`` and ``tables`` were read from, ``start`` how."""
        self._config = config
        self._path = path
        self._documents = documents
        self._start = start
        self._store = store
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._problems: list[Callable[[], list[str]]] = []
        self._ready = False
        self._tls: list[ServerTls] = []
        self.engine = Engine(config, store, clock, rng, metrics, tables=tables)
        engine = self.engine
        self._fleet = Fleet(
            config.carriers, self._make_carrier, engine.awaits_receipts, lambda: engine.intake.last_seq, engine.forget
        )
        self._reloader: Reloader | None = None
        self._entities: Entities | None = None

    async def _start_control(self, nursery: trio.Nursery) -> None:
        """Listen for operators; with the automatic path a server works without, and says so."""
        path = socket_path(self._config)
        if not path:
            return
        hub = TraceHub(self.engine.watch, self._clock, self.engine.control.find_any)
        try:
            carriers, abuse = CarriersService(self.engine), AbuseService(self.engine)
            numbers = NumberService(self.engine.numbers, self._store, self._clock, lambda: self.engine.accounts)
            handlers = {
                "trace": hub.serve,
                "receipts": ReceiptsService(self.engine, self._store).serve,
                "explain": ExplainService(self.engine).serve,
                "money": MoneyService(self.engine, self._store).serve,
                "carriers": carriers.serve,
                "drill": carriers.serve_drill,
                "abuse": abuse.serve,
                "held": abuse.serve_held,
                "account": abuse.serve_account,
                "numbers": numbers.serve,
                "suppress": SuppressService(self.engine).serve,
                "personal-data": PersonalDataService(self.engine).serve,
            }
            if self._reloader is not None:
                configuration = ConfigurationService(self._reloader)
                handlers |= {"reload": configuration.reload, "config": configuration.serve}
            await nursery.start(ControlServer(audited(handlers, self.engine.register.noting)).run, path)
        except ConfigError as error:
            if self._config.server.control_socket != AUTOMATIC:
                raise
            log.warning("no_control_socket", error=str(error))

    def _make_carrier(self, name: str, settings: CarrierSettings) -> Carrier:
        make, rng = carrier_class(settings.type), Random(self._rng.getrandbits(64))
        return make(name, settings.settings, self.engine, self._clock, rng)

    async def _begin_versions(self, door: FrontDoor, front: Sequence[Reconfigurable]) -> int:
        """Be ready to reload; the number of the version that is in force, 0 without a file."""
        if self._path is None:
            return 0
        self._reloader = Reloader(
            self._path,
            self._config,
            self._store,
            self._clock,
            self._metrics,
            self.engine,
            self._fleet,
            front,
            lambda config: door.authenticator.prepare(config.accounts.values()),
            overlay=NO_OVERLAY if self._start is None else self._start.overlay,
            left_out={} if self._start is None else self._start.left_out,
        )
        await self._reloader.begin(self._documents)
        self._entities = Entities(self._reloader, self.engine.register)
        return self._reloader.current.number

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Everything runs within the block, and ends in order after it."""
        config, engine = self._config, self.engine
        carriers = self._fleet.carriers
        engine.connect(carriers, await self._store.recover(self._clock.now_ms(), engine.retries_due_by))
        links = sum(len(carrier.links) for carrier in carriers.values())
        sessions_max = claim_files(config.server.sessions_max, links)
        door = make_front_door(config, engine, self._clock, self._metrics, sessions_max=sessions_max)
        listener = Listener(door)
        outbinder = Outbinder(door, listener, self._rng)
        self._observe(door)
        ports = await open_ports(config.server.smpp_listen, "server.smpp_listen")
        smpp, smpp_tls = ports[0].address, ""
        if config.server.tls is not None:
            self._tls.append(ServerTls(config.server.tls))
            tls_ports = await open_ports(config.server.tls.smpp_listen, "server.tls.smpp_listen", self._tls[-1])
            smpp_tls = tls_ports[0].address
            ports += tls_ports
        async with trio.open_nursery() as outer:
            await outer.start(engine.run)
            await self._fleet.start(outer)
            outer.start_soon(measure_loop_lag, self._metrics.loop_lag)
            self._metrics.loop_tasks.add_source(lambda: {"": trio.lowlevel.current_statistics().tasks_living})
            outer.start_soon(door.pace.run, lambda: engine.backlog)
            v1 = V1(
                engine,
                _search_in(config.store),
                lambda: door.pace.load,
                lambda subject: lines_about(engine.core.config, subject),
                lambda: self._entities,
            )
            webhooks = Webhooks(
                lambda: engine.core.config,
                engine.endpoints,
                engine.standings,
                self._store,
                self._clock,
                self._rng,
                self._metrics,
            )
            engine.events.on_noted.append(webhooks.on_noted)
            outer.start_soon(webhooks.run)
            app = make_root(OperationsApp(self._metrics, self._find_problems, self._find_warnings), v1)
            http: str = await outer.start(serve_http, config.server.http_listen, app)
            https = ""
            if config.server.https is not None:
                self._tls.append(ServerTls(config.server.https, "server.https"))
                https = await outer.start(serve_http, config.server.https.listen, v1, self._tls[-1])
            for tls in self._tls:
                outer.start_soon(tls.run)
            version = await self._begin_versions(door, (door, listener, outbinder, v1, webhooks, Logging(engine)))
            await self._start_control(outer)
            await outer.start(listener.run, ports)
            outer.start_soon(outbinder.run)
            if self._reloader is not None:
                outer.start_soon(self._reloader.run)
            self._ready = True
            log.info("ready", smpp=smpp, smpp_tls=smpp_tls, http=http, https=https, config_version=version)
            try:
                yield Running(smpp, smpp_tls, http, https, engine, door, self._reloader)
            finally:
                self._ready = False
                deadline_s = engine.core.config.server.shutdown_deadline
                with trio.CancelScope(shield=True), trio.move_on_after(deadline_s):
                    await self._drain(listener)
                outer.cancel_scope.cancel()

    def reload(self) -> None:
        """Read again, soon, what may change while the gateway runs: the configuration, and the files of
        ``[server.tls]`` and ``[server.https]``."""
        for tls in self._tls:
            tls.reload_soon()
        if self._reloader is not None:
            self._reloader.ask()

    async def _drain(self, listener: Listener) -> None:
        """ESMEs and carriers side by side, so that an ESME which does not answer keeps no carrier from ending well."""
        self.engine.intake.stopped = True
        self.engine.dispatcher.stopped = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.stop)
            nursery.start_soon(self._fleet.drain)
        await self._store.flush()

    def _find_problems(self) -> list[str]:
        """Why the gateway is not ready; empty when it is."""
        problems = [] if self._ready else ["not serving"]
        refusing = self._store.refusing
        if refusing is not None:
            problems.append(f"store: {refusing}")
        carriers = [carrier for name, carrier in self._fleet.carriers.items() if name != SANDBOX]
        if not any(link.is_bound for carrier in carriers for link in carrier.links):
            problems.append("no carrier is bound")
        return problems

    def _find_warnings(self) -> list[str]:
        """What was put at run time and is not in force."""
        left_out = {} if self._reloader is None else self._reloader.left_out
        return [f"{entity} is left out: {reason.splitlines()[0]}" for entity, reason in left_out.items()]

    def _observe(self, door: FrontDoor) -> None:
        metrics, store = self._metrics, self._store

        def committed(seconds: float, changes: int) -> None:
            metrics.store_commit_latency.observe(seconds)
            metrics.store_commit_changes.observe(changes)
            self.engine.dispatcher.wake()

        store.on_commit = committed
        add_engine_sources(metrics, self.engine, store)
        metrics.smpp_sessions.add_source(door.sessions.counts)
        metrics.smpp_connections.add_source(lambda: {"": door.sessions.connections})
        metrics.smpp_bans.add_source(door.authenticator.bans)
        metrics.smpp_pdus.add_source(door.pdu_counts.totals)
        metrics.smpp_read_share.add_source(lambda: {"": door.pace.share})


def _search_in(store: StoreSettings) -> MessageSearch:
    """Searches that read the store's file in threads of their own, few at a time."""
    limiter = trio.CapacityLimiter(SEARCHES_MAX)

    async def find(*, before_seq: int, limit: int, **sought: Any) -> tuple[list[Message], int]:
        page = await trio.to_thread.run_sync(
            search, store, Sought(**sought), before_seq, limit, limiter=limiter, abandon_on_cancel=True
        )
        return page.messages, page.before_seq

    return find


class Logging:
    """The process's log, as a part that heeds the engine's configuration."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reconfigure(self) -> None:
        """Write what the configuration wants from now on."""
        set_log_level(self._engine.core.config.log.level)


async def _watch_signals(stop: trio.Event, reload: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for number in signals:
            log.info("signal", signal=signal.Signals(number).name)
            if number == signal.SIGHUP:
                reload()
            else:
                stop.set()
