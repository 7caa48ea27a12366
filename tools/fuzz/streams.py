"""A connection under fuzz: a peer that says anything in any pieces, and an application that is slow, or refuses.

An input is a row of pieces, each an octet of control, an octet of length and so many octets:

=======  ================================================================================================
control  meaning (low two bits; the others say how)
=======  ================================================================================================
0, 1     a PDU without its command_length, which is made to fit
2        octets as they are
3        no octets: time passes, or the application acts
=======  ================================================================================================

What must hold: nothing raises; every PDU that we send can be read, and there is at most one for each that came (and
those of our own); every request of ours has one end: answered, expired or given back.
"""

from collections import Counter
from struct import Struct

from smsagg.smpp.codec import decode
from smsagg.smpp.connection import Connection, Limits, Role, TimerSettings
from smsagg.smpp.errors import WindowFull, WrongState
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import (
    RESPONSES,
    Bind,
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    GenericNack,
    Pdu,
    Request,
    SubmitSm,
    Unbind,
    refusal,
)
from smsagg.smpp.status import ESME_RBINDFAIL, ESME_RSYSERR

LIMITS = Limits(pdu_octets_max=600, tlvs_max=8, window_max=4, unanswered_max=6, held_octets_max=900)
TIMERS = TimerSettings()
_LENGTH = Struct(">I")
_OUTPUT_OCTETS_MAX = 1 << 20


class FuzzedSession:
    """The application beside the connection under test; keeps count of what must add up."""

    def __init__(self, is_smsc: bool, is_bound: bool) -> None:
        self.connection = Connection(Role.SMSC if is_smsc else Role.ESME, LIMITS, TIMERS, 0.0)
        self.now = 0.0
        self._is_smsc = is_smsc
        self._owed: list[Request] = []
        self._sent: list[object] = []
        self._ended: Counter[object] = Counter()
        self._output = FrameBuffer(LIMITS.pdu_octets_max * 4)
        self._refuses = False
        self.pdus_out = 0
        self.pdus_caused = 0
        """Of ours: requests, and what timers send."""
        if not is_smsc:
            self._request(BindTransceiver("esme", "secret"))
        if is_bound:
            self._begin_bound()

    def _begin_bound(self) -> None:
        peer = Connection(Role.ESME if self._is_smsc else Role.SMSC, LIMITS, TIMERS, 0.0)
        if self._is_smsc:
            peer.request(BindTransceiver("esme", "secret"), None, 0.0)
            self.receive(peer.data_to_send(0.0))
            self.answer()
        else:
            request = peer.receive(self.connection.data_to_send(0.0), 0.0).requests[0]
            peer.respond(BindTransceiverResp("smsc", sequence_number=request.sequence_number))
            self.receive(peer.data_to_send(0.0))
            for number in range(2):
                self._request(SubmitSm("", 1, 1, "1", 1, 1, f"44770090012{number}", short_message=b"x"))

    def receive(self, octets: bytes) -> None:
        self._take(self.connection.receive(octets, self.now))

    def _take(self, received: object) -> None:
        self._owed += received.requests  # type: ignore[attr-defined]
        for context, _ in received.responses:  # type: ignore[attr-defined]
            self._end(context)

    def _end(self, context: object) -> None:
        self._ended[context] += 1

    def _request(self, pdu: Request) -> None:
        context = len(self._sent)
        try:
            self.connection.request(pdu, context, self.now)
        except (WindowFull, WrongState):
            return
        self._sent.append(context)
        self.pdus_caused += 1

    def act(self, octet: int) -> None:
        """Time passes (high bits), and the application does something (low bits)."""
        self.now += (octet >> 3) * 0.7
        match octet & 7:
            case 0:
                self.answer()
            case 1:
                self._refuses = not self._refuses
            case 2:
                self._request(DeliverSm(short_message=b"x") if self._is_smsc else SubmitSm(short_message=b"x"))
            case 3:
                self._request(Unbind())
            case 4:
                self.write()
            case 5:
                self.connection.forgive_missing_nuls()
                self.connection.context_of(1)
                self.connection.partial()
            case _:
                self._fire_timers()

    def _fire_timers(self) -> None:
        assert self.connection.next_timer_at() >= 0.0
        actions = self.connection.handle_timers(self.now)
        for context in actions.expired:
            self._end(context)
        self.pdus_caused += 1

    def answer(self) -> None:
        """Answer everything that is owed, and again what was held behind a bind."""
        while self._owed:
            owed, self._owed = self._owed, []
            for pdu in owed:
                if pdu.is_answered:
                    self._answer(pdu)
            self._take(self.connection.take_held(self.now))

    def _answer(self, pdu: Request) -> None:
        connection, number = self.connection, pdu.sequence_number
        if isinstance(pdu, SubmitSm):
            if self._refuses:
                connection.refuse_submit_sm([number], ESME_RSYSERR)
            else:
                connection.respond_submit_sm([number], ["0000000112345678"])
        elif isinstance(pdu, DeliverSm) and not self._refuses:
            connection.respond_deliver_sm([number])
        elif self._refuses:
            connection.respond(refusal(pdu, ESME_RBINDFAIL if isinstance(pdu, Bind) else ESME_RSYSERR))
        else:
            response = RESPONSES.get(pdu.command_id, GenericNack)
            connection.respond(response(sequence_number=number))

    def write(self) -> None:
        """Everything that is queued leaves, and can be read."""
        octets = self.connection.data_to_send(self.now)
        assert len(octets) < _OUTPUT_OCTETS_MAX
        for frame in self._output.feed(octets):
            pdu: Pdu = decode(frame)
            assert pdu is not None
            self.pdus_out += 1

    def finish(self, pdus_in: int) -> None:
        """The transport goes; everything must add up."""
        self.answer()
        self.write()
        assert self._output.buffered_octets == 0, "half a PDU was sent"
        assert self.pdus_out <= pdus_in + self.pdus_caused + 1, "more answers than requests"
        for context in self.connection.end():
            self._end(context)
        assert self._ended == Counter(self._sent), "a request without exactly one end"
        assert self.connection.data_to_send(self.now) == b""


def run_stream(octets: bytes, *, is_smsc: bool, is_bound: bool) -> int:
    """Play the pieces; how many PDUs the connection took from them."""
    session = FuzzedSession(is_smsc, is_bound)
    received = session.connection.statistics.received
    begun_with = sum(received.values())
    pdus = begun_with
    position = 0
    while position + 1 < len(octets):
        control, length = octets[position], octets[position + 1]
        position += 2
        if control & 3 == 3:
            session.act(length)
            continue
        piece = octets[position : position + length]
        position += length
        if control & 3 < 2:
            piece = _LENGTH.pack(4 + len(piece)) + piece
        step = 1 + (control >> 4) * 5 if control & 4 else len(piece) or 1
        for start in range(0, len(piece), step):
            session.receive(piece[start : start + step])
        pdus += 1 + len(piece) // 16
        if control & 8:
            session.answer()
    session.finish(pdus)
    return sum(received.values()) - begun_with
