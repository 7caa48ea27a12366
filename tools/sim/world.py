"""A simulated world: the gateway's lives, its peers, network and disk, and the run from the first event to the last.

Phases: customers submit while the nemesis acts (``duration_s``); then everything is healed, each customer shows that
new messages are taken (L1), and the world waits until nothing is left to do (L2): no live message, no owed receipt, no
open question, nothing held in the gateway's memory. All of it is decided by the seed: the world's own draws, and the
order in which trio runs tasks that are ready together.
"""

from collections.abc import Callable, Sequence
from random import Random

import trio

from smsagg.observe.metrics import Metrics
from smsagg.testing.clock import FakeClock
from tools.sim.agenda import Agenda
from tools.sim.customer import Customer
from tools.sim.disk import Disk, ObservedTables
from tools.sim.gateway import Life
from tools.sim.log import Cancel, Log, Replace, Sent
from tools.sim.nemesis import Nemesis
from tools.sim.network import Weather, Wire
from tools.sim.scenario import PASSWORD, PREFIXES, Scenario
from tools.sim.supplier import Supplier
from tools.sim.texts import digits_of, nonce_of, nonces_in, version_in
from tools.sim.trace import Trace
from tools.sim.user_data import Part
from tools.sim.wire import name_of

RESTART_S = (0.01, 0.5)
SETTLE_S = 0.5
DRAIN_MAX_S = 90.0
"""Besides what a customer needs who fetches its receipts one by one."""
POLL_S = 0.25
QUIET_S = 1.0
"""Nothing left to do for so long: drained."""
STEPS_MAX = 400_000
"""A run that takes more steps of tasks than this is going in circles."""


class GoingInCircles(Exception):
    """Too many steps."""


