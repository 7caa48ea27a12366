"""Looks up the present network of numbers, which may have been ported, and remembers it.

Theory of operation. Whoever admits a message asks :meth:`Lookups.network`, which answers at once with what is known. A
front door that can wait calls :meth:`Lookups.start` first, and :meth:`Lookups.wait` if that names something to wait
for; then everything there is to know in time is known. Nobody waits longer than ``deadline``, and nothing is refused
because a resolver is slow or gone: such a message has the network of its prefix.

::

    network() ─▶ known to the resolver (a table in memory) ─▶ remembered ─▶ ""
    start()   ─▶ a task of ours for each number, shared by all who wait for it ─▶ remembered

Bounds: ``concurrency_max`` look-ups under way, above which nobody waits; ``cache_max`` answers. After
:data:`FAILURES_MAX` failures in a row nobody waits for :data:`PAUSE_S`, then one look-up tries again.

A reload replaces the resolver at once. The one before stays up for a deadline, so that its answers still come.
"""

from collections.abc import Iterable
from typing import Any

import structlog
import trio

from smsagg.engine.core import Core
from smsagg.observe.log import RateLimitedLog
from smsagg.resolvers.base import Resolver, ResolverError
from smsagg.routing.circuit import CircuitBreaker
from smsagg.routing.networks import is_network
from smsagg.routing.ported import PortedNumbers
from smsagg.routing.prefix import country_of

FAILURES_MAX = 10
PAUSE_S = 10.0
CLOSING_S = 1.0
"""After its last answer a resolver has so long to close its connections."""

log = RateLimitedLog(structlog.get_logger("smsagg.engine"))


