"""The simulated carrier: a misbehaving SMSC inside the process, behind the carrier port.

Theory of operation. ``send`` asks the :class:`~smsagg.carriers.behaviour.Behaviour` for a plan and files its parts in
time slots; one task (:meth:`SimulatedCarrier.run`) serves the slots in batches and sleeps until the next one. There is
no task and no timer per message. In one batch early receipts go first, then outcomes, then the other receipts, so a
plan's order holds however late the task runs.

::

    send ──▶ plan ──┬──▶ responses ──▶ on_outcomes (Accepted, Refused)
                    ├──▶ timeouts  ──▶ on_outcomes (InDoubt)          when no response comes within response_timeout
                    └──▶ receipts  ──▶ on_receipts ──answer not ROK──▶ again after receipts.retry_after

What it holds is bounded: attempts by ``links`` times ``window``, receipts by ``receipts.pending_max``, MO by
``mo.pending_max``. It keeps nothing across a restart: receipts that were due then are lost, as with an SMSC that
failed. Ids in receipts are the ids of the responses (``ids.receipt_form`` matters on the wire only).

With ``magic_numbers`` the recipient's number says what becomes of a message that the behaviour lets through.
"""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from random import Random
from typing import ClassVar

import trio
from attrs import define, field

from smsagg.carriers.base import CarrierEvents
from smsagg.carriers.behaviour import Behaviour, Plan
from smsagg.carriers.behaviour_settings import BehaviourSettings
from smsagg.carriers.magic_plan import plan_by_magic, reply_to
from smsagg.carriers.slots import TimeSlots
from smsagg.clock import Clock
from smsagg.config.schema import Duration, Rate
from smsagg.config.validators import above, at_least
from smsagg.model import (
    Accepted,
    CarrierMo,
    CarrierReceipt,
    Cause,
    InDoubt,
    Message,
    MessageState,
    NotSent,
    Outcome,
    Refused,
)
from smsagg.model.message import ANSWERED
from smsagg.queueing import TokenBucket
from smsagg.receipts.rules import STATE_WORDS
from smsagg.sandbox import REPLY_S, Reply, magic_of
from smsagg.smpp.status import ESME_ROK

DATA_CODING_IA5 = 1
DATA_CODING_UCS2 = 8
MO_RETRY_S = 5.0
BURST_S = 0.1
"""A link's rate lets through at once what it allows in so long."""


@define(frozen=True)
class SimulatedSettings(BehaviourSettings):
    """``[carriers.NAME]`` with ``type = "simulated"``; the other keys are those of the behaviour."""

    links: int = field(default=1, validator=at_least(1))
    window: int = field(default=100, validator=at_least(1))
    """Attempts outstanding on a link."""
    rate: Rate | None = None
    """Attempts per second that one link is offered; none: unlimited. (``throttle_above`` is what it tolerates.)"""
    response_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    """An attempt unanswered for so long is reported as in doubt."""
    magic_numbers: bool = False
    """Whether the last three digits of a number say what becomes of a message to it (:mod:`smsagg.sandbox`); latency,
    outages and ids are those of the other keys."""


@define(eq=False)
class _Attempt:
    """A message on a link, from ``send`` until its last event."""

    link: "SimulatedLink"
    message: Message
    plan: Plan
    sent_at: float
    response_at: float
    """``inf``: never, or not any more."""
    bind_number: int
    """Which bind of the link carried it: responses do not outlive a bind."""


class SimulatedLink:
    """One bind of a :class:`SimulatedCarrier`; all state changes are made by the carrier."""

    def __init__(self, carrier: "SimulatedCarrier", number: int) -> None:
        self.carrier = carrier.name
        self.name = f"{carrier.name}/{number}"
        self.outstanding: dict[_Attempt, None] = {}
        self.bound = False
        self.bind_number = 0
        self.awaits_rate = False
        self._owner = carrier
        self._window = carrier.settings.window
        rate = carrier.settings.rate
        self._bucket = TokenBucket(rate, burst=rate * BURST_S, now=-inf) if rate else None

    def set_rate(self, rate: Rate | None, now: float) -> None:
        """Go on at another rate; what the bucket holds stays."""
        if rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = TokenBucket(rate, burst=rate * BURST_S, now=now)
        elif rate != self._bucket.rate_per_s:
            self._bucket.set_rate(rate, rate * BURST_S, now)

    @property
    def is_bound(self) -> bool:
        return self.bound

    @property
    def window(self) -> int:
        return self._window

    @property
    def in_flight(self) -> int:
        return len(self.outstanding)

    def capacity(self, now: float) -> int:
        """Free window, at most the rate's tokens; 0 while unbound or draining."""
        free = self._window - len(self.outstanding) if self.bound and not self._owner.takes_nothing else 0
        return free if self._bucket is None or free <= 0 else min(free, int(self._bucket.available(now)))

    def ready_at(self, now: float) -> float:
        if not self.bound or self._owner.takes_nothing or len(self.outstanding) >= self._window:
            return inf
        return now if self._bucket is None else self._bucket.ready_at(now)

    def send(self, messages: Sequence[Message]) -> None:
        if self._bucket is not None:
            self._bucket.take(len(messages), self._owner.now())
        self._owner.take(self, messages)

    def forget(self, attempt: "_Attempt") -> bool:
        """Free the attempt's place in the window; False when it had none any more."""
        if attempt not in self.outstanding:
            return False
        del self.outstanding[attempt]
        return True


