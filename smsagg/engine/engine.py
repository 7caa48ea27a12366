"""The engine: composes its parts, and is what carriers and front doors talk to.

::

    Intake ─▶ Waiting ─▶ Dispatcher ─▶ (carrier link)
                 ▲  ▲                        │ outcomes
         Loader ─┘  └──── Outcomes ◀─────────┘
                             │                  Reports ◀── carrier receipts
                             ▼                     │
                          Finisher ◀───────────────┴──── Sweeper, Control
                             │
                             ▼
                         Deliveries ─▶ (sinks of the account)
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

import trio

from smsagg.carriers.base import Carrier, Link, RespondMo, RespondReceipts
from smsagg.clock import Clock
from smsagg.config.schema import Config, MessageClassSettings
from smsagg.engine.accounts import change_accounts, make_accounts
from smsagg.engine.admission import freezing, guard
from smsagg.engine.admission.admission import Admission
from smsagg.engine.admission.freezing import Freezing
from smsagg.engine.admission.guard import Guard
from smsagg.engine.admission.holding import Holding
from smsagg.engine.admission.intake import Intake
from smsagg.engine.admission.lookups import Lookups
from smsagg.engine.admission.money import Money, first_day
from smsagg.engine.admission.recalling import recall_duplicates
from smsagg.engine.admission.tariffs import Tariffs
from smsagg.engine.changing import change_carriers, change_pools
from smsagg.engine.consent.consents import Consents
from smsagg.engine.core import Changes, Core
from smsagg.engine.directory.approved_senders import ApprovedSenders
from smsagg.engine.directory.register import Register
from smsagg.engine.ending.deliveries import Deliveries
from smsagg.engine.ending.events import Events
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.ending.learning import learning_carriers
from smsagg.engine.ending.reports import Reports
from smsagg.engine.ending.sweeper import Sweeper
from smsagg.engine.ending.unmatched import SCANNED_AT_ONCE
from smsagg.engine.endpoints.desk import EndpointDesk
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.engine.endpoints.standings import Standings
from smsagg.engine.erasing.erasures import Erasures
from smsagg.engine.health.assessor import Assessor
from smsagg.engine.health.drills import Drills
from smsagg.engine.health.maintenance import Maintenance
from smsagg.engine.health.probes import Probes
from smsagg.engine.health.shaper import Shaper
from smsagg.engine.inbound.alerts import Alerts
from smsagg.engine.inbound.answers import Answers
from smsagg.engine.inbound.handset import HandsetMessages
from smsagg.engine.inbound.opting import Opting
from smsagg.engine.measure import EngineMetrics
from smsagg.engine.numbers.numbers import Numbers
from smsagg.engine.queues.loader import Loader
from smsagg.engine.queues.queued import Queued
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.requests.control import Control
from smsagg.engine.requests.replacement import Replacement
from smsagg.engine.sending.dispatcher import Dispatcher
from smsagg.engine.sending.outcomes import ERROR_IN_DOUBT, Outcomes
from smsagg.engine.sending.pools import LinkState, make_carriers, make_pools
from smsagg.engine.templates.templates import Templates
from smsagg.engine.verification.verifications import Verifications
from smsagg.errors import StoreError
from smsagg.events.endpoint import Endpoint
from smsagg.events.standing import Disabled
from smsagg.model import FROZEN_UNTIL, CarrierAlert, CarrierMo, CarrierReceipt, MessageIds, MessageState, Outcome
from smsagg.observe.metrics import Metrics
from smsagg.observe.watch import Watch
from smsagg.store.base import Recovered, Store
from smsagg.tables import Tables


class Reconfigurable(Protocol):
    """A part of the engine that derives something from the configuration or the tables."""

    def reconfigure(self) -> None:
        """Heed ``core.config``, ``core.tables``, ``core.accounts``, ``core.carriers`` and ``core.pools`` as they are
        from now on. Synchronous; what is on its way must not notice, and what is wrong was refused before."""
        ...


class Engine:
    """Implements :class:`~smsagg.carriers.base.CarrierEvents`; front doors use :attr:`intake`, :attr:`control`,
    :attr:`deliveries`. Build it, give it its carriers with :meth:`connect`, then run it."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        entropy: Callable[[int], bytes] = os.urandom,
        tables: Tables | None = None,
    ) -> None:
        self._config = config
        self._tables = tables or Tables()
        self._entropy = entropy
        self._store = store
        self._clock = clock
        self._rng = rng
        self._links: dict[int, LinkState] = {}
        self.metrics = EngineMetrics(metrics)
        self.accounts = make_accounts(config, clock.monotonic_s())
        self.watch = Watch()
        self.numbers = Numbers(lambda: self._config, store, clock)
        self.register = Register(store, clock)
        self.approved_senders = ApprovedSenders(self.register)
        self.templates = Templates(self.register, clock, self._needs_template_approval)
        self.endpoints = Endpoints(lambda: self._config, self.register, store.cipher)
        self.standings = Standings(store)
        self.standings.on_disabled = self._on_disabled
        self.events = Events(lambda: self._config, self.endpoints)
        self.endpoint_desk = EndpointDesk(
            self.endpoints, self.standings, self.register, self.events, store, clock, entropy
        )
        self.numbers.book.on_steps = self.events.numbers
        self.consents = Consents(store, entropy, lambda: self._config.consent.passes)
        self.erasures = Erasures(
            store, clock, self.register, self.consents, self.numbers, lambda: self._config.accounts, entropy
        )
        self.core: Core
        self.lookups: Lookups
        self.admission: Admission
        self.intake: Intake
        self.money: Money
        self.alerts: Alerts
        self.guard: Guard
        self.holding: Holding
        self.verifications: Verifications
        self.control: Control
        self.replacement: Replacement
        self.handset: HandsetMessages
        self.deliveries: Deliveries
        self.dispatcher: Dispatcher
        self.reports: Reports
        self.waiting: Waiting
        self.shaper: Shaper
        self.maintenance: Maintenance
        self.probes: Probes
        self.drills: Drills

    def connect(self, carriers: Mapping[str, Carrier], recovered: Recovered) -> None:
        """Put the parts together, and take up what the store holds. Once, before :meth:`run`."""
        states = make_carriers(self._config, carriers, self._clock.monotonic_s())
        pools = make_pools(self._config, states)
        self.core = core = Core(
            config=self._config,
            clock=self._clock,
            rng=self._rng,
            store=self._store,
            metrics=self.metrics,
            accounts=self.accounts,
            carriers=states,
            pools=pools,
            numbers=self.numbers,
            events=self.events,
            consents=self.consents,
            watch=self.watch,
            tables=self._tables,
        )
        self._links = {id(state.link): state for carrier in states.values() for state in carrier.links}
        self.money = Money(core)
        tariffs = Tariffs(core)
        self.lookups = Lookups(core)
        self.admission = Admission(core, tariffs, self.lookups, self.approved_senders)
        self.waiting = Waiting(core, self.admission.home_of)
        self.freezing = Freezing(core, self.waiting)
        self.guard = Guard(core, self.freezing)
        self.deliveries = Deliveries(core, self._config.receipts)
        self._finisher = Finisher(core, self.deliveries, self.money, tariffs)
        self.reports = Reports(core, self._finisher, learning_carriers(carriers))
        self._outcomes = Outcomes(core, self.waiting, self._finisher, self.reports, tariffs)
        self.dispatcher = Dispatcher(core, self.waiting, self._finisher)
        core.wake_dispatcher = core.health.wake = self.dispatcher.wake
        self._loader = Loader(core, self.waiting, self.admission.home_of)
        self._assessor = Assessor(core)
        self.probes = core.probes = Probes(core)
        self._sweeper = Sweeper(core, self.waiting, self._finisher, self.reports)
        self.intake = Intake(core, self.waiting, MessageIds(recovered.last_seq, self._entropy), self.money)
        opting = Opting(core, Answers(core, self.admission, self.intake))
        self.handset = HandsetMessages(core, self.deliveries, self._finisher, opting)
        self.alerts = Alerts(core)
        self.shaper = Shaper(core)
        self.maintenance = Maintenance(core)
        self.drills = Drills(core, self._outcomes.rehearse)
        self.shaper.on_look = self.drills.look
        queued = Queued(core, self.waiting)
        self._sweeper.on_closed = self.intake.division.open_groups.close
        self._sweeper.last_seq = lambda: self.intake.last_seq
        self.control = Control(core, self.waiting, queued, self._finisher, lambda: self.intake.last_seq)
        self.holding = Holding(core, self.control, queued, self.freezing)
        self.replacement = Replacement(core, self.control, queued, self.intake, self._finisher, self.deliveries)
        self.verifications = Verifications(core, self._entropy, self.control.find_all, self.guard.report)
        self.events.recovered(recovered.last_event_id)
        self._recovered = recovered
        self._parts: Sequence[Reconfigurable] = (
            self.numbers,
            self.endpoints,
            self.events,
            self.money,
            tariffs,
            self.lookups,
            self.admission,
            self.guard,
            self.intake,
            self.deliveries,
            self.reports,
            self.handset,
            self.alerts,
            self._sweeper,
            self.waiting,
            self._assessor,
            self.probes,
            self.dispatcher,
            self._loader,
            self.shaper,
            self.maintenance,
            self.drills,
            self.verifications,
        )

    def reconfigure(self, config: Config, tables: Tables, carriers: Mapping[str, Carrier]) -> None:
        """Go on under another configuration, whose ``carriers`` these are: in one step, and nothing that is on its way
        is disturbed. Both are known to be right.

        Carriers that are not among them any more get nothing new; what they have outstanding they still report, until
        :meth:`forget`. Nobody is bound or unbound here: sessions and links are the caller's.
        """
        core, now = self.core, self._clock.monotonic_s()
        core.config, core.tables = config, tables
        self._config = config
        added, left = change_accounts(self.accounts, config, now)
        for account in left:
            if account.queued:
                core.former_queued[account.name] = account.queued
        for account in added:
            account.queued = core.former_queued.pop(account.name, 0)
        states_left = change_carriers(core, config, carriers, now)
        self._links |= {id(state.link): state for carrier in core.carriers.values() for state in carrier.links}
        pools_left = change_pools(core, config)
        for part in self._parts:
            part.reconfigure()
        for link in [link for state in states_left for link in state.links if link in self.waiting.following]:
            following = self.waiting.take_following(link, len(self.waiting.following))
            self.waiting.give_back(following, self._clock.now_ms())
        if pools_left:
            self.waiting.leave_pools({pool.name for pool in pools_left}, self._clock.now_ms())
        core.wake_dispatcher()

    def forget(self, carrier: Carrier) -> None:
        """A carrier that left has come to its end: nothing will be heard of its links any more."""
        for link in carrier.links:
            self._links.pop(id(link), None)
        self.core.health.reconfigure(self.core.carriers.values())

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Recover, call ``started()``, and run the tasks: one for each part that waits for something."""
        await self._recover()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.lookups.run)
            nursery.start_soon(self.dispatcher.run)
            nursery.start_soon(self._loader.run)
            nursery.start_soon(self.reports.run)
            nursery.start_soon(self.deliveries.run)
            nursery.start_soon(self.handset.run)
            nursery.start_soon(self.guard.run)
            nursery.start_soon(self.freezing.run)
            nursery.start_soon(self._sweeper.run)
            nursery.start_soon(self.shaper.run)
            nursery.start_soon(self.numbers.run)
            nursery.start_soon(self.verifications.run)
            nursery.start_soon(self._assessor.run)
            nursery.start_soon(self.probes.run)
            nursery.start_soon(self.erasures.run)
            task_status.started()

    async def awaits_receipts(self, carrier: str, up_to_seq: int) -> bool:
        """Whether messages up to this seq that a carrier of this name took await their receipt; True when the store
        cannot tell."""
        after_seq = 0
        while True:
            try:
                found, after_seq = await self._store.list_enroute(carrier, after_seq, SCANNED_AT_ONCE)
            except StoreError:
                return True
            if any(row.seq <= up_to_seq for row in found):
                return True
            if not 0 < after_seq < up_to_seq:
                return False

    @property
    def retries_due_by(self) -> int:
        """No retry that is planned now is due later (wall milliseconds)."""
        waits = [settings.retry.max for settings in self._config.message_classes.values()]
        longest_s = max(*waits, MessageClassSettings().retry.max, self._config.receipts.retry_max)
        return self._clock.now_ms() + math.ceil(longest_s * 1000)

    @property
    def backlog(self) -> int:
        """Messages accepted and not yet with a carrier, wherever they wait."""
        return sum(account.queued for account in self.accounts.values())

    # --- CarrierEvents ---

    def on_outcomes(self, link: Link, outcomes: Sequence[Outcome]) -> None:
        self._outcomes.apply(self._links[id(link)], outcomes)

    def on_receipts(self, carrier: str, receipts: Sequence[CarrierReceipt], respond: RespondReceipts) -> None:
        self.reports.on_receipts(carrier, receipts, respond)

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: RespondMo) -> None:
        self.handset.on_mo(carrier, messages, respond)

    def on_alerts(self, carrier: str, alerts: Sequence[CarrierAlert]) -> None:
        self.alerts.on_alerts(carrier, alerts)

    def on_congestion(self, link: Link) -> None:
        self._links[id(link)].pacing.on_congested(self._clock.monotonic_s())

    def on_capacity(self, link: Link) -> None:
        self._links[id(link)].stir()
        self.dispatcher.wake()

    # --- endpoints ---

    def _needs_template_approval(self, country: str, message_class: str) -> bool:
        return self.core.tables.compliance.needs_template_approval(country, message_class)

    def _on_disabled(self, endpoint: Endpoint, why: Disabled) -> None:
        self.core.alert(endpoint.account, "endpoint_disabled", endpoint.hook, str(why))

    # --- recovery ---

    async def _recover(self) -> None:
        """Take up queues, in-doubt attempts, parked receipts and deliveries where the last run left them."""
        core, recovered = self.core, self._recovered
        await self.register.load()
        self.endpoints.load()
        await self.numbers.load()
        await self.consents.load()
        await self.erasures.load()
        await self.standings.load(lambda name: self.endpoints.get(name) is not None)
        balances, spending = (
            await self._store.load_balances(),
            await self._store.load_spending(first_day(self._clock.now_ms())),
        )
        self.money.recovered(balances, spending, recovered.reserved_by_account)
        for name, count in recovered.queued_by_account.items():
            if name in core.accounts:
                core.accounts[name].queued = count
            else:
                core.former_queued[name] = count
        for name, count in recovered.queued_by_pool.items():
            if name in core.pools:
                core.pools[name].depth = count
            else:
                core.former_depth[name] = count
        self.reports.recovered(recovered.parked_receipts, recovered.enroute)
        self.deliveries.recovered(recovered.last_delivery_id, await self._store.next_delivery_due())
        self.handset.recovered(recovered.mo_parts)
        await self._recover_guard(recovered.last_seq)
        now = self._clock.now_ms()
        for group in reversed(recovered.open_groups):
            if group.closes_at >= now:
                self.intake.division.open_groups.add(self.core.groups.shared(group))
        self._end_in_doubt(recovered)
        await self.maintenance.recover()
        await self._assessor.restore()
        for name, due_at in (await self._store.next_due()).items():
            self.waiting.due[name] = due_at
            if name in core.pools and due_at <= now:
                core.pools[name].spilled = True

    async def _recover_guard(self, last_seq: int) -> None:
        """Frozen accounts stay so, and the guard goes on with what it knew."""
        held = await self._store.find_held(FROZEN_UNTIL, 1)
        self.freezing.recovered(await self._store.load_entities(freezing.KIND), bool(held))
        self.guard.recovered(await self._store.load_entities(guard.USAGE_KIND))
        await recall_duplicates(self._store, last_seq, self.guard.watching_duplicates, self._clock.now_ms())

    def _end_in_doubt(self, recovered: Recovered) -> None:
        """Attempts that were recorded, of classes that must not send twice: their outcome will never be known."""
        now = self._clock.now_ms()
        changes = Changes()
        self.core.groups.adopt(recovered.in_doubt)
        for message in recovered.in_doubt:
            self.core.joined_queue(message)
            self._finisher.finish(message, MessageState.UNKNOWN, ERROR_IN_DOUBT, now, changes)
        if not changes.is_empty():
            self._finisher.commit(changes)
