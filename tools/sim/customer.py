"""A simulated customer: keeps its binds, submits what is planned, answers receipts in its way, queries and cancels."""

from collections import deque
from functools import partial
from math import inf
from random import Random
from typing import Any

from tools.chaos.history import Reply, Submit
from tools.chaos.wire import (
    ESME_ROK,
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    RESP,
    SUBMIT_SM,
    Pdu,
    ShortMessage,
    message_id_of,
    pdu,
)
from tools.sim import wire as smpp
from tools.sim.agenda import Agenda
from tools.sim.log import UNANSWERED, Cancel, Log, Mo, Query, Receipt
from tools.sim.network import Wire, Written
from tools.sim.ports import Door, Rules
from tools.sim.scenario import PASSWORD, CustomerPlan, PlannedSubmit
from tools.sim.trace import Trace
from tools.sim.window_watch import Place, WindowWatch

SOURCE = "ACME"
RETRY_S = (0.1, 0.4)
"""Between the end of a session and the next try to connect."""
ENQUIRY_MAX_S = 1.0
"""An enquire_link is answered so soon, network aside, whatever else goes on."""
PROBES_MAX = 40
ESM_CLASS_RECEIPT = 0x04


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
        self._due_now(PlannedSubmit(0.0, nonce, destination, 1, validity_s=30.0))

    def on_answered(self, submit: Submit) -> None:
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

    def acknowledged(self, submit: Submit, planned: PlannedSubmit) -> None:
        """Do later what is planned about it."""
        if planned.cancel_after_s is not None:
            self.agenda.after(planned.cancel_after_s, partial(self._cancel, submit))
        if planned.query_after_s is not None:
            self.agenda.after(planned.query_after_s, partial(self._query, submit))

    def _cancel(self, submit: Submit) -> None:
        session = self.any_session()
        if session is not None:
            submit.is_cancelled = True
            session.cancel(submit)

    def _query(self, submit: Submit) -> None:
        asker = self.rng.choice(self.rules.customers) if self.rng.random() < 0.3 else self
        session = asker.any_session()
        if session is not None:
            session.query(submit)
            if asker is not self:
                session.cancel(submit)


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


