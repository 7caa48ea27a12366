"""A simulated customer: keeps its binds, has them submit what is planned, and asks for more about it later."""

from collections import deque
from functools import partial
from random import Random

from tools.chaos.history import Reply
from tools.sim.agenda import Agenda
from tools.sim.esme import EsmeSession
from tools.sim.log import Log, Sent
from tools.sim.ports import Door, Rules
from tools.sim.scenario import CustomerPlan, PlannedSubmit
from tools.sim.trace import Trace

RETRY_S = (0.1, 0.4)
"""Between the end of a session and the next try to connect."""
PROBES_MAX = 40
OTHERS_ASK = 0.3
"""Share of questions that come from somebody else, who must not be heard."""


class Customer:
    """One account's systems."""

    def __init__(
        self, plan: CustomerPlan, agenda: Agenda, rng: Random, trace: Trace, log: Log, door: Door, rules: Rules
    ) -> None:
        self.plan = plan
        self.account = plan.account
        self.agenda = agenda
        self.rng = rng
        self.trace = trace
        self.log = log
        self.door = door
        self.rules = rules
        self.binds = [EsmeBind(self, command_id, f"{plan.account}/{n}") for n, command_id in enumerate(plan.binds, 1)]
        self.waiting = deque[PlannedSubmit]()
        """Due, and no bind could take it yet."""
        self.planned = len(plan.messages)
        """Messages not yet due."""
        self.is_calm = False
        """After the faults: every receipt is taken."""
        self.failed_binds = plan.failed_binds
        """Binds still to come with a wrong password."""
        self._probing = False

    def start(self) -> None:
        for bind in self.binds:
            self.agenda.after(self.rng.uniform(0, 0.1), bind.connect)
        for message in self.plan.messages:
            self.agenda.at(message.at, partial(self._due, message))

    @property
    def is_idle(self) -> bool:
        """Everything planned was submitted and answered, and every bind is bound."""
        return (
            not self.planned
            and not self.waiting
            and not self._probing
            and all(bind.session is not None and bind.session.is_idle for bind in self.binds)
        )

    def probe(self, number: int = 1) -> None:
        """Show that new messages are taken again."""
        self._probing = True
        nonce = f"{self.account}-probe{number}"
        self.log.probes.setdefault(self.account, []).append(nonce)
        destination = self.rules.probe_destination
        self._due_now(PlannedSubmit(0.0, nonce, (destination,), 1, validity_s=30.0))

    def on_answered(self, submit: Sent) -> None:
        """A submit was answered or lost."""
        if not self._probing or not submit.nonce.startswith(f"{self.account}-probe"):
            return
        number = len(self.log.probes[self.account])
        if submit.reply is Reply.OK or number >= PROBES_MAX:
            self._probing = False
        else:
            self.agenda.after(0.7, partial(self.probe, number + 1))

    def pump(self) -> None:
        """Submit what waits, as far as windows allow; what can go out together does."""
        for bind in self.binds:
            session = bind.session
            if session is None or not session.may_submit:
                continue
            batch: list[PlannedSubmit] = []
            while self.waiting and session.submits_outstanding + len(batch) < self.plan.window:
                batch.append(self.waiting.popleft())
            if batch:
                session.submit(batch)

    def any_session(self) -> "EsmeSession | None":
        """One that may query and cancel."""
        sessions = [bind.session for bind in self.binds if bind.session is not None and bind.session.may_submit]
        return self.rng.choice(sessions) if sessions else None

    def _due(self, message: PlannedSubmit) -> None:
        self.planned -= 1
        self._due_now(message)

    def _due_now(self, message: PlannedSubmit) -> None:
        self.waiting.append(message)
        self.agenda.after(0.0, self.pump)  # what is due at the same instant goes out in one write

    def acknowledged(self, submit: Sent) -> None:
        """Do later what is planned about it."""
        planned, after = submit.planned, self.agenda.after
        if planned.cancel_after_s is not None:
            after(planned.cancel_after_s, partial(self._cancel, submit))
        if planned.query_after_s is not None:
            after(planned.query_after_s, partial(self._query, submit))
        if planned.replace_after_s is not None:
            after(planned.replace_after_s, partial(self._replace, submit))

    def _cancel(self, submit: Sent) -> None:
        session = self.any_session()
        if session is not None:
            submit.is_cancelled = True
            if submit.planned.is_cancelled_by_addresses:
                session.cancel_by_addresses(submit)
            else:
                session.cancel(submit)

    def _query(self, submit: Sent) -> None:
        asker = self._asker()
        session = asker.any_session()
        if session is not None:
            session.query(submit)
            if asker is not self:
                session.cancel(submit)

    def _replace(self, submit: Sent) -> None:
        asker = self._asker()
        session = asker.any_session()
        if session is not None:
            session.replace(submit)

    def _asker(self) -> "Customer":
        return self.rng.choice(self.rules.customers) if self.rng.random() < OTHERS_ASK else self


class EsmeBind:
    """One bind that is made again whenever its session ends."""

    def __init__(self, customer: Customer, command_id: int, name: str) -> None:
        self.customer = customer
        self.command_id = command_id
        self.name = name
        self.session: EsmeSession | None = None

    def connect(self) -> None:
        """Open a session; when nobody listens, try again."""
        wire = self.customer.door.connect(self.name)
        if wire is None:
            self.again()
        else:
            self.session = EsmeSession(self, wire)

    def again(self) -> None:
        self.session = None
        self.customer.agenda.after(self.customer.rng.uniform(*RETRY_S), self.connect)
