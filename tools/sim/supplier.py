"""A simulated SMSC: takes submits in its moods, reports what became of them, keeps receipts until they are taken."""

from collections import deque
from functools import partial
from random import Random

from attrs import define, field

from smsagg.config.schema import CarrierSettings
from tools.chaos.checker import FINAL
from tools.chaos.history import CarrierReceipt
from tools.chaos.wire import ESME_ROK, RESP, SUBMIT_SM, Pdu, ShortMessage, pdu, receipt
from tools.sim import user_data
from tools.sim import wire as smpp
from tools.sim.agenda import Agenda
from tools.sim.log import Attempt, Log, Mo
from tools.sim.network import Wire, Written
from tools.sim.ports import Rules
from tools.sim.scenario import PlannedMo, SupplierPlan
from tools.sim.texts import handset_texts_in
from tools.sim.trace import Trace
from tools.sim.user_data import Part
from tools.sim.window_watch import Place, WindowWatch

WORDS = {1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 5: "UNDELIV", 8: "REJECTD"}
ANSWER_MAX_S = 5.0
"""A deliver_sm that has no answer by then is sent again."""
AGAIN_S = (0.3, 1.0)
HANDSET = "447700900999"
FIRST_UNKNOWN = 9_000_000
"""Receipts for nobody carry ids from here on."""


@define(eq=False)
class Report:
    """A deliver_sm that the SMSC owes the gateway until it was answered ESME_ROK."""

    carrier_message_id: str
    """As the gateway writes it; ``""`` for MO."""
    state: int
    destination: str
    mo: Mo | None = None
    body: bytes = b""
    """Of MO."""
    esm_class: int = 0
    tlvs: dict[int, bytes] = field(factory=dict)
    tries: int = 0


class Supplier:
    """One SMSC and all its sessions."""

    def __init__(
        self,
        name: str,
        plan: SupplierPlan,
        settings: CarrierSettings,
        agenda: Agenda,
        rng: Random,
        trace: Trace,
        log: Log,
        rules: Rules,
    ) -> None:
        self.name = name
        self.plan = plan
        self.settings = settings.settings
        self.agenda = agenda
        self.rng = rng
        self.trace = trace
        self.log = log
        self.rules = rules
        self.sessions: list[SmscSession] = []
        self.reports = deque[Report]()
        """Owed, and not on their way."""
        self.is_listening = True
        self.is_silent = False
        """It reads, and neither takes nor answers."""
        self.bind_mood = ""
        """``refuse``: no bind is taken; ``mute``: none is answered."""
        self.refuses_with = 0
        """Every submit_sm gets this, unless 0."""
        self.is_calm = False
        """After the faults: nothing odd any more."""
        self._last_id = 0
        self._last_unknown = FIRST_UNKNOWN

    def start(self) -> None:
        for planned in self.plan.mo:
            for place in range(len(planned.texts)):
                self.agenda.at(planned.at[place], partial(self._send_mo, planned, place))

    def accept(self, wire: Wire) -> None:
        self.sessions.append(SmscSession(self, wire))

    def take_id(self) -> str:
        """The next id, the same numbers at every SMSC."""
        self._last_id += 1
        if self.plan.zero_ids:
            number, zeros = divmod(self._last_id + 2, 3)
            return "0" * zeros + str(number)
        return str(self._last_id)

    def owe(self, report: Report) -> None:
        self.reports.append(report)
        self.pump()

    def pump(self) -> None:
        """Send what is owed to sessions that have room."""
        while self.reports:
            free = [session for session in self.sessions if session.may_report]
            if not free:
                return
            self.rng.choice(free).report(self.reports.popleft())

    def again(self, report: Report) -> None:
        """Not taken: later once more."""
        report.tries += 1
        self.agenda.after(self.rng.uniform(*AGAIN_S), partial(self.owe, report))

    def plan_receipts(self, carrier_message_id: str, destination: str, response_s: float) -> None:
        """What follows a submit_sm that was taken ``response_s`` before its response."""
        plan, rng, after = self.plan, self.rng, self.agenda.after
        state = rng.choices([state for state, _ in plan.states], [share for _, share in plan.states])[0]
        report = Report(carrier_message_id, state, destination)
        due_s = response_s + rng.uniform(*plan.receipt_s)
        if not self.is_calm:
            if rng.random() < plan.receipt_missing:
                return
            if rng.random() < plan.receipt_early:
                due_s = response_s * rng.random()
            if rng.random() < plan.receipt_doubled:
                after(due_s + rng.uniform(0, 0.5), partial(self.owe, Report(carrier_message_id, state, destination)))
            if rng.random() < plan.receipt_out_of_order:
                after(due_s * rng.uniform(0, 2), partial(self.owe, Report(carrier_message_id, 1, destination)))
            if rng.random() < plan.receipt_contradicted:
                other = 5 if state == 2 else 2
                after(due_s + rng.uniform(0.1, 1), partial(self.owe, Report(carrier_message_id, other, destination)))
            if rng.random() < plan.receipt_unknown:
                self._last_unknown += 1
                after(due_s, partial(self.owe, Report(str(self._last_unknown), state, destination)))
        after(due_s, partial(self.owe, report))

    def note(self, subject: str, what: str) -> None:
        self.trace.add(self.name, subject, what)

    def _send_mo(self, planned: PlannedMo, place: int) -> None:
        octets, total = planned.texts[place].encode(), len(planned.texts)
        text = handset_texts_in(planned.texts[place])[0]
        keyword = planned.texts[0].partition(" ")[0]
        if total == 1:
            part, header = None, b""
        else:
            part = Part(planned.reference, total, place + 1, planned.form)
            header = user_data.header_of(part)
        mo = self.log.mo[text] = Mo(text, planned.number, self.name, part, keyword)
        tlvs = user_data.tlvs_of(part) if part is not None else {}
        self.owe(Report("", 0, planned.number, mo, header + octets, user_data.UDHI if header else 0, tlvs))