class EsmeSession(smpp.SmppPeer):
    """One connection of a customer."""

    def __init__(self, bind: EsmeBind, wire: Wire) -> None:
        super().__init__(wire)
        self.bind = bind
        self.customer = customer = bind.customer
        self.number = customer.door.next_session()
        self.is_bound = False
        self.is_ending = False
        """It has unbound, or will with its next step: nothing new is asked."""
        self.outstanding: dict[int, tuple[str, Any]] = {}
        self.submits_outstanding = 0
        self._window = WindowWatch(customer.rules.deliver_window, customer.rules.deliver_timeout_s)
        number = self.next_number()
        self.outstanding[number] = ("bind", None)
        self.send(smpp.bind(bind.command_id, number, customer.account, PASSWORD))

    @property
    def may_submit(self) -> bool:
        return self.is_bound and not self.is_ending and self.bind.command_id != smpp.BIND_RECEIVER

    @property
    def is_idle(self) -> bool:
        """Bound, and waiting for no answer but to a keep-alive."""
        return self.is_bound and all(kind == "enquiry" for kind, _ in self.outstanding.values())

    # --- what it asks ---

    def submit(self, batch: list[PlannedSubmit]) -> None:
        customer, pdus = self.customer, []
        now = customer.agenda.now
        for planned in batch:
            submit = Submit(
                planned.nonce,
                customer.account,
                self.number,
                now,
                planned.registered_delivery,
                at_most_once=customer.plan.at_most_once,
            )
            customer.log.history.submits.append(submit)
            number = self.next_number()
            self.outstanding[number] = ("submit", (submit, planned))
            validity = planned.delay_s + planned.validity_s
            pdus.append(
                smpp.submit_sm(
                    number,
                    SOURCE,
                    planned.destination,
                    planned.nonce,
                    planned.registered_delivery,
                    smpp.relative_time(int(validity)) if validity < inf else "",
                    smpp.relative_time(planned.delay_s) if planned.delay_s else "",
                    planned.priority,
                    reference_of(planned.nonce),
                    planned.in_payload,
                )
            )
            self._note(planned.nonce, f"submit_sm to {planned.destination}")
        self.submits_outstanding += len(batch)
        self.send(b"".join(pdus))

    def cancel(self, submit: Submit) -> None:
        cancel = Cancel(submit, self.customer.account, self.customer.agenda.now)
        self.customer.log.cancels.append(cancel)
        self._note(submit.nonce, f"cancel_sm {submit.message_id}")
        self._ask("cancel", cancel, lambda number: smpp.cancel_sm(number, submit.message_id, SOURCE, ""))

    def query(self, submit: Submit) -> None:
        query = Query(submit, self.customer.account, self.customer.agenda.now)
        self.customer.log.queries.append(query)
        self._note(submit.nonce, f"query_sm {submit.message_id}")
        self._ask("query", query, lambda number: smpp.query_sm(number, submit.message_id, SOURCE))

    def enquire(self) -> None:
        """See whether the gateway answers soon, and go on doing so."""
        if self.is_over or self.is_ending:
            return
        number = self._ask("enquiry", None, lambda number: pdu(smpp.ENQUIRE_LINK, number))
        at = self.customer.agenda.now
        self.customer.agenda.after(
            ENQUIRY_MAX_S + self.customer.rules.network_delay_s(), partial(self._check_enquiry, number, at)
        )
        self.customer.agenda.after(self.customer.rng.uniform(0.5, 3.0), self.enquire)

    def unbind(self) -> None:
        if self.is_bound and not self.is_ending:
            self.is_ending = True
            self._note("", "unbind")
            self._ask("unbind", None, lambda number: pdu(smpp.UNBIND, number))

    # --- SmppPeer ---

    def on_pdu(self, received: Pdu, written: Written) -> None:
        command_id, status, number, body = received
        if command_id == smpp.DELIVER_SM:
            self._deliver(number, body, written)
        elif command_id == smpp.ENQUIRE_LINK:
            self.send(pdu(smpp.ENQUIRE_LINK | RESP, number))
        elif command_id == smpp.UNBIND:
            self.is_ending = True
            self.send(pdu(smpp.UNBIND | RESP, number))
            self.wire.close()
        elif number in self.outstanding:
            self._response(command_id, status, number, body)
        else:
            self.customer.log.broke("S17 answers", self.bind.name, f"{smpp.name_of(command_id)} that nobody asked for")

    def on_closed(self) -> None:
        self._note("", "session over")
        for kind, context in self.outstanding.values():
            if kind == "submit":
                self.customer.on_answered(context[0])
        self.is_bound = False
        self.bind.again()

    # --- the rest ---

    def _ask(self, kind: str, context: object, make: Any) -> int:
        number = self.next_number()
        self.outstanding[number] = (kind, context)
        self.send(make(number))
        return number

    def _check_enquiry(self, number: int, asked_at: float) -> None:
        if number not in self.outstanding or self.is_over or self.is_ending or self.wire.is_disturbed:
            return
        if self.customer.rules.weather.slow_until < asked_at:
            self.customer.log.broke("L5 enquire_link", self.bind.name, f"number {number} was not answered in time")

    def _response(self, command_id: int, status: int, number: int, body: bytes) -> None:
        kind, context = self.outstanding.pop(number)
        customer = self.customer
        now = customer.agenda.now
        if kind == "bind":
            if status != ESME_ROK:
                self._note("", f"bind refused with {status:#x}")
                self.wire.close()
                return
            self.is_bound = True
            self._note("", "bound")
            customer.agenda.after(customer.rng.uniform(0.5, 3.0), self.enquire)
            customer.pump()
        elif kind == "submit":
            assert command_id == SUBMIT_SM | RESP
            submit, planned = context
            self.submits_outstanding -= 1
            submit.answered_at = now
            submit.command_status = status
            if status == ESME_ROK:
                submit.reply, submit.message_id = Reply.OK, message_id_of(body)
                customer.rules.on_acknowledged(submit)
                customer.acknowledged(submit, planned)
            else:
                submit.reply = Reply.FAIL
            self._note(submit.nonce, f"submit_sm_resp {status:#x} {submit.message_id}")
            customer.on_answered(submit)
            customer.pump()
        elif kind == "cancel":
            context.command_status, context.answered_at = status, now
            self._note(context.submit.nonce, f"cancel_sm_resp {status:#x}")
            if status == ESME_ROK:
                customer.rules.on_cancelled(context)
        elif kind == "query":
            context.command_status = status
            if status == ESME_ROK:
                context.message_id, context.state = smpp.queried_state(body)
            self._note(context.submit.nonce, f"query_sm_resp {status:#x} state {context.state}")
        elif kind == "unbind":
            self.wire.close()

    def _deliver(self, number: int, body: bytes, written: Written) -> None:
        customer, history = self.customer, self.customer.log.history
        if self.bind.command_id == smpp.BIND_TRANSMITTER:
            customer.log.broke("S17 answers", self.bind.name, "deliver_sm to a transmitter")
        message = ShortMessage(body)
        receipt = None
        if message.esm_class:
            receipt = Receipt(
                customer.agenda.now,
                customer.account,
                self.number,
                message.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode(),
                message.tlvs[MESSAGE_STATE][0],
                message.short_message,
                UNANSWERED,
                written=written,
                wire=self.wire,
                response_timeout_s=customer.rules.deliver_timeout_s,
            )
            if message.esm_class == ESM_CLASS_RECEIPT:
                history.client_receipts.append(receipt)
            else:
                customer.log.intermediates.append(receipt)
            self._note(receipt.message_id, f"deliver_sm esm_class {message.esm_class:#x} state {receipt.state}")
        else:
            mo = customer.log.mo.setdefault(message.short_message, Mo(message.short_message, message.destination))
            mo.accounts.append(customer.account)
            self._note(message.short_message, "deliver_sm")
        if self._window.exceeded_by(place := self._window.take(written)):
            customer.log.broke("S16 window", self.bind.name, "more deliver_sm outstanding than the window")
        status = self._answer()
        if status is not None:
            delay_s = customer.rng.uniform(*customer.plan.answer_s)
            customer.agenda.after(delay_s, partial(self._answer_deliver, number, status, receipt, place))

    def _answer(self) -> int | None:
        plan, draw = self.customer.plan, self.customer.rng.random()
        if self.customer.is_calm or draw >= plan.again + plan.never + plan.refused:
            return ESME_ROK
        if draw < plan.again:
            return smpp.ESME_RX_T_APPN
        return None if draw < plan.again + plan.never else smpp.ESME_RX_R_APPN

    def _answer_deliver(self, number: int, status: int, receipt: Receipt | None, place: Place) -> None:
        if self.is_over:
            return

        def on_read() -> None:
            place.freed_at = self.customer.agenda.now
            if receipt is not None:
                receipt.read_at = place.freed_at
            self.customer.rules.on_read("deliver_sm_resp")

        if receipt is not None:
            receipt.answer = status
            self._note(receipt.message_id, f"deliver_sm_resp {status:#x}")
        self.send(pdu(smpp.DELIVER_SM | RESP, number, b"\0", status), on_read)

    def _note(self, subject: str, what: str) -> None:
        self.customer.trace.add(self.bind.name, subject, what)


def reference_of(nonce: str) -> int:
    """A user_message_reference that belongs to this text."""
    return sum(nonce.encode()) * 31 % 65_521
