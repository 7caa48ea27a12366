"""One session of the simulated SMSC: octets of a client in, octets for it out.

Made to be cheap, so that a benchmark measures the gateway and not its carrier: everything that one read brought is
served at once, and what is to be sent leaves as one write (:class:`~smsagg.session.batch_socket.BatchSocket`).
submit_sm, its responses, receipts and their answers take the short way through :mod:`smsagg.simulator.wire`; every
other PDU goes through the codec.
"""

import socket
from itertools import takewhile
from typing import TYPE_CHECKING

from smsagg.session.batch_socket import BatchSocket
from smsagg.simulator import wire
from smsagg.simulator.deliveries import Client, Delivery
from smsagg.smpp import status
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.errors import FramingError, PduError
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import (
    Bind,
    BindReceiver,
    BindResp,
    BindTransmitter,
    CancelSm,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    ReplaceSm,
    Request,
    Response,
    SubmitSm,
    Unbind,
    UnbindResp,
    refusal,
    response_to,
)
from smsagg.smpp.tlv import Tag

if TYPE_CHECKING:
    from smsagg.simulator.server import Simulator

PDU_OCTETS_MAX = 70_000
SEQUENCE_NUMBER_MAX = 0x7FFFFFFF
SUPPORTED_VERSION = 0x34

_REFUSALS = {
    QuerySm: status.ESME_RQUERYFAIL,
    CancelSm: status.ESME_RCANCELFAIL,
    ReplaceSm: status.ESME_RREPLACEFAIL,
}
"""Messages are not kept once they are answered, so there is nothing to query, cancel or replace."""


