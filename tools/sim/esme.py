"""A session of a simulated customer: submits, asks, and answers receipts and handsets' texts in its way."""

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from tools.chaos.history import Reply
from tools.chaos.wire import (
    ESM_CLASS_RECEIPT,
    ESME_ROK,
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    RESP,
    SUBMIT_SM,
    Pdu,
    ShortMessage,
    message_id_of,
    pdu,
    stat_of,
)
from tools.sim import requests, user_data
from tools.sim import wire as smpp
from tools.sim.log import UNANSWERED, Cancel, Query, Receipt, Replace, Sent
from tools.sim.network import Wire, Written
from tools.sim.scenario import PASSWORD, SOURCE, PlannedSubmit
from tools.sim.texts import digits_of, handset_texts_in, long_text, text_of
from tools.sim.window_watch import Place, WindowWatch

if TYPE_CHECKING:
    from tools.sim.customer import EsmeBind

ENQUIRY_MAX_S = 1.0
"""An enquire_link is answered so soon, network aside, whatever else goes on."""
STATES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
SUBMITS = (SUBMIT_SM | RESP, smpp.SUBMIT_MULTI | RESP, smpp.DATA_SM | RESP)


class EsmeSession(smpp.SmppPeer):
    """One connection of a customer."""

    def __init__(self, bind: "EsmeBind", wire: Wire) -> None:
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
        password = PASSWORD if not customer.failed_binds else "wrong"
        customer.failed_binds -= bool(customer.failed_binds)
        self.send(smpp.bind(bind.command_id, number, customer.account, password, customer.plan.version))

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
        for planned in batch:
            submit = self._sent(planned)
            customer.log.history.submits.append(submit)
            number = self.next_number()
            self.outstanding[number] = ("submit", submit)
            pdus.append(_octets_of(number, submit))
            self._note(planned.nonce, f"submitted to {', '.join(planned.destinations)}")
        self.submits_outstanding += len(batch)
        self.send(b"".join(pdus))

    def cancel(self, submit: Sent) -> None:
        cancel = self._cancel(submit)
        self._note(submit.nonce, f"cancel_sm {submit.message_id}")
        self._ask("cancel", cancel, lambda number: smpp.cancel_sm(number, submit.message_id, SOURCE, ""))

    def cancel_by_addresses(self, submit: Sent) -> None:
        """Everything that waits from our source to its first destination."""
        cancel = self._cancel(submit)
        cancel.is_by_addresses = True
        destination = submit.planned.destinations[0]
        self._note(submit.nonce, f"cancel_sm to {destination}")
        self._ask("cancel", cancel, lambda number: smpp.cancel_sm(number, "", SOURCE, destination))

    def _cancel(self, submit: Sent) -> Cancel:
        cancel = Cancel(submit, self.customer.account, self.customer.agenda.now)
        self.customer.log.cancels.append(cancel)
        return cancel

    def query(self, submit: Sent) -> None:
        query = Query(submit, self.customer.account, self.customer.agenda.now)
        self.customer.log.queries.append(query)
        self._note(submit.nonce, f"query_sm {submit.message_id}")
        self._ask("query", query, lambda number: smpp.query_sm(number, submit.message_id, SOURCE))

    def replace(self, submit: Sent) -> None:
        version = 1 + sum(replace.submit is submit for replace in self.customer.log.replaces)
        text = text_of(submit.nonce, version)
        replace = Replace(submit, self.customer.account, text, self.customer.agenda.now)
        self.customer.log.replaces.append(replace)
        submit.may_be_replaced = True
        self._note(submit.nonce, f"replace_sm {submit.message_id} by {text.decode()}")
        self._ask(
            "replace",
            replace,
            lambda number: requests.replace_sm(number, submit.message_id, SOURCE, submit.registered_delivery, text),
        )

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
            self._deliver(command_id, number, ShortMessage(body), written)
        elif command_id == smpp.DATA_SM:
            self._deliver(command_id, number, smpp.data_as_short(body), written)
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
                self.customer.on_answered(context)
        self.is_bound = False
        self.bind.again()

    # --- the rest ---

    def _sent(self, planned: PlannedSubmit) -> Sent:
        customer = self.customer
        return Sent(
            planned.nonce,
            customer.account,
            self.number,
            customer.agenda.now,
            planned.registered_delivery,
            at_most_once=customer.plan.at_most_once,
            planned=planned,
            text=text_of(planned.nonce) if not planned.octets else long_text(planned.nonce, planned.octets),
            reference=reference_of(planned) if customer.plan.version >= 0x34 else None,
        )

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
            assert command_id in SUBMITS
            self._submitted(context, status, body)
        elif kind == "cancel":
            context.command_status, context.answered_at = status, now
            self._note(context.submit.nonce, f"cancel_sm_resp {status:#x}")
            if status == ESME_ROK:
                customer.rules.on_cancelled(context)
        elif kind == "replace":
            context.command_status, context.answered_at = status, now
            self._note(context.submit.nonce, f"replace_sm_resp {status:#x}")
            if status == ESME_ROK:
                customer.rules.on_replaced(context)
        elif kind == "query":
            context.command_status = status
            if status == ESME_ROK:
                context.message_id, context.state = smpp.queried_state(body)
            self._note(context.submit.nonce, f"query_sm_resp {status:#x} state {context.state}")
        elif kind == "unbind":
            self.wire.close()

    def _submitted(self, submit: Sent, status: int, body: bytes) -> None:
        customer = self.customer
        self.submits_outstanding -= 1
        submit.answered_at = customer.agenda.now
        submit.command_status = status
        if status == ESME_ROK:
            submit.reply, submit.message_id = Reply.OK, message_id_of(body)
            if len(submit.planned.destinations) > 1:
                submit.untaken = tuple(digits_of(address) for address, _ in requests.unsuccessful(body))
            customer.rules.on_acknowledged(submit)
            customer.acknowledged(submit)
        else:
            submit.reply = Reply.FAIL
        self._note(submit.nonce, f"answered {status:#x} {submit.message_id}")
        customer.on_answered(submit)
        customer.pump()

    def _deliver(self, command_id: int, number: int, message: ShortMessage, written: Written) -> None:
        customer = self.customer
        if self.bind.command_id == smpp.BIND_TRANSMITTER:
            customer.log.broke("S17 answers", self.bind.name, "deliver_sm to a transmitter")
        receipt = None
        body = message.tlvs.get(smpp.MESSAGE_PAYLOAD) or message.short_message.encode("latin-1")
        if message.esm_class & ~user_data.UDHI:
            receipt = self._receipt(message, body.decode("latin-1"), written)
        else:
            self._handset_message(user_data.read(message.esm_class, body, message.tlvs))
        if self._window.exceeded_by(place := self._window.take(written)):
            customer.log.broke("S16 window", self.bind.name, "more deliver_sm outstanding than the window")
        status = self._answer()
        if status is not None:
            delay_s = customer.rng.uniform(*customer.plan.answer_s)
            customer.agenda.after(delay_s, partial(self._answer_deliver, command_id, number, status, receipt, place))

    def _receipt(self, message: ShortMessage, text: str, written: Written) -> Receipt:
        customer = self.customer
        message_id, state = text.partition("id:")[2].partition(" ")[0], STATES[stat_of(text)]
        if customer.plan.version >= 0x34:  # older peers know no TLVs
            said = message.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode(), message.tlvs[MESSAGE_STATE][0]
            if said != (message_id, state):
                customer.log.broke("S5 one final state", message_id, f"a receipt's TLVs say {said}, its text {text}")
        receipt = Receipt(
            customer.agenda.now,
            customer.account,
            self.number,
            message_id,
            state,
            text,
            UNANSWERED,
            digits_of(message.source),
            written=written,
            wire=self.wire,
            response_timeout_s=customer.rules.deliver_timeout_s,
        )
        if message.esm_class == ESM_CLASS_RECEIPT:
            customer.log.history.client_receipts.append(receipt)
        else:
            customer.log.intermediates.append(receipt)
        self._note(message_id, f"deliver_sm esm_class {message.esm_class:#x} state {state}")
        return receipt

    def _handset_message(self, data: user_data.UserData) -> None:
        customer = self.customer
        texts = handset_texts_in(data.text.decode("latin-1"))
        for text in texts:
            customer.log.mo[text].accounts.append(customer.account)
            self._note(text, f"deliver_sm, of {len(texts)} parts")
        if len(texts) > 1:
            self._check_whole(texts)

    def _check_whole(self, texts: list[str]) -> None:
        log = self.customer.log
        for place, text in enumerate(texts, 1):
            part = log.mo[text].part
            log.mo[text].wholes += 1
            if part is None or (part.number, part.total) != (place, len(texts)):
                log.broke("S18 fidelity", text, f"came in one with {texts}")

    def _answer(self) -> int | None:
        plan, draw = self.customer.plan, self.customer.rng.random()
        if self.customer.is_calm or draw >= plan.again + plan.never + plan.refused:
            return ESME_ROK
        if draw < plan.again:
            return smpp.ESME_RX_T_APPN
        return None if draw < plan.again + plan.never else smpp.ESME_RX_R_APPN

    def _answer_deliver(self, command_id: int, number: int, status: int, receipt: Receipt | None, place: Place) -> None:
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
        self.send(pdu(command_id | RESP, number, b"\0", status), on_read)

    def _note(self, subject: str, what: str) -> None:
        self.customer.trace.add(self.bind.name, subject, what)


