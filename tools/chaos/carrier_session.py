"""One association of a carrier with the server, and what the carrier owes over it."""

import time
from itertools import count
from typing import TYPE_CHECKING

import trio
from attrs import define

from tools.chaos import wire
from tools.chaos.referee import FROM_ESME, Referee

if TYPE_CHECKING:
    from tools.chaos.carrier import Carrier

READ_OCTETS = 65_536
FINAL_STATES = {2: ("DELIVRD", 0.90), 5: ("UNDELIV", 0.07), 3: ("EXPIRED", 0.02), 8: ("REJECTD", 0.01)}
"""States that receipts report: their words and shares."""
WORDS = {state: word for state, (word, _) in FINAL_STATES.items()}


@define(eq=False)
class Owed:
    """A receipt, or a handset's text, that was not acknowledged yet."""

    key: str
    """The carrier's id of the message, or the text."""
    state: int
    """What the receipt says; 0 for a handset's text."""
    source: str
    destination: str
    is_over: bool = False

    @property
    def is_mo(self) -> bool:
        return not self.state

    def encode(self, number: int) -> bytes:
        if self.is_mo:
            return wire.handset_message(number, self.source, self.destination, self.key)
        return wire.receipt(number, self.source, self.destination, self.key, WORDS[self.state], self.state)


class Session:
    """From the accepted connection to its end."""

    def __init__(self, stream: trio.SocketStream, carrier: "Carrier") -> None:
        self._stream = stream
        self._carrier = carrier
        self._referee = Referee(FROM_ESME)
        self._outbox = bytearray()
        self._work = trio.Event()
        self._numbers = count(1)
        self.outstanding: dict[int, Owed] = {}
        self.submits_unanswered = 0
        self.is_bound = False
        self.is_over = False

    async def run(self) -> None:
        """Serve until the peer is gone."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()
                nursery.cancel_scope.cancel()
        finally:
            self.is_over = True
            await trio.aclose_forcefully(self._stream)
            self._carrier.session_ended(self)

    def answer_submit(self, response: bytes) -> None:
        self.submits_unanswered -= 1
        self._send(response)

    def send_owed(self, owed: Owed) -> None:
        number = next(self._numbers)
        self.outstanding[number] = owed
        self._referee.sent(wire.DELIVER_SM, number)
        self._send(owed.encode(number))

    def _send(self, octets: bytes) -> None:
        self._outbox += octets
        self._work.set()

    async def _read(self) -> None:
        frames = wire.Frames()
        while True:
            try:
                octets = await self._stream.receive_some(READ_OCTETS)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not octets:
                return
            for command_id, status, number, body in frames.feed(bytes(octets)):
                breach = self._referee.received(command_id, status, number, body)
                if breach:
                    self._carrier.breached(breach)
                self._serve(command_id, status, number, body)
            self._carrier.after_batch()

    def _serve(self, command_id: int, status: int, number: int, body: bytes) -> None:
        if command_id == wire.SUBMIT_SM:
            self.submits_unanswered += 1
            self._carrier.submitted(self, number, wire.ShortMessage(body))
        elif command_id == wire.DELIVER_SM | wire.RESP:
            owed = self.outstanding.pop(number, None)
            if owed is not None:
                self._carrier.answered(owed, status)
        elif command_id == wire.BIND_TRANSCEIVER:
            self.is_bound = True
            self._send(wire.pdu(command_id | wire.RESP, number, b"carrier\0"))
            self._carrier.bound()
        elif command_id in (wire.ENQUIRE_LINK, wire.UNBIND):
            self._send(wire.pdu(command_id | wire.RESP, number))
            self.is_bound = self.is_bound and command_id != wire.UNBIND

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            self._work = trio.Event()
            octets, self._outbox = bytes(self._outbox), bytearray()
            try:
                await self._stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


def now_ms() -> int:
    return time.time_ns() // 1_000_000