class SimulatedCarrier:
    """A carrier without a network. See :class:`~smsagg.carriers.base.Carrier` for the contract."""

    Settings = SimulatedSettings
    LIVE_KEYS: ClassVar[frozenset[str]] = frozenset({"rate", "response_timeout"})

    def __init__(
        self, name: str, settings: SimulatedSettings, events: CarrierEvents, clock: Clock, rng: Random
    ) -> None:
        self.name = name
        self.settings = settings
        self.draining = False
        self.resting = False
        self.receipts_lost = 0
        """Receipts beyond ``receipts.pending_max``, never sent."""
        self._events = events
        self._clock = clock
        self._rng = rng
        self._links = [SimulatedLink(self, number) for number in range(1, settings.links + 1)]
        self._behaviour: Behaviour | None = None
        self._outage: str | None = None
        self._responses: TimeSlots[_Attempt] = TimeSlots()
        self._timeouts: TimeSlots[_Attempt] = TimeSlots()
        self._regained: TimeSlots[SimulatedLink] = TimeSlots()
        self._early_receipts: TimeSlots[CarrierReceipt] = TimeSlots()
        self._receipts: TimeSlots[CarrierReceipt] = TimeSlots()
        self._receipts_pending = 0
        self._planned_mo: TimeSlots[CarrierMo] = TimeSlots()
        self._mo_pending = 0
        self._next_mo_at = inf
        self._wake_scope = trio.CancelScope()
        self._idle = trio.Event()

    def reconfigure(self, settings: SimulatedSettings) -> None:
        """Put settings in force that differ in :data:`LIVE_KEYS` only."""
        self.settings = settings
        for link in self._links:
            link.set_rate(settings.rate, self.now())

    @property
    def links(self) -> Sequence[SimulatedLink]:
        return self._links

    def now(self) -> float:
        """Monotonic seconds of the carrier's clock."""
        return self._clock.monotonic_s()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve what is due until cancelled; one task, no children."""
        now = self.now()
        first_id = self._clock.now_ms() * 1_000  # beyond the ids of earlier runs, below a million a second
        self._behaviour = behaviour = Behaviour(self.settings, now, first_id)
        self._next_mo_at = behaviour.next_mo_at(now, self._rng)
        self._bind_links()
        task_status.started()
        try:
            while True:
                now = self.now()
                self._follow_outages(behaviour, now)
                self._serve(behaviour, now)
                with trio.CancelScope(deadline=self._next_at(behaviour, now)) as self._wake_scope:
                    await trio.sleep_forever()
        finally:
            self._behaviour = None
            self._lose_links()

    async def drain(self) -> None:
        """Take nothing more, wait for the outcomes outstanding, unbind. May be cancelled; capacity stays 0."""
        self.draining = True
        while any(link.outstanding for link in self._links):
            if self._idle.is_set():
                self._idle = trio.Event()
            await self._idle.wait()
        for link in self._links:
            link.bound = False

    @property
    def takes_nothing(self) -> bool:
        """Draining, or resting."""
        return self.draining or self.resting

    def rest(self) -> None:
        """See :class:`~smsagg.carriers.base.RestingCarrier`."""
        self.resting = True
        self._unbind_idle()

    def wake(self) -> None:
        """Bind again, unless an outage forbids it."""
        self.resting = False
        if self._behaviour is not None and self._outage not in ("unbind", "drop"):
            self._bind_links()
        for link in self._links:
            if link.bound:
                self._events.on_capacity(link)
        self._wake_by(self.now())

    def _unbind_idle(self) -> None:
        for link in self._links:
            if not link.outstanding:
                link.bound = False

    # --- from the links ---

    def take(self, link: SimulatedLink, messages: Sequence[Message]) -> None:
        """Attempts of ``link``. A link that is unbound reports them as not sent."""
        behaviour = self._behaviour
        if behaviour is None or not link.bound:
            self._events.on_outcomes(link, [NotSent(message) for message in messages])
            return
        now = self.now()
        timeout_s = self.settings.response_timeout
        for message in messages:
            plan = self._plan(behaviour, message, now)
            after_s = plan.response_after_s
            attempt = _Attempt(link, message, plan, now, inf if after_s is None else now + after_s, link.bind_number)
            link.outstanding[attempt] = None
            if after_s is None or after_s > timeout_s:
                self._timeouts.add(now + timeout_s, attempt)
            if after_s is not None:
                self._responses.add(attempt.response_at, attempt)
            for due_s, word, error in plan.receipts:
                self._add_receipt(now, due_s, word, error, attempt)
        ready_at = link.ready_at(now)
        if now < ready_at < inf and not link.awaits_rate:
            link.awaits_rate = True
            self._regained.add(ready_at, link)
        self._wake_by(self._next_at(behaviour, now))

    def _plan(self, behaviour: Behaviour, message: Message, now: float) -> Plan:
        plan = behaviour.plan(now, self._rng)
        if not self.settings.magic_numbers or plan.command_status != ESME_ROK or plan.response_after_s is None:
            return plan
        magic = magic_of(message.destination_addr)
        if magic.reply is not None:
            self._add_reply(now + plan.response_after_s + REPLY_S, message, magic.reply)
        return plan_by_magic(plan, magic, (self._clock.now_ms() - message.not_before) / 1000)

    def _add_reply(self, at: float, message: Message, reply: Reply) -> None:
        """A word is written once, whatever parts the text came in, and nothing to what answers the handset itself; no
        code is echoed."""
        is_wanted = message.origin != ANSWERED and not message.is_secret
        is_wanted = is_wanted and (reply is Reply.ECHO or message.part_number <= 1)
        if is_wanted and self._mo_pending < self.settings.mo.pending_max:
            self._mo_pending += 1
            self._planned_mo.add(at, reply_to(message, reply))

    def _add_receipt(self, now: float, due_s: float, word: str, error: int, attempt: _Attempt) -> None:
        if self._receipts_pending >= self.settings.receipts.pending_max:
            self.receipts_lost += 1
            return
        self._receipts_pending += 1
        receipt = CarrierReceipt(
            carrier_message_id=attempt.plan.carrier_message_id,
            state=STATE_WORDS.get(word, MessageState.ENROUTE),
            error_code=error,
            cause=Cause(error) if self.settings.magic_numbers else Cause.NONE,
            done_at=self._clock.now_ms() + int(due_s * 1000),
        )
        is_early = now + due_s < attempt.response_at < inf
        (self._early_receipts if is_early else self._receipts).add(now + due_s, receipt)

    # --- what is due ---

    def _serve(self, behaviour: Behaviour, now: float) -> None:
        delivers = self._delivers
        if delivers:
            self._send_receipts(self._early_receipts.take_due(now))
        self._report(self._responses.take_due(now), self._respond)
        self._report(self._timeouts.take_due(now), self._time_out)
        if delivers:
            self._send_receipts(self._receipts.take_due(now))
            self._send_mo(behaviour, now)
        for link in self._regained.take_due(now):
            link.awaits_rate = False
            if link.bound and not self.takes_nothing:
                self._events.on_capacity(link)

    @property
    def _delivers(self) -> bool:
        """Whether there is a bind that receipts and MO can take."""
        return self._outage in (None, "refuse") and any(link.bound for link in self._links)

    def _next_at(self, behaviour: Behaviour, now: float) -> float:
        due = min(
            self._responses.next_at, self._timeouts.next_at, self._regained.next_at, behaviour.next_change_at(now)
        )
        if self._delivers:
            due = min(
                due,
                self._early_receipts.next_at,
                self._receipts.next_at,
                self._planned_mo.next_at,
                self._next_mo_at,
            )
        return due

    def _wake_by(self, due: float) -> None:
        if due < self._wake_scope.deadline:
            self._wake_scope.deadline = due

    def _report(self, attempts: Iterable[_Attempt], outcome_of: Callable[[_Attempt], Outcome | None]) -> None:
        """Outcomes to the engine, one batch a link, and capacity for each link whose window they freed."""
        by_link: dict[SimulatedLink, list[Outcome]] = {}
        for attempt in attempts:
            outcome = outcome_of(attempt)
            if outcome is not None:
                by_link.setdefault(attempt.link, []).append(outcome)
        for link, outcomes in by_link.items():
            self._events.on_outcomes(link, outcomes)
        for link in by_link:
            if link.bound and not self.takes_nothing:
                self._events.on_capacity(link)
        if by_link and not any(link.outstanding for link in self._links):
            self._idle.set()
        if by_link and self.resting:
            self._unbind_idle()

    def _respond(self, attempt: _Attempt) -> Outcome | None:
        if attempt.response_at == inf:  # the link was lost, or went silent, since it was planned
            return None
        in_time = attempt.link.forget(attempt)
        plan = attempt.plan
        if not in_time and (plan.command_status != ESME_ROK or attempt.bind_number != attempt.link.bind_number):
            return None
        if plan.command_status != ESME_ROK:
            return Refused(attempt.message, plan.command_status)
        return Accepted(attempt.message, plan.carrier_message_id)

    def _time_out(self, attempt: _Attempt) -> Outcome | None:
        return InDoubt(attempt.message, link_lost=False) if attempt.link.forget(attempt) else None

    # --- receipts and MO ---

    def _send_receipts(self, receipts: list[CarrierReceipt]) -> None:
        if receipts:
            self._events.on_receipts(self.name, receipts, self._answer_receipts)

    def _answer_receipts(self, answers: Sequence[tuple[CarrierReceipt, int]]) -> None:
        retry_at = self.now() + self.settings.receipts.retry_after
        for receipt, command_status in answers:
            if command_status == ESME_ROK:
                self._receipts_pending -= 1
            else:
                self._receipts.add(retry_at, receipt)
                self._wake_by(retry_at)

    def _send_mo(self, behaviour: Behaviour, now: float) -> None:
        messages = self._planned_mo.take_due(now)
        while self._next_mo_at <= now:
            if self._mo_pending < self.settings.mo.pending_max:
                self._mo_pending += 1
                messages.append(self._make_mo(behaviour))
            self._next_mo_at = behaviour.next_mo_at(self._next_mo_at, self._rng)
        if messages:
            self._events.on_mo(self.name, messages, self._answer_mo)

    def _make_mo(self, behaviour: Behaviour) -> CarrierMo:
        mo = behaviour.make_mo(self._rng)
        data_coding = DATA_CODING_IA5 if mo.text.isascii() else DATA_CODING_UCS2
        return CarrierMo(
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=mo.source_addr,
            dest_addr_ton=0,
            dest_addr_npi=1,
            destination_addr=mo.destination_addr,
            service_type="",
            esm_class=0,
            protocol_id=0,
            data_coding=data_coding,
            body=mo.text.encode("ascii" if data_coding == DATA_CODING_IA5 else "utf-16-be"),
            tlvs=b"",
        )

    def _answer_mo(self, answers: Sequence[tuple[CarrierMo, int]]) -> None:
        retry_at = self.now() + MO_RETRY_S
        for message, command_status in answers:
            if command_status == ESME_ROK:
                self._mo_pending -= 1
            else:
                self._planned_mo.add(retry_at, message)
                self._wake_by(retry_at)

    # --- links and outages ---

    def _follow_outages(self, behaviour: Behaviour, now: float) -> None:
        outage = behaviour.outage(now)
        if outage == self._outage:
            return
        self._outage = outage
        if outage in ("unbind", "drop"):
            self._lose_links()
        elif outage == "silent":
            self._fall_silent()
        elif not self.draining:
            self._next_mo_at = behaviour.next_mo_at(now, self._rng)
            self._bind_links()

    def _bind_links(self) -> None:
        if self.resting:
            return
        for link in self._links:
            if not link.bound:
                link.bound = True
                link.bind_number += 1
                self._events.on_capacity(link)

    def _lose_links(self) -> None:
        for link in self._links:
            link.bound = False
            attempts = list(link.outstanding)
            link.outstanding.clear()
            for attempt in attempts:
                attempt.response_at = inf
            if attempts:
                self._events.on_outcomes(link, [InDoubt(attempt.message, link_lost=True) for attempt in attempts])
        self._idle.set()

    def _fall_silent(self) -> None:
        """Nothing outstanding will be answered: its timeouts remain."""
        for link in self._links:
            for attempt in link.outstanding:
                if attempt.response_at < inf:
                    attempt.response_at = inf
                    self._timeouts.add(attempt.sent_at + self.settings.response_timeout, attempt)
