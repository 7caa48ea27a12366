"""One bound association as a sans-I/O object, from either side.

Theory of operation. The driver hands over what it read (:meth:`Connection.receive`), writes what
:meth:`Connection.data_to_send` gives, and wakes :meth:`Connection.handle_timers` at
:meth:`Connection.next_timer_at`. The application gets requests and responses in batches and answers with
:meth:`Connection.respond`; nothing here blocks, and no clock is read.

What the connection answers by itself, so that the application never sees it:

* ``enquire_link``;
* ``unbind``: nothing more is taken or asked, what the application still owes is waited for (a response timeout at
  most), since the peer would send unanswered submits again; then the unbind_resp goes out and the session is over;
* a request that the state forbids: ESME_RINVBNDSTS in its own response, ESME_RALYBND for a bind when bound;
* a malformed request: the status of the field at fault in its own response;
* an unknown command_id: generic_nack ESME_RINVCMDID; a broadcast operation of SMPP 5.0, to a peer of that version:
  ESME_RPROHIBITED in its own response; an unusable header: generic_nack ESME_RINVCMDLEN, and the end;
* requests above ``unanswered_max``: ESME_RTHROTTLED.

Responses that match nothing outstanding are counted and dropped, a generic_nack is never answered.

A bind request stops everything behind it until the application answered it: the PDUs are held, in order and
bounded, because what they may do depends on that answer. ``take_held`` (or the next ``receive``) then serves them.

Memory is bounded by :class:`~smsagg.smpp.limits.Limits`, but for the outgoing octets, which the driver bounds by not
reading while ``outgoing_octets`` is large. The loop in ``_serve`` is the hot path of the whole system: for ordinary
PDUs it does a look-up, a decode and an append.
"""

from collections.abc import Iterable, Sequence
from math import inf

from attrs import evolve

from smsagg.smpp import fast
from smsagg.smpp.bind_state import BINDS, TRANSITIONS, Role, SessionState, may_send
from smsagg.smpp.codec import HEADER, decode, decode_response
from smsagg.smpp.command import BROADCASTS, RESPONSE_BIT, CommandId
from smsagg.smpp.dispatch import APPLICATION_REQUESTS, APPLICATION_RESPONSES, UNANSWERED
from smsagg.smpp.errors import FramingError, PduEncodeError, PduError, WrongState
from smsagg.smpp.events import CloseReason, Received, TimerActions
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.held import HeldFrames
from smsagg.smpp.limits import Limits
from smsagg.smpp.outgoing import Outgoing
from smsagg.smpp.pdu import RESPONSES, Bind, BindResp, GenericNack, Pdu, Request, Response, SubmitSmResp, Unbind
from smsagg.smpp.statistics import Statistics
from smsagg.smpp.status import (
    ESME_RALYBND,
    ESME_RINVBNDSTS,
    ESME_RINVCMDLEN,
    ESME_ROK,
    ESME_RPROHIBITED,
    ESME_RTHROTTLED,
    SMPP_5_0,
    status_for_version,
)
from smsagg.smpp.timers import Due, Timers, TimerSettings
from smsagg.smpp.tlv import Tag, Tlvs, tlv_int
from smsagg.smpp.window import MISSING, Window

__all__ = [
    "CloseReason",
    "Connection",
    "Limits",
    "Received",
    "Role",
    "SessionState",
    "TimerActions",
    "TimerSettings",
]

_ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)
_ENQUIRE_LINK_RESP = int(CommandId.ENQUIRE_LINK_RESP)
_GENERIC_NACK = int(CommandId.GENERIC_NACK)
_UNBIND = int(CommandId.UNBIND)
_UNBIND_RESP = int(CommandId.UNBIND_RESP)


