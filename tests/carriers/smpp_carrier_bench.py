"""An SmppCarrier under test, and the SMSC that a test plays for it: on memory streams, so that time is the test's."""

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import trio
import trio.testing
from carrier_recorder import RecordingEvents, make_message

from smsagg.carriers.smpp.carrier import SmppCarrier
from smsagg.carriers.smpp.link import SmppLink
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.clock import SystemClock
from smsagg.model import Message
from smsagg.smpp.pdu import (
    RESPONSES,
    Bind,
    BindResp,
    DeliverSm,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.peer import ScriptedPeer

PATIENCE_S = 7_200.0


class Smsc(ScriptedPeer):
    """One connection as the SMSC sees it."""

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
