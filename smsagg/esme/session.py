"""One ESME's association: answers its requests, hands it its deliveries.

Per read from the socket there is one call with everything in it: all submit_sm of the read become one batch for the
engine, and their responses leave together after its commit. Nothing here waits, except for a bind's password
check and for query_sm and cancel_sm, which run in tasks of their own (the window bounds them).
"""

from collections.abc import Sequence
from functools import partial

import structlog
import trio

from smsagg.engine.accounts import Account
from smsagg.esme.deliver import make_deliver_sm
from smsagg.esme.door import FrontDoor
from smsagg.esme.lookup import cancel_resp, query_resp
from smsagg.model import Delivery, Message
from smsagg.session import SessionDriver
from smsagg.smpp.connection import Connection, Received, Role
from smsagg.smpp.pdu import (
    RESPONSES,
    Bind,
    BindResp,
    BindTransmitter,
    CancelSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Pdu,
    QuerySm,
    Request,
    SubmitSm,
    Unbind,
    refusal,
)
from smsagg.smpp.status import (
    ESME_RBINDFAIL,
    ESME_RINVCMDID,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RTHROTTLED,
    name_of,
)
from smsagg.smpp.tlv import Tag

_BIND_TYPES = {"BindTransmitter": "tx", "BindReceiver": "rx", "BindTransceiver": "trx"}
_PROBE = "probe"
_UNBIND = "unbind"
INTERFACE_VERSION = 0x34
_SC_INTERFACE_VERSION = ((int(Tag.SC_INTERFACE_VERSION), bytes((INTERFACE_VERSION,))),)


