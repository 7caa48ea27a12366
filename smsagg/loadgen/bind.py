"""One bind of the load generator: keeps its window full, reads responses and receipts, acknowledges receipts.

Each read is served whole and answered with one write; messages are made from templates and responses are read by
slicing, so that the generator costs a few microseconds a message and does not become what is measured.
"""

import math
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from smsagg.errors import PeerError
from smsagg.loadgen import wire
from smsagg.session.batch_socket import BatchSocket
from smsagg.smpp import status
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.errors import PduError
from smsagg.smpp.pdu import BindResp, BindTransceiver, Response, response_to

if TYPE_CHECKING:
    from smsagg.loadgen.run import LoadRun

BIND_TIMEOUT_S = 30.0
UNBIND_TIMEOUT_S = 2.0
RECONNECT_S = 0.2
HOLD_OFF_S = 0.05
"""How long a bind sends nothing after it was throttled."""
PDU_OCTETS_MAX = 70_000
SEQUENCE_NUMBER_MAX = 0x7FFFFFFF
_THROTTLED = (status.ESME_RTHROTTLED, status.ESME_RMSGQFUL)


class LoadBind:
    """A transceiver bind; the run decides how many messages it may send."""

    def __init__(self, run: "LoadRun") -> None:
        self.is_bound = False
        self.hold_until = 0.0
        self.outstanding: dict[int, tuple[int, float]] = {}
        """(message number, start) by sequence_number."""
        self._run = run
        self._socket: BatchSocket | None = None
        self._rest = b""
        self._sequence_number = 0
        self._bind_scope = trio.CancelScope()
        self._bind_error: PeerError | None = None
        self._on_bound: Callable[[], None] = lambda: None

    async def run(self, task_status: trio.TaskStatus[PeerError | None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connect, bind and serve until the connection ends; again and again while the run reconnects.

        ``started(None)`` once bound, ``started(error)`` when the first bind fails; then it returns.
        """
        self._on_bound = lambda: task_status.started(None)
        try:
            await self._serve_one_connection()
        except PeerError as error:
            task_status.started(error)
            return
        self._on_bound = lambda: None
        while self._run.settings.reconnect and not self._run.is_stopping:
            await trio.sleep(RECONNECT_S)
            with suppress(PeerError):
                await self._serve_one_connection()

    def fill(self, now: float, count_max: int) -> int:
        """Send as many messages as window and run allow, at most ``count_max``; returns how many."""
        sock, run = self._socket, self._run
        if sock is None or not self.is_bound or now < self.hold_until or run.is_stopping:
            return 0
        count = min(run.settings.window - len(self.outstanding), count_max)
        if count <= 0 or sock.unsent_octets:
            return 0
        out, outstanding, submit_sm = sock.out, self.outstanding, run.templates.submit_sm
        sequence_number = self._sequence_number
        for number, started_at in run.take(count, now):
            sequence_number = sequence_number + 1 if sequence_number < SEQUENCE_NUMBER_MAX else 1
            outstanding[sequence_number] = (number, started_at)
            out.append(submit_sm(sequence_number, number))
        self._sequence_number = sequence_number
        sock.flush()
        return count

    def unbind(self) -> None:
        """Ask to end; the connection is cut when nobody answers."""
        sock = self._socket
        if sock is not None and self.is_bound:
            self._bind_scope.deadline = trio.current_time() + UNBIND_TIMEOUT_S
            sock.out.append(wire.header_only(wire.UNBIND, SEQUENCE_NUMBER_MAX))
            sock.flush()

    async def _serve_one_connection(self) -> None:
        settings = self._run.settings
        try:
            stream = await trio.open_tcp_stream(settings.host, settings.port)
        except OSError as error:
            raise PeerError(f"cannot connect to {settings.host}:{settings.port}: {error}") from error
        sock = BatchSocket(socket.socket(fileno=stream.socket.detach()))
        self._rest, self._bind_error, self._sequence_number = b"", None, 1
        sock.out.append(
            encode(BindTransceiver(system_id=settings.system_id, password=settings.password, sequence_number=1))
        )
        sock.flush()
        self._socket = sock
        with trio.move_on_after(BIND_TIMEOUT_S) as self._bind_scope:
            await sock.run(self._on_octets)
        was_bound, self.is_bound, self._socket = self.is_bound, False, None
        self._run.on_connection_lost(self)
        if not was_bound:
            raise self._bind_error or PeerError(f"{settings.host}:{settings.port}: no answer to the bind request")

    def _on_octets(self, octets: bytes) -> None:
        now = trio.current_time()
        sock = self._socket
        assert sock is not None
        if self._rest:
            octets = self._rest + octets
        start, end = 0, len(octets)
        unpack, out = wire.unpack_header, sock.out
        ledger, outstanding = self._run.ledger, self.outstanding
        while end - start >= wire.HEADER_OCTETS:
            length, command_id, command_status, sequence_number = unpack(octets, start)
            stop = start + length
            if stop > end:
                break
            if not wire.HEADER_OCTETS <= length <= PDU_OCTETS_MAX:
                sock.reset()
                return
            if command_id == wire.SUBMIT_SM_RESP:
                waiting = outstanding.pop(sequence_number, None)
                if waiting is not None:
                    message_id = octets[start + 16 : stop - 1]
                    ledger.responded(waiting[0], waiting[1], command_status, message_id, now)
                    if command_status in _THROTTLED:
                        self.hold_until = now + HOLD_OFF_S
            elif command_id == wire.DELIVER_SM:
                receipt = wire.read_receipt(octets, start, stop)
                if receipt is None:
                    ledger.mo += 1
                else:
                    ledger.receipted(receipt[0], receipt[1], now)
                out.append(wire.deliver_sm_resp(sequence_number))
            else:
                self._serve_other(sock, command_id, octets[start:stop])
            start = stop
        self._rest = octets[start:]
        if not self.fill(now, outstanding_max(len(self._run.binds), self._run.allowed(now))):
            sock.flush()

    def _serve_other(self, sock: BatchSocket, command_id: int, frame: bytes) -> None:
        sequence_number = wire.unpack_header(frame)[3]
        if command_id == wire.ENQUIRE_LINK:
            sock.out.append(wire.header_only(wire.ENQUIRE_LINK_RESP, sequence_number))
        elif command_id == wire.UNBIND:
            sock.out.append(wire.header_only(wire.UNBIND_RESP, sequence_number))
            sock.close()
        elif command_id == wire.UNBIND_RESP:
            sock.close()
        elif not self.is_bound:
            self._on_bind_response(sock, frame)

    def _on_bind_response(self, sock: BatchSocket, frame: bytes) -> None:
        try:
            pdu = decode(frame)
        except PduError as error:
            pdu = response_to(error)
        if isinstance(pdu, BindResp) and pdu.command_status == status.ESME_ROK:
            self.is_bound = True
            self._bind_scope.deadline = math.inf
            self._on_bound()
        elif isinstance(pdu, Response):
            self._bind_error = PeerError(f"bind refused: {status.describe(pdu.command_status)}")
            sock.close()


def outstanding_max(binds: int, allowed: int) -> int:
    """A bind's fair share of what may be sent now: all of a little, a part of much."""
    return -(-allowed // binds) if allowed > binds else allowed