def _octets_of(number: int, submit: Sent) -> bytes:
    planned, validity_s = submit.planned, submit.planned.delay_s + submit.planned.validity_s
    is_time_to_live = validity_s < inf and (planned.is_time_to_live or planned.is_data_sm)
    header, tlvs = b"", {}
    if submit.reference is not None:
        tlvs[smpp.USER_MESSAGE_REFERENCE] = submit.reference.to_bytes(2)
    if planned.part is not None:
        header = user_data.header_of(planned.part)
        tlvs |= user_data.tlvs_of(planned.part)
    text = requests.Text(
        SOURCE,
        planned.destinations,
        header + submit.text,
        planned.registered_delivery,
        user_data.UDHI if header else 0,
        planned.priority,
        smpp.relative_time(planned.delay_s) if planned.delay_s else "",
        smpp.relative_time(int(validity_s)) if validity_s < inf and not is_time_to_live else "",
        int(validity_s) if is_time_to_live else 0,
        planned.replaces,
        planned.in_payload,
        tlvs,
    )
    if len(planned.destinations) > 1:
        return requests.submit_multi(number, text)
    return requests.data_sm(number, text) if planned.is_data_sm else requests.submit_sm(number, text)


def reference_of(planned: PlannedSubmit) -> int:
    """A user_message_reference that belongs to this text; the same for all parts of one."""
    name = planned.nonce.rpartition("p")[0] if planned.part is not None else planned.nonce
    return sum(name.encode()) * 31 % 65_521