class World:
    """Everything of one run; :meth:`run` is the run."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.agenda = Agenda(Random(f"{scenario.seed} steps"))
        self.trace = Trace(self.agenda)
        self.log = Log()
        self.clock = FakeClock()
        self.weather: Weather = scenario.weather
        self.tables = ObservedTables(agenda=self.agenda, trace=self.trace, broke=self.log.broke)
        self.tables.on_applied = lambda kind: self._reach(f"commit {kind}")
        self.disk = Disk(self.agenda, self._rng("disk"), scenario.disk)
        self.disk.on_commit = lambda: self._reach("before commit")
        self.wires: list[Wire] = []
        self.life: Life | None = None
        self.lives = 0
        self.store_error: Exception | None = None
        self.steps = 0
        self.is_drained = False
        self.held: dict[str, object] = {}
        self.healed_at = 0.0
        self.was_set_back = False
        """The wall clock was: what is due by it waits for it to come round again."""
        self.idle_steps = 0
        """Taken in the last second, when nothing was left to do."""
        self.deliver_timeout_s = float(scenario.config.session.response_timeout)
        self.deliver_window = scenario.config.session.deliver_window
        routed = [country for pool in scenario.config.pools.values() for country in pool.countries]
        self.probe_destination = f"{PREFIXES[routed[0]]}000"
        self.customers: Sequence[Customer] = [
            Customer(plan, self.agenda, self._rng(plan.account), self.trace, self.log, self, self)
            for plan in scenario.customers
        ]
        self.suppliers = {
            name: Supplier(
                name, plan, scenario.config.carriers[name], self.agenda, self._rng(name), self.trace, self.log, self
            )
            for name, plan in scenario.suppliers.items()
        }
        self.nemesis = Nemesis(self, self._rng("nemesis"))
        self._network_rng = self._rng("network")
        self._sessions = 0
        self._reached = 0

    def _rng(self, name: str) -> Random:
        return Random(f"{self.scenario.seed} {name}")

    async def run(self) -> None:
        """The whole run. One task beside this and the gateway's: the keeper that starts the gateway again."""
        scenario = self.scenario
        async with trio.open_nursery() as nursery:
            self.agenda.on_failure = nursery.cancel_scope.cancel
            nursery.start_soon(self._keep_gateway)
            for customer in self.customers:
                customer.start()
            for supplier in self.suppliers.values():
                supplier.start()
            self.nemesis.plan(scenario.faults)
            await self._watch_until(scenario.duration_s + SETTLE_S)
            self.nemesis.heal()
            self.healed_at = self.agenda.now
            await trio.sleep(SETTLE_S)
            for customer in self.customers:
                customer.probe()
            await self._drain()
            if self.life is not None:
                self.held = self.life.held()
                self._bury()
            nursery.cancel_scope.cancel()

    # --- the gateway's lives ---

    async def _keep_gateway(self) -> None:
        rng = self._rng("restarts")
        while True:
            self.lives += 1
            self.life = life = Life(
                self.scenario.configs[(self.lives - 1) % len(self.scenario.configs)],
                self.tables,
                self.disk,
                self.clock,
                self._rng(f"life {self.lives}"),
                PASSWORD,
                self._dial,
                self.scenario.tables,
            )
            if self.store_error is not None:
                life.store.break_down(self.store_error)  # type: ignore[arg-type]
            self.trace.add("gateway", "", "starts")
            await life.run()
            if life.died_at is None:
                self.log.deaths.append(self.agenda.now)
            self._bury()
            await trio.sleep(rng.uniform(*RESTART_S))

    def kill(self, why: str, fate_of: Callable[[], str]) -> None:
        """``kill -9``, if it lives."""
        if self.life is not None and self.life.is_alive:
            self.trace.add("gateway", "", why)
            self.log.deaths.append(self.agenda.now)
            self.life.died_at = self.agenda.now
            self.life.kill(fate_of)

    def _bury(self) -> None:
        assert self.life is not None
        self.log.history.anomalies += [f"crashed: {crash}" for crash in self.life.crashes]
        self.life.crashes.clear()
        self.trace.add("gateway", "", "ended")

    def step(self) -> None:
        """A task of the run has taken one step; called between any two."""
        self.steps += 1
        if self.steps == self.scenario.kill_at_step:
            self.nemesis.kill(f"killed at step {self.steps}")
        if self.steps > STEPS_MAX:
            self.agenda.fail(GoingInCircles(f"{STEPS_MAX} steps"))
        self.agenda.step()

    def _reach(self, point: str) -> None:
        """The gateway is at a failpoint."""
        if self.scenario.failpoint is not None and self.scenario.failpoint[0] == point:
            self._reached += 1
            if self._reached == self.scenario.failpoint[1]:
                self.nemesis.kill(f"killed: {point}")

    # --- connections ---

    def connect(self, name: str) -> Wire | None:
        """A customer connects."""
        life = self.life
        if life is None or not life.is_serving:
            return None
        wire = self._new_wire()
        self.trace.add(name, "", "connects")
        life.serve(wire, "192.0.2.1")
        return wire

    def _dial(self, life: Life, name: str) -> Wire | None:
        supplier = self.suppliers[name]
        if not supplier.is_listening or not life.is_alive:
            return None
        wire = self._new_wire()
        supplier.accept(wire)
        return wire

    def _new_wire(self) -> Wire:
        wire = Wire(self.agenda, self._network_rng, self.weather, self, self.clock.now_ms, self.scenario.room_octets)
        self.wires = [other for other in self.wires if not other.is_over or other.ended_at is None]
        self.wires.append(wire)
        return wire

    def next_session(self) -> int:
        self._sessions += 1
        return self._sessions

    def before_write(self, octets: bytes) -> None:
        self._reach(f"before write {name_of(int.from_bytes(octets[4:8]))}")

    def after_write(self, octets: bytes) -> None:
        self._reach(f"after write {name_of(int.from_bytes(octets[4:8]))}")

    def on_read(self, pdu_name: str) -> None:
        self._reach(f"read {pdu_name}")

    def jump_clock(self, seconds: float) -> None:
        self.clock.jump_wall(seconds)
        self.was_set_back |= seconds < 0

    # --- what is looked at while it happens ---

    def network_delay_s(self) -> float:
        return 2 * 4 * self.weather.latency_s[1]  # a PDU may come in so many pieces

    def on_acknowledged(self, submit: Sent) -> None:
        """Who hears ESME_ROK has durable messages, at that very instant: all destinations, all parts."""
        rows = [row for row in self.tables.rows() if row.message_id == submit.message_id]
        if not rows:
            self.log.broke("S1 no loss", submit.nonce, "was acknowledged before it was committed")
            return
        destinations = {digits_of(to) for to in submit.planned.destinations}.difference(submit.untaken)
        if (found := {digits_of(row.destination_addr) for row in rows}) != destinations:
            self.log.broke("S1 no loss", submit.nonce, f"was acknowledged for {destinations}, and is there for {found}")
        missing = {row.group_seq for row in rows if row.group_seq}.difference(self.tables.groups)
        if missing:
            self.log.broke("S1 no loss", submit.nonce, f"its parts are in groups {missing}, which are not there")

    def nonces_of(self, text: bytes, destination: str, part: Part | None) -> tuple[str, ...]:
        """See :class:`tools.sim.ports.Rules`."""
        nonces = tuple(nonces_in(text))
        if nonces:
            return nonces
        for row in self.tables.rows():
            group = self.tables.groups.get(row.group_seq)
            is_named = part is None or (group is not None and (group.reference ^ part.reference) & 0xFF == 0)
            if is_named and row.body == text and digits_of(row.destination_addr) == destination:
                return (nonce_of(self.tables.unit_of[row.seq]),)
        return (text.decode("latin-1"),)

    def on_receipt_taken(self, carrier: str, carrier_message_id: str) -> None:
        """Whose receipt is answered ESME_ROK has its effect in the store, at that very instant."""
        if any(key[:2] == (carrier, carrier_message_id) for key in self.tables.parked_receipts):
            return
        for row in self.tables.messages.values():
            if (row.carrier, row.carrier_message_id) == (carrier, carrier_message_id) and row.state.name == "ENROUTE":
                text = f"the receipt of {carrier}:{carrier_message_id} was answered before its effect was committed"
                self.log.broke("S12 receipts kept", self.tables.unit_of[row.seq], text)

    def on_cancelled(self, cancel: Cancel) -> None:
        """Something of it is over, at that very instant."""
        submit = cancel.submit
        if cancel.account != submit.account:
            self.log.broke("S13 isolation", submit.nonce, f"was cancelled by {cancel.account}")
        if cancel.is_by_addresses:
            hit = [row for row in self.tables.rows() if row.destination_addr == submit.planned.destinations[0]]
        else:
            hit = [row for row in self.tables.rows() if row.message_id == submit.message_id]
        if not any(row.state.name == "DELETED" for row in hit):
            self.log.broke("S8 zombie", submit.nonce, "cancel_sm was answered ESME_ROK, and nothing is DELETED")

    def on_replaced(self, replace: Replace) -> None:
        """It has the new text, at that very instant, unless a later replace_sm was sent."""
        submit = replace.submit
        if replace.account != submit.account:
            self.log.broke("S13 isolation", submit.nonce, f"was replaced by {replace.account}")
        version = version_in(replace.text)
        for row in self.tables.rows():
            if row.message_id == submit.message_id and version_in(row.body) < version:
                text = f"replace_sm was answered ESME_ROK, and the text is {row.body.decode()}"
                self.log.broke("S8 zombie", submit.nonce, text)

    def metrics(self) -> Metrics | None:
        """Of the only process that there was; ``None`` when there were several."""
        return self.life.metrics if self.life is not None and not self.log.deaths else None

    # --- the phases ---

    async def _watch_until(self, at: float) -> None:
        while trio.current_time() < at:
            await trio.sleep(min(POLL_S, at - trio.current_time()))
            self._check_bounds()

    async def _drain(self) -> None:
        """Wait until nothing is left to do, and has been for a while."""
        fetching_s = max(plan.answer_s[1] * len(plan.messages) for plan in self.scenario.customers)
        deadline = trio.current_time() + DRAIN_MAX_S + fetching_s
        quiet_since: float | None = None
        while trio.current_time() < deadline:
            await trio.sleep(POLL_S)
            self._check_bounds()
            if not self._is_quiet():
                quiet_since = None
            elif quiet_since is None:
                quiet_since = trio.current_time()
                self.idle_steps = -self.steps
            elif trio.current_time() - quiet_since >= QUIET_S:
                self.is_drained = True
                self.idle_steps += self.steps
                return

    def _is_quiet(self) -> bool:
        life = self.life
        return (
            life is not None
            and life.is_serving
            and not self.tables.messages
            and not self.tables.deliveries
            and not self.tables.mo_parts
            and all(group.is_over for group in self.tables.groups.values())
            and all(customer.is_idle for customer in self.customers)
            and not life.held()
        )

    def _check_bounds(self) -> None:
        if self.life is not None:
            for text in self.life.over_bounds():
                self.log.broke("L4 bounds", "run", text)