class Session:
    """One connection. ``simulator`` decides; this keeps the state of the wire."""

    def __init__(self, simulator: "Simulator", sock: socket.socket, now: float) -> None:
        self.opened_at = now
        self.heard_at = now
        self.asked_at: float | None = None
        """When an enquire_link went out that nothing followed."""
        self.client: Client | None = None
        self.unanswered = 0
        self.may_receive = False
        self.tlvs = False
        """The peer's interface_version allows TLVs (SMPP 3.4 §2.5)."""
        self._simulator = simulator
        self._socket = BatchSocket(sock)
        self._may_submit = False
        self._frames = FrameBuffer(PDU_OCTETS_MAX)
        self._out = self._socket.out
        self._outstanding: dict[int, Delivery] = {}
        self._sequence_number = 0

    async def run(self) -> None:
        """Serve until the client goes, or :meth:`close` or :meth:`drop`; see :meth:`BatchSocket.run`."""
        await self._socket.run(self._on_octets)

    def _on_octets(self, octets: bytes) -> None:
        simulator = self._simulator
        now = simulator.refresh()
        self.heard_at = now
        self.asked_at = None
        if not simulator.is_silent:
            self._serve(octets, now)
            self._socket.flush()
            simulator.wake()

    def flush(self) -> None:
        """Write what is queued, as far as the socket takes it."""
        self._socket.flush()

    # --- what the simulator asks ---

    def send(self, octets: bytes) -> None:
        """Queue octets for the next :meth:`flush`."""
        self._out.append(octets)

    def close(self) -> None:
        """End the session once what is queued is written."""
        self._socket.close()

    def drop(self) -> None:
        """Cut the connection with a reset, as a crashed SMSC would."""
        self._socket.reset()

    def request_unbind(self) -> None:
        """Say good-bye and close, without waiting for the answer."""
        if self.client is not None:
            self.send(wire.header_only(wire.UNBIND, self._next_sequence_number()))
        self.close()

    def enquire_link(self, now: float) -> None:
        self.asked_at = now
        self.send(wire.header_only(wire.ENQUIRE_LINK, self._next_sequence_number()))
        self.flush()

    @property
    def deliver_window_free(self) -> int:
        if self._socket.is_closing:
            return 0
        return self._simulator.settings.deliver_window - len(self._outstanding)

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Queue deliver_sm; the simulator flushes."""
        simulator, out, outstanding = self._simulator, self._out, self._outstanding
        now, now_ms, journal = simulator.now, simulator.now_ms, simulator.journal
        number = self._sequence_number
        for delivery in deliveries:
            delivery.prepare(now_ms, simulator.settings.receipt_tlvs)
            number = number + 1 if number < SEQUENCE_NUMBER_MAX else 1
            outstanding[number] = delivery
            delivery.sent_at = now
            out.append(wire.deliver_sm(number, delivery.body, delivery.tlvs if self.tlvs else b""))
            if journal is not None:
                journal.delivered(delivery.message_id, delivery.word)
        self._sequence_number = number
        simulator.count_sent(deliveries)
        simulator.touch(self)

    def take_overdue(self, sent_before: float) -> list[Delivery]:
        """Outstanding deliveries sent before that instant; they are outstanding no more."""
        outstanding = self._outstanding
        numbers = [number for number, _ in takewhile(lambda item: item[1].sent_at < sent_before, outstanding.items())]
        return [outstanding.pop(number) for number in numbers]

    def take_outstanding(self) -> list[Delivery]:
        """All outstanding deliveries, in order; the session is over."""
        deliveries = list(self._outstanding.values())
        self._outstanding.clear()
        return deliveries

    # --- what the client sent ---

    def _serve(self, octets: bytes, now: float) -> None:
        broken = False
        try:
            frames = self._frames.feed(octets, now)
        except FramingError as error:
            frames, broken = error.frames, True
        unpack = wire.HEADER.unpack_from
        acknowledged: list[Delivery] = []
        for frame in frames:
            _, command_id, command_status, number = unpack(frame)
            if command_id == wire.SUBMIT_SM and self._may_submit:
                self._submit(frame, number)
            elif command_id == wire.DELIVER_SM_RESP:
                delivery = self._outstanding.pop(number, None)
                if delivery is not None:
                    self._simulator.acknowledge(delivery, command_status)
                    acknowledged.append(delivery)
            elif command_id == wire.ENQUIRE_LINK:
                self._out.append(wire.header_only(wire.ENQUIRE_LINK_RESP, number))
            else:
                self._serve_other(frame)
            if self._socket.is_closing:
                return
        if broken:
            self._simulator.statistics.malformed += 1
            self._respond(GenericNack(sequence_number=0, command_status=status.ESME_RINVCMDLEN))
            self.close()
        elif acknowledged and self.client is not None and self.client.ready:
            self.client.pump()

    def _submit(self, frame: bytes, number: int) -> None:
        submitted = wire.read_submit_sm(frame)
        if submitted is None:
            self._simulator.statistics.malformed += 1
            self._respond(self._why_malformed(frame, number))
            return
        self._simulator.submit(self, frame, number, submitted)

    def _why_malformed(self, frame: bytes, number: int) -> Response:
        try:
            decode(frame)
        except PduError as error:
            return response_to(error)
        return refusal(SubmitSm(sequence_number=number), status.ESME_RINVMSGLEN)

    def _serve_other(self, frame: bytes) -> None:
        try:
            pdu = decode(frame)
        except PduError as error:
            self._simulator.statistics.malformed += 1
            self._respond(response_to(error))
            return
        if isinstance(pdu, Bind):
            self._bind(pdu)
        elif isinstance(pdu, Unbind):
            self._respond(UnbindResp(sequence_number=pdu.sequence_number))
            self.close()
        elif isinstance(pdu, GenericNack):
            delivery = self._outstanding.pop(pdu.sequence_number, None)
            if delivery is not None:
                self._simulator.acknowledge(delivery, pdu.command_status or status.ESME_RUNKNOWNERR)
        elif isinstance(pdu, Request) and pdu.is_answered and not isinstance(pdu, Outbind):
            self._respond(refusal(pdu, self._refusal_status(pdu)))

    def _refusal_status(self, pdu: Pdu) -> int:
        if self.client is None or isinstance(pdu, SubmitSm):
            return status.ESME_RINVBNDSTS
        return _REFUSALS.get(type(pdu), status.ESME_RINVCMDID)

    def _bind(self, pdu: Bind) -> None:
        command_status = status.ESME_RALYBND if self.client is not None else self._simulator.judge_bind(pdu)
        response = refusal(pdu, command_status)
        assert isinstance(response, BindResp)
        if command_status:
            self._respond(response)
            return
        self.tlvs = pdu.interface_version >= SUPPORTED_VERSION
        response.system_id = self._simulator.settings.system_id
        if self.tlvs:
            response.tlvs = ((Tag.SC_INTERFACE_VERSION, bytes((SUPPORTED_VERSION,))),)
        self._respond(response)
        self._may_submit = not isinstance(pdu, BindReceiver)
        self.may_receive = not isinstance(pdu, BindTransmitter)
        self.client = self._simulator.welcome(self, pdu.system_id)

    def _respond(self, response: Response) -> None:
        self._out.append(encode(response))

    def _next_sequence_number(self) -> int:
        number = self._sequence_number
        self._sequence_number = number = number + 1 if number < SEQUENCE_NUMBER_MAX else 1
        return number
