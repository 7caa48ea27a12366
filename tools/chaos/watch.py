"""The bind that does nothing but ask the server, all the time, whether it is there (L5)."""

import time
from itertools import count

import trio

from tools.chaos import wire
from tools.chaos.esme import Account
from tools.chaos.history import Enquiry

INTERVAL_S = 0.2
RECONNECT_S = 0.1
READ_OCTETS = 4_096


class Watch:
    """Asks every :data:`INTERVAL_S`, whether or not the last question was answered."""

    def __init__(self, port: int, account: Account) -> None:
        self._port = port
        self._account = account
        self._unanswered: dict[int, Enquiry] = {}
        self._answers = bytearray()
        self.enquiries: list[Enquiry] = []

    async def run(self) -> None:
        """Bind, ask, and bind again when the session is lost, until cancelled."""
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", self._port)
            except OSError:
                await trio.sleep(RECONNECT_S)
                continue
            try:
                await self._serve(stream)
            except* (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            finally:
                await trio.aclose_forcefully(stream)
            await trio.sleep(RECONNECT_S)

    async def _serve(self, stream: trio.SocketStream) -> None:
        """One session. The reader answers nothing itself: what is to be sent goes out with the next question."""
        self._unanswered.clear()
        self._answers.clear()
        try:
            await stream.send_all(wire.bind_transceiver(1, self._account.system_id, self._account.password))
            frames = wire.Frames()
            async with trio.open_nursery() as nursery:
                while octets := await stream.receive_some(READ_OCTETS):
                    for command_id, status, number, _ in frames.feed(bytes(octets)):
                        if command_id == wire.BIND_TRANSCEIVER | wire.RESP and not status:
                            nursery.start_soon(self._ask, stream)
                        elif command_id == wire.ENQUIRE_LINK | wire.RESP:
                            self._unanswered.pop(number).answered_at = time.monotonic()
                        elif command_id in (wire.ENQUIRE_LINK, wire.UNBIND):
                            self._answers += wire.pdu(command_id | wire.RESP, number)
                nursery.cancel_scope.cancel()
        finally:
            for enquiry in self._unanswered.values():
                enquiry.session_ended_at = time.monotonic()

    async def _ask(self, stream: trio.SocketStream) -> None:
        for number in count(2):
            octets = bytes(self._answers) + wire.pdu(wire.ENQUIRE_LINK, number)
            self._answers.clear()
            self._unanswered[number] = enquiry = Enquiry(time.monotonic())
            self.enquiries.append(enquiry)
            try:
                await stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            await trio.sleep(INTERVAL_S)
