"""One association with the carrier's SMSC: connect, bind, exchange, until it ends.

Every read from the socket becomes at most one call to the engine for the outcomes in it, one for the receipts and one
for the MO. Receipts and MO are answered when the engine says that their effect is committed.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog
import trio

from smsagg.carriers.smpp.translate import alert_of, is_report, mo_of, receipt_of
from smsagg.config.units import split_host_port
from smsagg.errors import CarrierError
from smsagg.model import Accepted, CarrierMo, CarrierReceipt, InDoubt, Message, NotSent, Outcome, Refused
from smsagg.observe.log import RateLimitedLog
from smsagg.session import DriverLimits, SessionDriver
from smsagg.smpp.connection import Connection, Received, Role
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import (
    AlertNotification,
    Bind,
    BindReceiver,
    BindResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    GenericNack,
    Pdu,
    Request,
    Response,
    SubmitSmResp,
    Unbind,
)
from smsagg.smpp.status import ESME_RINVCMDID, ESME_ROK, describe
from smsagg.smpp.timers import TimerSettings
from smsagg.smpp.tlv import Tag, tlv_int

if TYPE_CHECKING:
    from smsagg.carriers.smpp.link import SmppLink

CONGESTED_FROM = 90
"""``congestion_state`` from which a carrier is "nearing congestion"."""
_BIND = "bind"
_UNBIND = "unbind"


class Association:
    """A connection that is bound, or about to be."""

    def __init__(self, link: "SmppLink", bind: Bind) -> None:
        self._link = link
        self._bind_pdu = bind
        self._settings = link.settings
        self._tells_congestion = link.settings.interface_version == "5.0"
        self._bound = trio.Event()
        self._refused_status: int | None = None
        self._log = RateLimitedLog(structlog.get_logger().bind(carrier=link.carrier, link=link.name))
        self._may_send = False
        self.driver: SessionDriver
        self.connection: Connection
        self.bound_at: float | None = None
        """When the bind was answered ESME_ROK (trio's clock); ``None`` if it never was."""
        self.transmits = not isinstance(bind, BindReceiver)

    @property
    def is_bound(self) -> bool:
        """Bound, and neither we nor the carrier have begun to end it."""
        return self._may_send and not self.driver.is_closing

    async def run(self, on_bound: Callable[["Association"], None]) -> str:
        """Connect, bind, serve. Returns the reason of the end; raises ``CarrierError`` when it never was bound.

        Whatever was outstanding has been reported as in doubt when it returns or is cancelled.
        """
        settings = self._settings
        with trio.move_on_after(settings.connect_timeout) as connecting:
            stream = await self._link.dial(settings)
        if connecting.cancelled_caught:
            raise CarrierError("connect: no answer in time")
        limits = Limits(
            pdu_octets_max=settings.pdu_octets_max,
            window_max=settings.window,
            unanswered_max=settings.deliver_unanswered_max,
            check_tlvs=False,
        )
        timers = TimerSettings(
            enquire_link_interval_s=settings.enquire_link_interval,
            inactivity_timeout_s=math.inf,
            response_timeout_s=settings.response_timeout,
        )
        self.connection = Connection(Role.ESME, limits, timers, trio.current_time())
        self.driver = SessionDriver(stream, self.connection, self, DriverLimits())
        self.driver.watch_as(self._link.events.watch, "carrier", self._link.name, split_host_port(settings.address))
        reason = "cancelled"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._bind, on_bound)
                reason = await self.driver.run()
                nursery.cancel_scope.cancel()
        finally:
            self._end()
        if self._refused_status is not None:
            raise CarrierError(f"bind refused: {describe(self._refused_status)}")
        if not self._bound.is_set():
            raise CarrierError(f"bind: {reason or 'connection lost'}")
        return reason

    def send(self, pdus: Sequence[Request], messages: Sequence[Message]) -> None:
        """Send attempts; there is room in the window."""
        self.connection.request_many(pdus, messages, trio.current_time())
        self.driver.flush()

    def unbind(self) -> None:
        """Say goodbye; the association ends with the answer, or with the carrier's own unbind if that came first."""
        if self.is_bound:
            self._may_send = False
            if self.connection.state.is_bound:
                self.connection.request(Unbind(), _UNBIND, trio.current_time())
                self.driver.flush()
        else:
            self.driver.close("stopped")

    # --- SessionHandler ---

    def on_received(self, received: Received) -> None:
        if received.responses:
            self._on_responses(received.responses)
        if received.late_responses:
            self._on_late_responses(received.late_responses)
        if received.requests:
            self._on_requests(received.requests)
        if received.close is not None:
            self._may_send = False

    def on_expired(self, contexts: list[object]) -> None:
        in_doubt = [InDoubt(context, False) for context in contexts if isinstance(context, Message)]
        if in_doubt:
            self._link.report(in_doubt)
        if _BIND in contexts:
            self.driver.abort("bind_timeout")
        if _UNBIND in contexts:
            self.driver.close("stopped")

    # --- the rest ---

    async def _bind(self, on_bound: Callable[["Association"], None]) -> None:
        self.connection.request(self._bind_pdu, _BIND, trio.current_time())
        self.driver.flush()
        with trio.move_on_after(self._settings.connect_timeout):
            await self._bound.wait()
            on_bound(self)
            return
        self.driver.abort("bind_timeout")

    def _on_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        outcomes: list[Outcome] = []
        normalise = self._link.rules.ids.of_submit_sm_resp
        for context, pdu in responses:
            if type(context) is Message:
                if type(pdu) is SubmitSmResp and pdu.command_status == ESME_ROK:
                    outcomes.append(Accepted(context, normalise(pdu.message_id)))
                else:
                    assert isinstance(pdu, Response | GenericNack)
                    outcomes.append(Refused(context, pdu.command_status or ESME_RINVCMDID))
            elif context is _BIND:
                self._on_bind_resp(pdu)
            elif context is _UNBIND:
                self.driver.close("stopped")
        if outcomes:
            if self._tells_congestion and _is_congested(responses[-1][1]):
                self._link.events.on_congestion(self._link)
            self._link.report(outcomes)

    def _on_late_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        """Acceptance of attempts that were reported as in doubt: worth knowing, since a receipt may follow."""
        normalise = self._link.rules.ids.of_submit_sm_resp
        accepted = [
            Accepted(context, normalise(pdu.message_id))
            for context, pdu in responses
            if isinstance(context, Message) and isinstance(pdu, SubmitSmResp) and pdu.command_status == ESME_ROK
        ]
        if accepted:
            self._link.report(accepted)

    def _on_bind_resp(self, pdu: Pdu) -> None:
        if isinstance(pdu, BindResp) and pdu.command_status == ESME_ROK:
            self._may_send = True
            self.bound_at = trio.current_time()
            self._bound.set()
            return
        self._refused_status = pdu.command_status if isinstance(pdu, Response) else ESME_RINVCMDID
        self.driver.close("bind_refused")

    def _on_requests(self, requests: Sequence[Pdu]) -> None:
        rules, default_coding = self._link.rules, self._link.settings.default_coding
        receipts: list[CarrierReceipt] = []
        mo: list[CarrierMo] = []
        for pdu in requests:
            if isinstance(pdu, DeliverSm | DataSm):
                if not is_report(pdu, rules):
                    mo.append(mo_of(pdu, pdu, default_coding))
                    continue
                receipt = receipt_of(pdu, rules, pdu, default_coding)
                if receipt is not None:
                    receipts.append(receipt)
                else:
                    self._log.warning("receipt_unreadable")
                    self._respond_receipts([(CarrierReceipt("", 0, 0, 0, pdu), ESME_ROK)])  # type: ignore[arg-type]
            elif isinstance(pdu, AlertNotification):
                self._link.events.on_alerts(self._link.carrier, [alert_of(pdu)])
            elif isinstance(pdu, Request) and pdu.is_answered:
                self.connection.respond(GenericNack(sequence_number=pdu.sequence_number, command_status=ESME_RINVCMDID))
        if receipts:
            self._link.events.on_receipts(self._link.carrier, receipts, self._respond_receipts)
        if mo:
            self._link.events.on_mo(self._link.carrier, mo, self._respond_mo)

    def _respond_receipts(self, answers: Sequence[tuple[CarrierReceipt, int]]) -> None:
        self._respond([(receipt.handle, status) for receipt, status in answers])

    def _respond_mo(self, answers: Sequence[tuple[CarrierMo, int]]) -> None:
        self._respond([(mo.handle, status) for mo, status in answers])

    def _respond(self, answers: Sequence[tuple[object, int]]) -> None:
        """Answer the carrier; when the association is over it will bring unanswered ones again."""
        taken: list[int] = []
        for pdu, status in answers:
            assert isinstance(pdu, DeliverSm | DataSm)
            if status == ESME_ROK and type(pdu) is DeliverSm:
                taken.append(pdu.sequence_number)
            else:
                response = DeliverSmResp if isinstance(pdu, DeliverSm) else DataSmResp
                self.connection.respond(response(sequence_number=pdu.sequence_number, command_status=status))
        if taken:
            self.connection.respond_deliver_sm(taken)
        self.driver.flush()

    def _end(self) -> None:
        self._may_send = False
        outcomes: list[Outcome] = [
            NotSent(context) for context in self.connection.take_unsent() if isinstance(context, Message)
        ]
        outcomes += [InDoubt(context, True) for context in self.connection.end() if isinstance(context, Message)]
        self._link.association_ended(self, outcomes)


def _is_congested(pdu: Pdu) -> bool:
    """Whether a response of an SMPP 5.0 carrier says so (``congestion_state``, SMPP 5.0 §4.8.4.18)."""
    if not isinstance(pdu, Response):
        return False
    state = tlv_int(pdu.tlvs, Tag.CONGESTION_STATE)
    return state is not None and state >= CONGESTED_FROM
