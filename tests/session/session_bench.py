"""A session driver on one end of a pair of streams, a scripted peer on the other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from smsagg.session import DriverLimits, SessionDriver
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.connection import Connection, Limits, Received, Role
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import Bind, BindTransceiver, BindTransceiverResp, Pdu, Request, SubmitSm, refusal
from smsagg.smpp.timers import TimerSettings


class Application:
    """A SessionHandler that keeps what it hears, and answers every submit_sm with its sequence_number as the id."""

    def __init__(self) -> None:
        self.driver: SessionDriver
        self.batches: list[Received] = []
        self.responses: list[tuple[object, Pdu]] = []
        self.late: list[tuple[object, Pdu]] = []
        self.expired: list[tuple[float, list[object]]] = []
        self.bind_status = 0

    def on_received(self, received: Received) -> None:
        self.batches.append(received)
        self.responses += received.responses
        self.late += received.late_responses
        connection = self.driver.connection
        submits = [pdu.sequence_number for pdu in received.requests if isinstance(pdu, SubmitSm)]
        connection.respond_submit_sm(submits, [str(number) for number in submits])
        for pdu in received.requests:
            if isinstance(pdu, Bind):
                self._answer_bind(pdu)

    def _answer_bind(self, pdu: Bind) -> None:
        connection = self.driver.connection
        if self.bind_status:
            connection.respond(refusal(pdu, self.bind_status))
            return
        connection.respond(BindTransceiverResp(sequence_number=pdu.sequence_number))
        held = connection.take_held(trio.current_time())
        if held.requests:
            self.on_received(held)
        if held.close is not None:
            self.driver.close(held.close.value)

    def on_expired(self, contexts: list[object]) -> None:
        self.expired.append((trio.current_time(), contexts))

    def request(self, pdu: Request, context: object) -> None:
        """Send a request of ours."""
        self.driver.connection.request(pdu, context, trio.current_time())
        self.driver.flush()


class ScriptedPeer:
    """The other end: sends what it is told, reads when it is told."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self._frames = FrameBuffer(1 << 20)
        self._pdus: list[Pdu] = []

    async def send(self, *pdus: Pdu) -> None:
        await self.stream.send_all(b"".join(encode(pdu) for pdu in pdus))

    async def receive(self) -> Pdu | None:
        """The next PDU; ``None`` at the end."""
        while not self._pdus:
            try:
                octets = await self.stream.receive_some(65_536)
            except trio.BrokenResourceError:
                return None
            if not octets:
                return None
            self._pdus += [decode(frame) for frame in self._frames.feed(bytes(octets))]
        return self._pdus.pop(0)

    async def receive_all(self) -> list[Pdu]:
        """Everything until the end."""
        pdus = []
        while (pdu := await self.receive()) is not None:
            pdus.append(pdu)
        return pdus

    async def bind(self) -> None:
        await self.send(BindTransceiver("esme", "secret", sequence_number=1))
        assert isinstance(await self.receive(), BindTransceiverResp)


class Bench:
    """A running driver, its application, and its peer."""

    def __init__(self, driver: SessionDriver, application: Application, peer: ScriptedPeer) -> None:
        self.driver = driver
        self.application = application
        self.peer = peer
        self.scope = trio.CancelScope()
        self.ended_at: float | None = None
        self.reason = ""
        self._ended = trio.Event()

    async def run(self) -> None:
        try:
            with self.scope:
                self.reason = await self.driver.run()
        finally:
            self.ended_at = trio.current_time()
            self._ended.set()

    async def wait_ended(self) -> str:
        with trio.fail_after(3_600):
            await self._ended.wait()
        return self.reason


Pair = Callable[[], tuple[Any, Any]]


@asynccontextmanager
async def running(
    pair: Pair = trio.testing.memory_stream_pair,
    limits: Limits | None = None,
    timers: TimerSettings | None = None,
    driver_limits: DriverLimits | None = None,
    role: Role = Role.SMSC,
) -> AsyncIterator[Bench]:
    """A driver on the first stream of ``pair()``; its peer is not bound yet."""
    ours, theirs = pair()
    application = Application()
    connection = Connection(role, limits or Limits(), timers or TimerSettings(), trio.current_time())
    driver = SessionDriver(ours, connection, application, driver_limits or DriverLimits())
    application.driver = driver
    bench = Bench(driver, application, ScriptedPeer(theirs))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.run)
        yield bench
        nursery.cancel_scope.cancel()
