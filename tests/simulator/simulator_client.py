"""A small SMPP client on trio, for tests of the simulator: sends PDUs, reads PDUs, answers nothing by itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import trio

from smsagg.clock import SystemClock
from smsagg.simulator.journal import Journal
from smsagg.simulator.server import Simulator, listen
from smsagg.simulator.settings import SimulatorSettings, structure_settings
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import BindResp, BindTransceiver, DeliverSm, DeliverSmResp, Pdu, SubmitSm

P = TypeVar("P", bound=Pdu)
QUICK: dict[str, Any] = {
    "latency": {"kind": "constant", "value": "0s"},
    "receipts": {"delay": {"kind": "constant", "value": "0s"}, "retry_after": "10ms"},
    "tick": "1ms",
}


def quick(**settings: Any) -> SimulatorSettings:
    """Settings without delays, as TOML would give them; tables of ``settings`` are merged in."""
    document = {key: dict(value) if isinstance(value, dict) else value for key, value in QUICK.items()}
    for key, value in settings.items():
        document[key] = document.get(key, {}) | value if isinstance(value, dict) else value
    return structure_settings(document, "test")


class SimulatorClient:
    """One connection to a simulator."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._frames = FrameBuffer(70_000)
        self._received: list[Pdu] = []
        self._sequence_number = 0

    async def send(self, *pdus: Pdu) -> None:
        for pdu in pdus:
            if not pdu.sequence_number:
                self._sequence_number += 1
                pdu.sequence_number = self._sequence_number
        await self.stream.send_all(b"".join(encode(pdu) for pdu in pdus))

    async def receive(self, kind: type[P], timeout_s: float = 10.0) -> P:
        """The next PDU of this kind; others stay for later. EOFError when the simulator has closed."""
        with trio.fail_after(timeout_s):
            while True:
                for index, pdu in enumerate(self._received):
                    if isinstance(pdu, kind):
                        del self._received[index]
                        return pdu
                octets = await self.stream.receive_some()
                if not octets:
                    raise EOFError
                self._received += [decode(frame) for frame in self._frames.feed(bytes(octets))]

    async def bind(self, kind: Callable[..., Pdu] = BindTransceiver, **fields: Any) -> Any:
        await self.send(kind(**({"system_id": "acme", "password": "secret"} | fields)))
        return await self.receive(BindResp)

    async def acknowledge(self, delivery: DeliverSm, command_status: int = 0) -> None:
        await self.send(DeliverSmResp(sequence_number=delivery.sequence_number, command_status=command_status))


def submit_sm(text: bytes = b"hello", **fields: Any) -> SubmitSm:
    values: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "447700900123",
        "registered_delivery": 1,
        "short_message": text,
    }
    return SubmitSm(**(values | fields))


@asynccontextmanager
async def running(
    settings: SimulatorSettings, journal: Journal | None = None
) -> AsyncIterator[tuple[Simulator, Callable[[], Any]]]:
    """A simulator on a loopback port, and how to connect to it."""
    simulator = Simulator(settings, SystemClock(), Random(1), journal)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]

    async def connect() -> SimulatorClient:
        return SimulatorClient(await trio.open_tcp_stream("127.0.0.1", port))

    async with trio.open_nursery() as nursery:
        await nursery.start(simulator.serve, listener)
        yield simulator, connect
        nursery.cancel_scope.cancel()
