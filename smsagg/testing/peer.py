"""One end of an SMPP association, played by a test: it sends what it is told, and keeps what it got until asked."""

from typing import Any, TypeVar

import trio
import trio.testing

from smsagg.smpp.codec import decode, encode
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import EnquireLink, EnquireLinkResp, Pdu

P = TypeVar("P", bound=Pdu)

ANY_TLVS = Limits(check_tlvs=False)


class ScriptedPeer:
    """Answers nothing by itself but enquire_link, and that only while ``answers_enquire_link``."""

    patience_s = 7_200.0
    """Longest wait for anything; virtual seconds under a mock clock."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.answers_enquire_link = True
        self._frames = FrameBuffer(1 << 20)
        self._pdus: list[Pdu] = []
        self._sequence_number = 0

    async def send(self, *pdus: Pdu) -> None:
        """Number what has no number, and send all in one segment."""
        await self.send_raw(b"".join(self.encoded(*pdus)))

    def encoded(self, *pdus: Pdu) -> list[bytes]:
        """What :meth:`send` would send, a piece each."""
        for pdu in pdus:
            if not pdu.sequence_number:
                self._sequence_number += 1
                pdu.sequence_number = self._sequence_number
        return [encode(pdu) for pdu in pdus]

    async def send_raw(self, octets: bytes) -> None:
        await self.stream.send_all(octets)

    async def receive(self, kind: type[P]) -> P:
        """The next PDU of this kind; others stay. EOFError when the stream has ended, TooSlowError after a while."""
        with trio.fail_after(self.patience_s):
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
        with trio.fail_after(self.patience_s):
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
            pdu = decode(frame, ANY_TLVS)
            if isinstance(pdu, EnquireLink) and self.answers_enquire_link:
                await self.send(EnquireLinkResp(sequence_number=pdu.sequence_number))
            else:
                self._pdus.append(pdu)
        return bool(octets)