class Connection:
    """One association with a peer. ``state``, ``interface_version``, ``statistics`` and the counts are to be read.

    ``interface_version`` is the peer's: from its bind request, or the lower of ours and its sc_interface_version. An
    SMSC that names none is taken to know what we bound with, since many know TLVs and do not say so.
    """

    def __init__(self, role: Role, limits: Limits, timers: TimerSettings, now: float) -> None:
        self.role = role
        self.state = SessionState.OPEN
        self.statistics = Statistics()
        self.close_reason: CloseReason | None = None
        self._limits = limits
        self._timer_settings = timers
        self._timers = Timers(timers, now, expects_bind=role is Role.SMSC)
        self._frames = FrameBuffer(limits.pdu_octets_max)
        self._window = Window(limits.window_max)
        self._outgoing = Outgoing(self.statistics)
        self._room = limits.unanswered_max
        self._application_requests = APPLICATION_REQUESTS[role, self.state]
        self._binding: Bind | None = None
        self._held = HeldFrames(limits.held_octets_max)
        self._enquire_link_number = 0
        self._unbind_sent = False
        self._unbind_asked: tuple[int, float] | None = None  # sequence_number and when, until it is answered
        self._must_report_close = False

    @property
    def interface_version(self) -> int:
        return self._outgoing.interface_version

    @property
    def outgoing_octets(self) -> int:
        """Octets that :meth:`data_to_send` would give out now."""
        return self._outgoing.octets

    @property
    def outstanding(self) -> int:
        """Our requests that await a response."""
        return len(self._window)

    @property
    def window_free(self) -> int:
        """How many more requests :meth:`request` takes now; 0 when the session is not bound or unbinds."""
        return 0 if self._unbind_sent or not self.state.is_bound else self._window.free

    @property
    def unanswered(self) -> int:
        """The peer's requests that the application got and has not answered."""
        return self._limits.unanswered_max - self._room

    def take_version(self, interface_version: int) -> None:
        """Treat the peer as one of this version, whatever it said; before its bind is answered."""
        self._outgoing.interface_version = interface_version

    def forgive_missing_nuls(self) -> None:
        """From now on take requests whose last string lacks its NUL."""
        self._limits = evolve(self._limits, needs_nuls=False)

    def context_of(self, sequence_number: int) -> object:
        """The context of our outstanding request with this number, for onlookers; ``None`` if there is none."""
        return self._window.context_of(sequence_number)

    def partial(self) -> bytes:
        """What has come of the PDU that is not whole yet, for onlookers."""
        return self._frames.partial()

    @property
    def held(self) -> int:
        """PDUs that wait behind a bind request."""
        return len(self._held)

    # Receiving

    def receive(self, data: bytes, now: float) -> Received:
        """Take what the peer sent. Never raises for any octets; what is over ignores what still comes."""
        if self.close_reason is not None or self.state is SessionState.CLOSED:
            return Received(close=self.close_reason)
        received = Received()
        unusable: FramingError | None = None
        try:
            frames = self._frames.feed(data, now)
        except FramingError as error:
            frames, unusable = error.frames, error
        if self._binding is not None:
            self._hold(frames)
        else:
            self._serve(self._held.release() + frames if self._held else frames, received, now)
        if unusable is not None and self.close_reason is None:
            self._outgoing.queue_header(_GENERIC_NACK, ESME_RINVCMDLEN, 0)
            self._close(CloseReason.UNUSABLE_HEADER)
        received.close = self.close_reason
        return received

    def take_held(self, now: float) -> Received:
        """What came behind a bind request, once :meth:`respond` answered it; empty while it is unanswered."""
        received = Received(close=self.close_reason)
        if self._held and self._binding is None and self.close_reason is None:
            self._serve(self._held.release(), received, now)
            received.close = self.close_reason
        return received

    def _serve(self, frames: list[bytes], received: Received, now: float) -> None:
        requests, responses = received.requests, received.responses
        unpack, limits, take = HEADER.unpack_from, self._limits, self._window.take
        application_requests, room = self._application_requests, self._room
        served = enquire_link_resps = 0
        for frame in frames:
            served += 1
            _, command_id, command_status, sequence_number = unpack(frame)
            if command_id in application_requests:
                if room <= 0:
                    self.statistics.throttled += 1
                    self._outgoing.queue_refusal(command_id, sequence_number, ESME_RTHROTTLED)
                    continue
                try:
                    requests.append(application_requests[command_id](frame, sequence_number, limits))
                    room -= 1
                except PduError as error:
                    self._refuse_malformed(error)
            elif command_id in APPLICATION_RESPONSES and (context := take(sequence_number, command_id)) is not MISSING:
                decode_it = APPLICATION_RESPONSES[command_id]
                responses.append((context, decode_it(frame, sequence_number, command_status, limits)))
            else:
                self._room = room
                enquire_link_resps += command_id == _ENQUIRE_LINK_RESP
                self._serve_other(frame, command_id, command_status, sequence_number, received, now)
                if self._binding is not None or self.close_reason is not None:
                    break
                application_requests = self._application_requests
        self._room = room
        if served:
            self.statistics.count_received(frames[:served] if served < len(frames) else frames)
            self._timers.pdu_received(now, is_transaction=served > enquire_link_resps)
        if self._binding is not None:
            self._hold(frames[served:])

    def _serve_other(
        self, frame: bytes, command_id: int, command_status: int, sequence_number: int, received: Received, now: float
    ) -> None:
        if command_id == _GENERIC_NACK:
            self._serve_generic_nack(frame, command_status, sequence_number, received)
        elif command_id & RESPONSE_BIT and command_id & ~RESPONSE_BIT in RESPONSES:
            self._serve_response(frame, command_id, command_status, sequence_number, received)
        elif may_send(self.role.peer, self.state, command_id):
            self._serve_request(frame, command_id, sequence_number, received, now)
        elif command_id in RESPONSES:
            self.statistics.illegal += 1
            already_bound = command_id in BINDS and self.state.is_bound
            self._outgoing.queue_refusal(
                command_id, sequence_number, ESME_RALYBND if already_bound else ESME_RINVBNDSTS
            )
        elif command_id in UNANSWERED:
            self.statistics.illegal += 1
        else:
            self._serve_unknown(frame, command_id, sequence_number)

    def _serve_unknown(self, frame: bytes, command_id: int, sequence_number: int) -> None:
        """Known to the specification but not served is prohibited; SMPP 3.4 has no word for that."""
        if command_id in BROADCASTS and self.state.is_bound and self.interface_version >= SMPP_5_0:
            self.statistics.illegal += 1
            self._outgoing.queue_header(command_id | RESPONSE_BIT, ESME_RPROHIBITED, sequence_number)
            return
        try:
            decode(frame, self._limits)
        except PduError as error:
            self._refuse_malformed(error)

    def _serve_request(
        self, frame: bytes, command_id: int, sequence_number: int, received: Received, now: float
    ) -> None:
        """A legal request that is the connection's own business, wholly or in part."""
        try:
            pdu = decode(frame, self._limits)
        except PduError as error:
            if command_id in UNANSWERED:
                self.statistics.malformed += 1  # there is no response to say so in
            else:
                self._refuse_malformed(error)
            return
        if command_id == _ENQUIRE_LINK:
            self._outgoing.queue_header(_ENQUIRE_LINK_RESP, ESME_ROK, sequence_number)
        elif command_id == _UNBIND:
            self._unbind_asked = sequence_number, now
            self._set_state(SessionState.UNBOUND)
            if self.unanswered == 0:
                self._answer_unbind()
        else:
            received.requests.append(pdu)
            if isinstance(pdu, Bind):
                self._binding = pdu
                self._outgoing.interface_version = pdu.interface_version
            else:
                self._move(command_id)

    def _serve_generic_nack(self, frame: bytes, command_status: int, sequence_number: int, received: Received) -> None:
        nack = GenericNack(sequence_number=sequence_number, command_status=command_status)
        if (context := self._window.take(sequence_number, _GENERIC_NACK)) is not MISSING:
            received.responses.append((context, nack))
        elif (context := self._window.take_late(sequence_number, _GENERIC_NACK)) is not MISSING:
            self.statistics.late_responses += 1
            received.late_responses.append((context, nack))
        elif not self._is_enquire_link(sequence_number):
            self.statistics.stray_generic_nacks += 1

    def _serve_response(
        self, frame: bytes, command_id: int, command_status: int, sequence_number: int, received: Received
    ) -> None:
        if command_id == _ENQUIRE_LINK_RESP and self._is_enquire_link(sequence_number):
            return
        if (context := self._window.take(sequence_number, command_id)) is not MISSING:
            response = decode_response(frame, command_id, sequence_number, command_status, self._limits)
            received.responses.append((context, response))
            if isinstance(response, BindResp) and command_status == ESME_ROK:
                self._bound_as(response)
            elif command_id == _UNBIND_RESP:
                self._close(CloseReason.UNBOUND)
        elif (context := self._window.take_late(sequence_number, command_id)) is not MISSING:
            self.statistics.late_responses += 1
            response = decode_response(frame, command_id, sequence_number, command_status, self._limits)
            received.late_responses.append((context, response))
        else:
            self.statistics.unmatched_responses += 1

    def _is_enquire_link(self, sequence_number: int) -> bool:
        """Whether this answers our enquire_link, once."""
        if sequence_number != self._enquire_link_number or sequence_number == 0:
            return False
        self._enquire_link_number = 0
        return True

    def _bound_as(self, response: Pdu) -> None:
        version = tlv_int(response.tlvs, Tag.SC_INTERFACE_VERSION)
        if version is not None:
            self._outgoing.interface_version = min(self.interface_version, version)
        self._move(response.command_id)

    def _hold(self, frames: list[bytes]) -> None:
        """Keep PDUs that came behind a bind request; what is too much is illegal as long as we are not bound."""
        for frame in self._held.hold(frames):
            _, command_id, _, sequence_number = HEADER.unpack_from(frame)
            if command_id in RESPONSES:
                self.statistics.illegal += 1
                self._outgoing.queue_refusal(command_id, sequence_number, ESME_RINVBNDSTS)

    # Sending

    def request(self, pdu: Request, context: object, now: float) -> int:
        """Number a request, queue it, and give its response out with ``context``. The sequence_number.

        Outbind and alert_notification are queued too, and have no response. Raises WindowFull (never for an unbind),
        WrongState when the state forbids it, PduEncodeError; then nothing was queued.
        """
        self._check_may_send(pdu.command_id)
        if pdu.is_answered:
            above_limit = isinstance(pdu, Unbind)
            pdu.sequence_number = self._window.add(pdu.command_id, context, now, above_limit=above_limit)
        else:
            pdu.sequence_number = self._window.next_sequence_number()
        try:
            octets = self._outgoing.encode(pdu)
        except PduEncodeError:
            self._window.withdraw((pdu.sequence_number,))
            raise
        self._outgoing.queue(octets, pdu.command_id, ESME_ROK)
        if isinstance(pdu, Bind):
            self._outgoing.interface_version = pdu.interface_version
        elif isinstance(pdu, Unbind):
            self._unbind_sent = True
        else:
            self._move(pdu.command_id)  # outbind
        return pdu.sequence_number

    def request_many(self, pdus: Sequence[Request], contexts: Sequence[object], now: float) -> Sequence[int]:
        """As :meth:`request` for many PDUs of one kind, at most :attr:`window_free`; all are queued, or none."""
        if not pdus:
            return ()
        command_id = pdus[0].command_id
        self._check_may_send(command_id)
        numbers = self._window.add_many(command_id, contexts, now)
        try:
            octets = self._outgoing.encode_many(pdus, numbers)
        except PduEncodeError:
            self._window.withdraw(numbers)
            raise
        self._outgoing.queue(octets, command_id, ESME_ROK, len(pdus))
        return numbers

    def _check_may_send(self, command_id: int) -> None:
        if self._unbind_sent or self.close_reason is not None or not may_send(self.role, self.state, command_id):
            raise WrongState(f"0x{command_id:08X} in state {self.state.name}")

    def respond(self, pdu: Response) -> None:
        """Queue the answer to a request that :meth:`receive` gave out; its sequence_number is the request's.

        The answer to a bind decides the state: ESME_ROK binds, all else leaves it as it was. What answers a session
        that is over is dropped. Raises PduEncodeError; then nothing was queued.
        """
        if self._is_over(1):
            return
        if pdu.command_status:
            pdu.command_status = status_for_version(pdu.command_status, self.interface_version)
        octets = self._outgoing.encode(pdu)
        binding = self._binding
        if binding is not None and pdu.sequence_number == binding.sequence_number:
            assert isinstance(pdu, (BindResp, GenericNack))
            self._binding = None
            if pdu.command_status == ESME_ROK:
                self._move(binding.command_id | RESPONSE_BIT)
        else:
            self._answered(1)
        self._outgoing.queue(octets, pdu.command_id, pdu.command_status)
        self._answer_unbind_after_the_last()

    def respond_submit_sm(self, sequence_numbers: Sequence[int], message_ids: Sequence[str], tlvs: Tlvs = ()) -> None:
        """Queue a submit_sm_resp ESME_ROK for each, with these TLVs; ``message_ids`` are ASCII. The fast way for a
        batch, when there are no TLVs."""
        if tlvs:
            for number, message_id in zip(sequence_numbers, message_ids, strict=True):
                self.respond(SubmitSmResp(message_id, sequence_number=number, tlvs=tlvs))
            return
        if self._is_over(len(sequence_numbers)):
            return
        self._queue_resps(
            fast.encode_submit_sm_resps(sequence_numbers, message_ids), CommandId.SUBMIT_SM_RESP, sequence_numbers
        )

    def refuse_submit_sm(self, sequence_numbers: Sequence[int], command_status: int) -> None:
        """Queue a submit_sm_resp with this error for each. Refusing must be cheap: a flood is refused, too."""
        assert command_status != ESME_ROK
        if self._is_over(len(sequence_numbers)):
            return
        command_status = status_for_version(command_status, self.interface_version)
        octets = fast.encode_submit_sm_refusals(sequence_numbers, command_status)
        self._queue_resps(octets, CommandId.SUBMIT_SM_RESP, sequence_numbers, command_status)

    def respond_deliver_sm(self, sequence_numbers: Sequence[int]) -> None:
        """Queue a deliver_sm_resp ESME_ROK for each."""
        if self._is_over(len(sequence_numbers)):
            return
        self._queue_resps(fast.encode_deliver_sm_resps(sequence_numbers), CommandId.DELIVER_SM_RESP, sequence_numbers)

    def respond_many(self, pdus: Iterable[Response]) -> None:
        """As :meth:`respond` for each."""
        for pdu in pdus:
            self.respond(pdu)

    def _queue_resps(
        self, octets: bytes, command_id: int, sequence_numbers: Sequence[int], command_status: int = ESME_ROK
    ) -> None:
        if sequence_numbers:
            self._answered(len(sequence_numbers))
            self._outgoing.queue(octets, command_id, command_status, len(sequence_numbers))
            self._answer_unbind_after_the_last()

    def _answer_unbind_after_the_last(self) -> None:
        if self._unbind_asked is not None and self.unanswered == 0:
            self._answer_unbind()
            self._must_report_close = True

    def _answer_unbind(self) -> None:
        assert self._unbind_asked is not None
        self._outgoing.queue_header(_UNBIND_RESP, ESME_ROK, self._unbind_asked[0])
        self._unbind_asked = None
        self._close(CloseReason.PEER_UNBOUND)

    def _is_over(self, responses: int) -> bool:
        if self.close_reason is None and self.state is not SessionState.CLOSED:
            return False
        self.statistics.dropped_responses += responses
        return True

    def _answered(self, count: int) -> None:
        self._room += count
        assert self._room <= self._limits.unanswered_max, "a response without a request"

    def data_to_send(self, now: float | None = None) -> bytes:
        """Everything queued since the last call. With ``now``, response timers start then and not at ``request``."""
        if not self._outgoing.octets:
            return b""
        self._window.departed(now)
        return self._outgoing.drain()

    def _refuse_malformed(self, error: PduError) -> None:
        self.statistics.malformed += 1
        self._outgoing.queue_refusal(error.command_id, error.sequence_number, error.command_status)

    # Time and the end

    def next_timer_at(self) -> float:
        """When :meth:`handle_timers` is next to be called; ``inf`` for never. Early calls do no harm.

        It is 0.0, at once, when :meth:`respond` gave the last answer after the peer's unbind: the session is over.
        """
        if self.close_reason is not None or self.state is SessionState.CLOSED:
            return 0.0 if self._must_report_close else inf
        at = self._window.next_expiry_at(self._timer_settings.response_timeout_s)
        if self._unbind_asked is not None:
            at = min(at, self._unbind_asked[1] + self._timer_settings.response_timeout_s)
        elif self._binding is None:
            at = min(at, self._timers.next_at())
        partial_since = self._frames.partial_since
        if partial_since is not None:
            at = min(at, partial_since + self._timer_settings.pdu_deadline_s)
        return at

    def handle_timers(self, now: float) -> TimerActions:
        """Do what is due at ``now``."""
        actions = TimerActions(close=self.close_reason)
        self._must_report_close = False
        if self.close_reason is not None or self.state is SessionState.CLOSED:
            return actions
        actions.expired = self._window.expire(now, self._timer_settings.response_timeout_s)
        partial_since = self._frames.partial_since
        if partial_since is not None and now >= partial_since + self._timer_settings.pdu_deadline_s:
            self._close(CloseReason.PDU_DEADLINE)
        elif self._unbind_asked is not None:
            if now >= self._unbind_asked[1] + self._timer_settings.response_timeout_s:
                self._answer_unbind()
        else:
            self._handle_due(self._timers.due(now, binding=self._binding is not None))
        actions.close = self.close_reason
        return actions

    def _handle_due(self, due: Due | None) -> None:
        if due is Due.SEND_ENQUIRE_LINK:
            if self._unbind_sent:  # whose answer is awaited already, and is as good a sign of life
                return
            self._enquire_link_number = self._window.next_sequence_number()
            self._outgoing.queue_header(_ENQUIRE_LINK, ESME_ROK, self._enquire_link_number)
        elif due is Due.PEER_SILENT:
            self._close(CloseReason.PEER_SILENT)
        elif due is Due.SESSION_INIT:
            self._close(CloseReason.SESSION_INIT)
        elif due is Due.INACTIVITY:
            self._outgoing.queue_header(_UNBIND, ESME_ROK, self._window.next_sequence_number())
            self._close(CloseReason.INACTIVITY)

    def _move(self, command_id: int) -> None:
        self._set_state(TRANSITIONS.get((self.state, command_id), self.state))

    def _close(self, reason: CloseReason) -> None:
        self.close_reason = reason
        self._set_state(SessionState.UNBOUND)

    def _set_state(self, state: SessionState) -> None:
        self.state = state
        self._application_requests = APPLICATION_REQUESTS[self.role, state]
        if state.is_bound:
            self._timers.bound()

    def take_unsent(self) -> list[object]:
        """The contexts of requests that ``data_to_send`` never gave out; they are outstanding no longer.

        For the driver whose transport is gone, before :meth:`end`: the peer cannot have these.
        """
        return self._window.take_unsent()

    def end(self) -> list[object]:
        """The transport is gone: the contexts of the requests still outstanding, in order. The state is CLOSED."""
        self._set_state(SessionState.CLOSED)
        self._must_report_close = False
        self._held.release()
        self._outgoing.clear()
        return self._window.take_all()
