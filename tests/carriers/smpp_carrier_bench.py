"""An SmppCarrier under test, and the SMSC that a test plays for it: on memory streams, so that time is the test's."""

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import trio
import trio.testing
from carrier_recorder import RecordingEvents, make_message

from smsagg.carriers.smpp.carrier import SmppCarrier
from smsagg.carriers.smpp.link import SmppLink
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.clock import SystemClock
from smsagg.model import Message
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import (
    RESPONSES,
    Bind,
    BindResp,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.status import ESME_ROK

PATIENCE_S = 7_200.0
P = TypeVar("P", bound=Pdu)


class Smsc:
    """One connection as the SMSC sees it; answers nothing by itself but enquire_link."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.answers_enquire_link = True
        self._frames = FrameBuffer(1 << 20)
        self._pdus: list[Pdu] = []
        self._sequence_number = 0

    async def send(self, *pdus: Pdu) -> None:
        for pdu in pdus:
            if not pdu.sequence_number:
                self._sequence_number += 1
                pdu.sequence_number = self._sequence_number
        await self.send_raw(b"".join(encode(pdu) for pdu in pdus))

    async def send_raw(self, octets: bytes) -> None:
        await self.stream.send_all(octets)

    async def receive(self, kind: type[P]) -> P:
        """The next PDU of this kind; others stay. EOFError when the stream has ended."""
        with trio.fail_after(PATIENCE_S):
            while True:
                for index, pdu in enumerate(self._pdus):
                    if isinstance(pdu, kind):
                        del self._pdus[index]
                        return pdu
                if not await self._read():
                    raise EOFError

    async def receive_many(self, kind: type[P], count: int) -> list[P]:
        return [await self.receive(kind) for _ in range(count)]

    async def receive_all(self) -> list[Pdu]:
        """Everything until the stream ends."""
        with trio.fail_after(PATIENCE_S):
            while await self._read():
                pass
        pdus, self._pdus = self._pdus, []
        return pdus

    async def waiting(self, kind: type[P]) -> list[P]:
        """What of this kind has come when nothing more happens without time passing."""
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.0001):
            while await self._read():
                pass
        found = [pdu for pdu in self._pdus if isinstance(pdu, kind)]
        self._pdus = [pdu for pdu in self._pdus if not isinstance(pdu, kind)]
        return found

    async def _read(self) -> bool:
        try:
            octets = await self.stream.receive_some(65_536)
        except trio.BrokenResourceError:
            return False
        for frame in self._frames.feed(bytes(octets)):
            pdu = decode(frame)
            if isinstance(pdu, EnquireLink) and self.answers_enquire_link:
                await self.send(EnquireLinkResp(sequence_number=pdu.sequence_number))
            else:
                self._pdus.append(pdu)
        return bool(octets)

    async def take_bind(self, command_status: int = ESME_ROK) -> Bind:
        """Wait for the bind request and answer it."""
        bind = await self.receive(Bind)
        response = RESPONSES[bind.command_id](sequence_number=bind.sequence_number, command_status=command_status)
        assert isinstance(response, BindResp)
        response.system_id = "" if command_status else "smsc"
        await self.send(response)
        return bind

    async def accept(self, submit: SubmitSm, message_id: str, command_status: int = ESME_ROK) -> None:
        await self.send(SubmitSmResp(message_id, sequence_number=submit.sequence_number, command_status=command_status))

    async def close(self) -> None:
        await trio.aclose_forcefully(self.stream)


class Network:
    """Every connection that the carrier makes, and what becomes of it."""

    def __init__(self) -> None:
        self.attempts_at: list[float] = []
        self.fails = ""
        """``refuse``, ``hang`` or ``dns``; empty: connections succeed."""
        self.stream_pair: Callable[[], tuple[Any, Any]] = trio.testing.memory_stream_pair
        self.streams: list[Any] = []
        """Our ends, in the order made."""
        self._made, self._connections = trio.open_memory_channel[Smsc](1_000)

    async def open_tcp_stream(self, host: str, port: int) -> Any:
        """In place of trio's."""
        self.attempts_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.fails == "refuse":
            raise OSError(errno.ECONNREFUSED, "refused")
        if self.fails == "dns":
            raise OSError("no such name")
        if self.fails == "hang":
            await trio.sleep_forever()
        ours, theirs = self.stream_pair()
        self.streams.append(ours)
        self._made.send_nowait(Smsc(theirs))
        return ours

    async def connection(self) -> Smsc:
        """The next connection that the carrier makes."""
        with trio.fail_after(PATIENCE_S):
            return await self._connections.receive()

    async def bound(self) -> Smsc:
        """The next connection, with its bind answered ESME_ROK."""
        smsc = await self.connection()
        await smsc.take_bind()
        await trio.testing.wait_all_tasks_blocked()
        return smsc


class Bench:
    """A running carrier."""

    def __init__(self, carrier: SmppCarrier, events: RecordingEvents, network: Network, nursery: trio.Nursery) -> None:
        self.carrier = carrier
        self.events = events
        self.network = network
        self.nursery = nursery
        self.scope = trio.CancelScope()

    @property
    def link(self) -> SmppLink:
        return self.carrier.links[0]

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        with self.scope:
            await self.carrier.run(task_status=task_status)

    def send(self, count: int, first: int = 1, **fields: Any) -> list[Message]:
        """Hand messages to the first link."""
        messages = [make_message(seq, **fields) for seq in range(first, first + count)]
        self.link.send(messages)
        return messages


@asynccontextmanager
async def smpp_carrier(monkeypatch: Any, network: Network | None = None, **settings: Any) -> AsyncIterator[Bench]:
    """A carrier whose connections go to ``network``; ``settings`` are those of ``[carriers.acme]``."""
    network = network or Network()
    monkeypatch.setattr(trio, "open_tcp_stream", network.open_tcp_stream)
    values: dict[str, Any] = {"address": "smsc.example:2775", "system_id": "acme", "password": "secret"}
    events = RecordingEvents()
    carrier = SmppCarrier("acme", SmppSettings(**(values | settings)), events, SystemClock(), Random(1))
    async with trio.open_nursery() as nursery:
        bench = Bench(carrier, events, network, nursery)
        await nursery.start(bench.run)
        yield bench
        nursery.cancel_scope.cancel()


def receipt_text(message_id: str, stat: str = "DELIVRD", err: str = "000") -> bytes:
    return (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2701150800 done date:2701150801 stat:{stat} err:{err} text:hi"
    ).encode()


def receipt_pdu(message_id: str, stat: str = "DELIVRD", **fields: Any) -> DeliverSm:
    """A carrier's receipt."""
    values: dict[str, Any] = {"esm_class": 4, "short_message": receipt_text(message_id, stat)}
    return DeliverSm(**(values | fields))