class EsmeSession:
    """From the accepted connection to its end; a :class:`~smsagg.engine.deliveries.Sink` once bound to receive."""

    def __init__(self, stream: trio.abc.Stream, address: str, door: FrontDoor) -> None:
        self._door = door
        self._address = address
        self._connection = Connection(Role.SMSC, door.limits, door.timers, trio.current_time())
        door.pdu_counts.began(self._connection.statistics)
        self._driver = SessionDriver(stream, self._connection, self, door.driver_limits)
        self._watched = self._driver.watch_as(door.engine.watch, "esme", address, (address, 0))
        self._account: Account | None = None
        self._bind_type = ""
        self._is_sink = False
        self._is_probed = False
        self._committing = 0
        self._settled = trio.Event()
        self._nursery: trio.Nursery
        self._log = structlog.get_logger().bind(peer=address)

    async def run(self) -> None:
        """Serve the association; returns when it is over and all that it held has been given back."""
        reason = "cancelled"
        try:
            async with trio.open_nursery() as self._nursery:
                reason = await self._driver.run()
                self._nursery.cancel_scope.cancel()
        except Exception:
            reason = "crashed"
            raise
        finally:
            self._give_back()
            self._door.metrics.smpp_sessions_closed[reason].n += 1
            self._door.pdu_counts.ended(self._connection.statistics)
            if self._account is not None:
                self._log.info("session_ended", account=self._account.name, reason=reason)

    # --- SessionHandler ---

    def on_received(self, received: Received) -> None:
        if received.responses:
            self._on_responses(received.responses)
        if received.late_responses:
            self._on_late_responses(received.late_responses)
        if received.requests:
            self._on_requests(received.requests)

    def on_expired(self, contexts: list[object]) -> None:
        if _PROBE in contexts:
            self._driver.abort("no_answer")
        if _UNBIND in contexts:
            self._driver.close("stopped")
        unanswered = [(context, None) for context in contexts if isinstance(context, Delivery)]
        if unanswered and self._account is not None:
            self._door.engine.deliveries.on_answers(self._account.name, unanswered)

    # --- BoundSession and Sink ---

    def probe(self) -> None:
        if not self._is_probed and self._connection.window_free > 0:
            self._is_probed = True
            self._connection.request(EnquireLink(), _PROBE, trio.current_time())
            self._driver.flush()

    @property
    def delivery_window_free(self) -> int:
        return self._connection.window_free if self._is_sink and not self._driver.is_closing else 0

    @property
    def deliveries_outstanding(self) -> int:
        return self._connection.outstanding

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        pdus = [make_deliver_sm(delivery) for delivery in deliveries]
        self._connection.request_many(pdus, deliveries, trio.current_time())
        self._driver.flush()

    # --- requests ---

    def _on_requests(self, requests: Sequence[Pdu]) -> None:
        submits: list[SubmitSm] = []
        for pdu in requests:
            if type(pdu) is SubmitSm:
                submits.append(pdu)
            elif isinstance(pdu, Bind):
                self._nursery.start_soon(self._bind, pdu)
            elif isinstance(pdu, QuerySm):
                self._nursery.start_soon(self._query, pdu)
            elif isinstance(pdu, CancelSm):
                self._nursery.start_soon(self._cancel, pdu)
            elif isinstance(pdu, Request) and pdu.is_answered:
                self._connection.respond(
                    GenericNack(sequence_number=pdu.sequence_number, command_status=ESME_RINVCMDID)
                )
        if submits and self._account is not None:
            self._submit(self._account, submits)

    def _submit(self, account: Account, pdus: Sequence[SubmitSm]) -> None:
        door, connection = self._door, self._connection
        intake, submission = door.engine.intake, door.submission
        now = door.clock.now_ms()
        refused: dict[int, list[int]] = {}
        sequence_numbers: list[int] = []
        messages: list[Message] = []
        for pdu in self._take_excess(account, pdus, refused):
            message = submission.message_of(pdu, account, now)
            status = message if isinstance(message, int) else intake.reserve(account, message, now)
            if status:
                refused.setdefault(status, []).append(pdu.sequence_number)
            else:
                messages.append(message)  # type: ignore[arg-type]
                sequence_numbers.append(pdu.sequence_number)
        for status, numbers in refused.items():
            self._refuse(account, numbers, status)
        if not messages:
            return
        intake.number(messages)
        self._committing += 1

        def accepted(command_status: int) -> None:
            self._committing -= 1
            self._settled.set()
            if command_status == ESME_ROK:
                connection.respond_submit_sm(sequence_numbers, [message.message_id for message in messages])
            else:
                self._refuse(account, sequence_numbers, command_status)
            self._driver.flush()

        intake.commit(messages, accepted)

    def _take_excess(
        self, account: Account, pdus: Sequence[SubmitSm], refused: dict[int, list[int]]
    ) -> Sequence[SubmitSm]:
        """Those within the account's limits; the others are refused unread, since refusing a flood must be cheap."""
        within_window = max(len(pdus) - max(self._connection.unanswered - account.settings.window_max, 0), 0)
        within_queue = min(max(account.settings.queue_max - account.queued, 0), within_window)
        admitted = within_queue
        if account.bucket is not None:
            admitted = account.bucket.take_up_to(within_queue, trio.current_time())
        if admitted < len(pdus):
            throttled = [*pdus[admitted:within_queue], *pdus[within_window:]]
            refused[ESME_RTHROTTLED] = [pdu.sequence_number for pdu in throttled]
            refused[ESME_RMSGQFUL] = [pdu.sequence_number for pdu in pdus[within_queue:within_window]]
        return pdus[:admitted]

    def _refuse(self, account: Account, sequence_numbers: Sequence[int], command_status: int) -> None:
        if not sequence_numbers:
            return
        self._door.engine.metrics.refused(account.name, name_of(command_status), len(sequence_numbers))
        self._door.pace.note_refused(len(sequence_numbers))
        self._connection.refuse_submit_sm(sequence_numbers, command_status)

    async def _query(self, pdu: QuerySm) -> None:
        assert self._account is not None
        response = await query_resp(self._door.engine.control, self._account.name, pdu)
        self._connection.respond(response)
        self._driver.flush()

    async def _cancel(self, pdu: CancelSm) -> None:
        assert self._account is not None
        response = await cancel_resp(self._door.engine.control, self._account.name, pdu)
        self._connection.respond(response)
        self._driver.flush()

    # --- bind ---

    async def _bind(self, pdu: Bind) -> None:
        door = self._door
        account = await door.authenticator.authenticate(pdu.system_id, pdu.password, self._address)
        if self._driver.is_closing:  # what followed the bind ended the session before it began
            return
        bind_type = _BIND_TYPES[type(pdu).__name__]
        if account is None or not door.sessions.bind(account.name, bind_type, self, account.settings.binds_max):
            door.log.warning(
                "bind_refused",
                key=f"{self._address} {pdu.system_id}",
                peer=self._address,
                system_id=pdu.system_id,
                bind_type=bind_type,
                credentials="right" if account is not None else "wrong",
            )
            door.metrics.smpp_binds_refused[name_of(ESME_RBINDFAIL)].n += 1
            self._connection.respond(refusal(pdu, ESME_RBINDFAIL))
            self._driver.close("bind_refused")
            return
        self._account = account
        self._watched.account = account.name
        self._bind_type = bind_type
        self._driver.pace = partial(door.pace.charge, account.name)
        response = RESPONSES[pdu.command_id](sequence_number=pdu.sequence_number, tlvs=_SC_INTERFACE_VERSION)
        assert isinstance(response, BindResp)
        response.system_id = door.system_id
        self._connection.respond(response)
        self._log.info("session_bound", account=account.name, bind_type=bind_type)
        held = self._connection.take_held(trio.current_time())
        self.on_received(held)
        if held.close is not None:
            self._driver.close(held.close.value)
        self._driver.flush()
        if not isinstance(pdu, BindTransmitter):
            self._is_sink = True
            door.engine.deliveries.attach(account.name, self)

    # --- responses and the end ---

    def _on_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        answers: list[tuple[Delivery, int | None]] = []
        for context, pdu in responses:
            if type(context) is Delivery:
                answers.append((context, pdu.command_status))  # type: ignore[attr-defined]
            elif context is _PROBE:
                self._is_probed = False
            elif context is _UNBIND:
                self._driver.close("stopped")
        if answers and self._account is not None:
            self._door.engine.deliveries.on_answers(self._account.name, answers)

    def _on_late_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        """The ESME has what we meant to send again."""
        self._door.engine.deliveries.on_late_answers(
            [
                context
                for context, pdu in responses
                if isinstance(context, Delivery) and isinstance(pdu, DeliverSmResp) and pdu.command_status == ESME_ROK
            ]
        )

    async def stop(self) -> None:
        """Unbind the peer once what is being committed is answered; the caller sets the deadline."""
        while self._committing:
            self._settled = trio.Event()
            await self._settled.wait()
        if self._connection.state.is_bound and not self._driver.is_closing:
            self._connection.request(Unbind(), _UNBIND, trio.current_time())
            self._driver.flush()
        else:
            self._driver.close("stopped")

    def _give_back(self) -> None:
        outstanding = [context for context in self._connection.end() if isinstance(context, Delivery)]
        if self._account is None:
            return
        self._door.sessions.unbind(self._account.name, self._bind_type, self)
        if self._is_sink:
            self._is_sink = False
            self._door.engine.deliveries.detach(self._account.name, self, outstanding)