class SmscSession(smpp.SmppPeer):
    """One bind of the gateway."""

    def __init__(self, supplier: Supplier, wire: Wire) -> None:
        super().__init__(wire)
        self.supplier = supplier
        self.bound_as: int | None = None
        self.is_ending = False
        self._outstanding: dict[int, Report] = {}
        self._window = WindowWatch(supplier.settings.window, supplier.plan.response_timeout_s)

    @property
    def may_report(self) -> bool:
        return (
            self.bound_as in (smpp.BIND_RECEIVER, smpp.BIND_TRANSCEIVER)
            and not self.is_ending
            and not self.supplier.is_silent
            and len(self._outstanding) < self.supplier.plan.deliver_window
        )

    def unbind(self) -> None:
        """Say good-bye; from now on nothing is taken or answered."""
        if self.bound_as is not None and not self.is_ending:
            self.is_ending = True
            self.supplier.note("", "unbind")
            self.send(pdu(smpp.UNBIND, self.next_number()))
            self.supplier.agenda.after(1.0, self.wire.close)

    def report(self, report: Report) -> None:
        """Send one deliver_sm."""
        supplier = self.supplier
        number = self.next_number()
        self._outstanding[number] = report
        if report.mo is not None:
            octets = smpp.deliver_mo(number, HANDSET, report.destination, report.body, report.esm_class, report.tlvs)
            supplier.note(report.mo.text, "deliver_sm")
        else:
            word = WORDS[report.state]
            octets = receipt(number, report.destination, "ACME", report.carrier_message_id, word, report.state)
            supplier.log.history.carrier_receipts.append(
                CarrierReceipt(supplier.agenda.now, supplier.name, report.carrier_message_id, report.state)
            )
            supplier.note(f"{supplier.name}:{report.carrier_message_id}", f"deliver_sm {word}")
        if supplier.plan.is_data_sm:
            octets = smpp.as_data_sm(octets)
        self.send(octets, partial(supplier.rules.on_read, "deliver_sm"))
        supplier.agenda.after(ANSWER_MAX_S, partial(self._overdue, number))

    # --- SmppPeer ---

    def on_pdu(self, received: Pdu, written: Written) -> None:
        command_id, status, number, body = received
        supplier = self.supplier
        if self.is_ending:
            if command_id == smpp.UNBIND | RESP:
                self.wire.close()
        elif supplier.is_silent:
            return
        elif command_id == SUBMIT_SM:
            self._submit(number, ShortMessage(body), written)
        elif command_id in (smpp.DELIVER_SM | RESP, smpp.DATA_SM | RESP):
            self._answered(number, status)
        elif command_id == smpp.ENQUIRE_LINK:
            self.send(pdu(smpp.ENQUIRE_LINK | RESP, number))
        elif command_id == smpp.UNBIND:
            self.is_ending = True
            self.send(pdu(smpp.UNBIND | RESP, number))
            supplier.agenda.after(0.1, self.wire.close)
        elif command_id in (smpp.BIND_RECEIVER, smpp.BIND_TRANSMITTER, smpp.BIND_TRANSCEIVER):
            if supplier.bind_mood == "mute":
                return
            if supplier.bind_mood == "refuse":
                self.send(smpp.bind_resp(command_id, number, smpp.ESME_RBINDFAIL))
                return
            self.bound_as = command_id
            self.send(smpp.bind_resp(command_id, number))
            supplier.note("", f"{smpp.name_of(command_id)}")
            supplier.agenda.after(0.05, supplier.pump)
        else:
            supplier.log.broke("S17 answers", supplier.name, f"{smpp.name_of(command_id)} out of place")

    def on_closed(self) -> None:
        supplier = self.supplier
        supplier.sessions.remove(self)
        if self.bound_as is not None:
            supplier.note("", "session over")
        for report in self._outstanding.values():
            supplier.again(report)
        self._outstanding.clear()

    # --- the rest ---

    def _submit(self, number: int, message: ShortMessage, written: Written) -> None:
        supplier, plan, rng = self.supplier, self.supplier.plan, self.supplier.rng
        broke = supplier.log.broke
        body = message.tlvs.get(smpp.MESSAGE_PAYLOAD) or message.short_message.encode("latin-1")
        data = user_data.read(message.esm_class, body, message.tlvs)
        nonces = supplier.rules.nonces_of(data.text, message.destination, data.part)
        nonce = nonces[0]
        if self.bound_as not in (smpp.BIND_TRANSMITTER, smpp.BIND_TRANSCEIVER):
            broke("S17 answers", nonce, f"came to {supplier.name} by a session that is not bound to submit")
        place = self._window.take(written)
        if self._window.exceeded_by(place):
            broke("S16 window", nonce, f"more submit_sm outstanding at {supplier.name} than the window")
        status = self._refusal()
        has_id = status == ESME_ROK and (supplier.is_calm or rng.random() >= plan.response_without_id)
        given_id = supplier.take_id() if has_id else ""
        reference = message.tlvs.get(smpp.USER_MESSAGE_REFERENCE)
        attempt = Attempt(
            supplier.agenda.now,
            written.asked_at_ms,
            supplier.name,
            nonce,
            given_id,
            status,
            nonces=nonces,
            part=data.part,
            text=data.text,
            reference=int.from_bytes(reference) if reference is not None else None,
            source=message.source,
            destination=message.destination,
            written=written,
            wire=self.wire,
            response_timeout_s=plan.response_timeout_s,
        )
        supplier.log.history.carrier_submits.append(attempt)
        which = f", part {data.part.number} of {data.part.total} by {data.part.form}" if data.part else ""
        for name in nonces:
            supplier.note(name, f"submit_sm {data.text[:30].decode()}{which}, status {status:#x} id {given_id}")
        response_s = rng.uniform(*plan.latency_s)
        if not supplier.is_calm:
            if rng.random() < plan.response_late:
                response_s = plan.response_timeout_s + rng.uniform(-0.1, 1.0)
            if rng.random() >= plan.response_lost:
                self._respond_after(response_s, number, attempt, place)
                if rng.random() < plan.response_doubled:
                    self._respond_after(response_s + rng.uniform(0, 0.5), number, attempt, place)
        else:
            self._respond_after(response_s, number, attempt, place)
        if given_id and message.registered_delivery & 0x03:
            supplier.plan_receipts(given_id, message.destination, response_s)

    def _refusal(self) -> int:
        supplier = self.supplier
        if supplier.is_calm:
            return ESME_ROK
        draw = supplier.rng.random()
        for status, share in supplier.plan.errors:
            if draw < share:
                return status
            draw -= share
        return supplier.refuses_with

    def _respond_after(self, delay_s: float, number: int, attempt: Attempt, place: Place) -> None:
        supplier = self.supplier
        shown_id = (
            f"{int(attempt.carrier_message_id):X}"
            if attempt.carrier_message_id and supplier.plan.hex_ids
            else attempt.carrier_message_id
        )
        octets = pdu(SUBMIT_SM | RESP, number, shown_id.encode() + b"\0" if shown_id else b"", attempt.command_status)

        def on_read() -> None:
            place.freed_at = min(place.freed_at, supplier.agenda.now)
            attempt.read_at = place.freed_at
            supplier.rules.on_read("submit_sm_resp")

        def respond() -> None:
            if not self.is_over and not self.is_ending and not supplier.is_silent:
                supplier.note(attempt.nonce, f"submit_sm_resp {attempt.command_status:#x} {attempt.carrier_message_id}")
                self.send(octets, on_read)

        supplier.agenda.after(delay_s, respond)

    def _answered(self, number: int, status: int) -> None:
        report = self._outstanding.pop(number, None)
        supplier = self.supplier
        if report is None:
            return
        if report.mo is not None:
            report.mo.answer = status
            supplier.note(report.mo.text, f"deliver_sm_resp {status:#x}")
            if status in (smpp.ESME_RX_T_APPN, smpp.ESME_RTHROTTLED):
                supplier.again(report)
        else:
            supplier.log.history.carrier_receipts.append(
                CarrierReceipt(supplier.agenda.now, supplier.name, report.carrier_message_id, report.state, status)
            )
            supplier.note(f"{supplier.name}:{report.carrier_message_id}", f"deliver_sm_resp {status:#x}")
            if status != ESME_ROK:
                supplier.again(report)
            elif report.state in FINAL:
                supplier.rules.on_receipt_taken(supplier.name, report.carrier_message_id)
        supplier.pump()

    def _overdue(self, number: int) -> None:
        report = self._outstanding.pop(number, None)
        if report is not None:
            self.supplier.again(report)
            self.supplier.pump()