class Lookups:
    """Knows networks of numbers in the countries of ``[routing.lookup]``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._metrics = core.metrics.metrics
        self._remembered = PortedNumbers(1, 0.0, 0.0)
        self._circuit = CircuitBreaker(FAILURES_MAX, PAUSE_S)
        self._under_way: dict[str, trio.Event] = {}
        """By number: set when its look-up is over."""
        self._nursery: trio.Nursery | None = None
        self._changed = trio.Event()
        self._resolver: Resolver | None = None
        self._running: list[Resolver] = []
        """Those that may be asked: the one in force, once it has started, and others for a while."""
        self._started = trio.Event()
        """Set when another one has."""
        self._asked: Any = None
        """Who answered what is remembered: the type and the settings of the resolver."""
        self._countries: frozenset[str] = frozenset()
        self._deadline_s = 0.0
        self._concurrency_max = 0
        self.reconfigure()

    @property
    def is_on(self) -> bool:
        """Whether any number is looked up."""
        return self._resolver is not None

    def reconfigure(self) -> None:
        """Heed the configuration and the resolver of ``core`` from now on."""
        settings, resolver = self._core.config.routing.lookup, self._core.tables.resolver
        self._resolver = resolver
        if settings is not None:
            if self._asked != (settings.type, settings.settings):
                self._asked = settings.type, settings.settings
                self._remembered = PortedNumbers(1, 0.0, 0.0)  # what is under way is answered to the one before
            self._countries = frozenset(settings.countries)
            self._deadline_s = settings.deadline
            self._concurrency_max = settings.concurrency_max
            self._remembered.set_limits(settings.cache_max, settings.ttl, settings.negative_ttl)
        self._circuit = CircuitBreaker(FAILURES_MAX, PAUSE_S)
        self._changed.set()

    async def run(self) -> None:
        """Keep the resolver in force running, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            served, replaced = None, trio.Event()
            while True:
                self._changed = trio.Event()
                if self._resolver is not served:
                    replaced.set()
                    served, replaced = self._resolver, trio.Event()
                    if served is not None:
                        nursery.start_soon(self._serve, served, replaced, self._deadline_s + CLOSING_S)
                await self._changed.wait()

    async def _serve(self, resolver: Resolver, replaced: trio.Event, stays_s: float) -> None:
        """One resolver, and for a while after it was replaced: named supervisor of what a plug-in may do."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(resolver.run)
                self._running.append(resolver)
                self._started.set()
                self._started = trio.Event()
                await replaced.wait()
                await trio.sleep(stays_s)
                nursery.cancel_scope.cancel()
        except* Exception as error:
            log.error("resolver_ended", error=repr(error), exc_info=error)
        finally:
            self._running = [running for running in self._running if running is not resolver]

    def network(self, digits: str, country: str) -> str:
        """What is known of E.164 ``digits`` in ``country`` now: MCC and MNC, or ``""``."""
        resolver = self._resolver
        if resolver is None or country not in self._countries:
            return ""
        known = resolver.known(digits)
        if known is not None:
            self._metrics.lookups["known" if known else "not_listed"].n += 1
            return known
        remembered = self._remembered.find(digits, self._core.clock.monotonic_s())
        if remembered is None:
            self._metrics.lookups["by_prefix"].n += 1
            return ""
        self._metrics.lookups["remembered"].n += 1
        return remembered

    def recall(self, digits: str, country: str) -> str:
        """What :meth:`network` would say, without counting."""
        resolver = self._resolver
        if resolver is None or country not in self._countries:
            return ""
        known = resolver.known(digits)
        return (self._remembered.find(digits, self._core.clock.monotonic_s()) or "") if known is None else known

    def start(self, numbers: Iterable[str]) -> list[trio.Event]:
        """Begin to look up those of ``numbers`` (E.164 digits) of which nothing is known yet and something could be;
        what :meth:`wait` is to wait for, which may be nothing."""
        resolver, now = self._resolver, self._core.clock.monotonic_s()
        if resolver is None or self._nursery is None:
            return []
        waited_for: list[trio.Event] = []
        for digits in numbers:
            if (
                country_of(digits) in self._countries
                and resolver.known(digits) is None
                and self._remembered.find(digits, now) is None
            ):
                over = self._under_way.get(digits)
                if over is None:
                    over = self._look_up(resolver, digits, now)
                if over is not None:
                    waited_for.append(over)
        return waited_for

    async def wait(self, waited_for: Iterable[trio.Event]) -> None:
        """Until the answers that :meth:`start` asked for are there, ``deadline`` at most. May be cancelled: the
        look-ups go on for whoever else waits."""
        with trio.move_on_after(self._deadline_s):
            for over in waited_for:
                await over.wait()

    def _look_up(self, resolver: Resolver, digits: str, now: float) -> trio.Event | None:
        assert self._nursery is not None
        if len(self._under_way) >= self._concurrency_max or self._circuit.allowance(now) < 1:
            self._metrics.lookups["no_room"].n += 1
            return None
        over = self._under_way[digits] = trio.Event()
        self._circuit.on_sent()
        self._nursery.start_soon(self._ask, resolver, digits, over)
        return over

    async def _ask(self, resolver: Resolver, digits: str, over: trio.Event) -> None:
        """One look-up: named supervisor of what a plug-in may do."""
        began_at = self._core.clock.monotonic_s()
        result, circuit, remembered = "timeout", self._circuit, self._remembered
        try:
            with trio.move_on_after(self._deadline_s):
                while not any(running is resolver for running in self._running):
                    await self._started.wait()
                network = await resolver.resolve(digits)
                if network and not is_network(network):
                    raise ResolverError(f'"{network[:20]}" is no MCC and MNC')
                result = "found" if network else "not_found"
                remembered.add(digits, network, self._core.clock.monotonic_s())
        except ResolverError as error:
            result = "error"
            log.warning("lookup_failed", error=str(error))
        except Exception as error:
            result = "error"
            log.error("lookup_failed", error=repr(error), exc_info=error)
        finally:
            del self._under_way[digits]
            over.set()
        now = self._core.clock.monotonic_s()
        if result in ("found", "not_found"):
            circuit.on_success()
        else:
            circuit.on_failure(now)
        self._metrics.lookups[result].n += 1
        self._metrics.lookup_latency.observe(now - began_at)
