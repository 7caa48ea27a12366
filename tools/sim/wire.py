"""The PDUs that simulated peers speak, beyond those of :mod:`tools.chaos.wire`, and apart from the gateway's.

:class:`SmppPeer` is one end of a :class:`~tools.sim.network.Wire` that cuts the stream into PDUs.
"""

from collections.abc import Callable

from tools.chaos.wire import ESME_ROK, HEADER, RESP, SUBMIT_SM, Frames, Pdu, pdu
from tools.sim.network import Wire, Written

GENERIC_NACK = 0x80000000
BIND_RECEIVER = 0x01
BIND_TRANSMITTER = 0x02
BIND_TRANSCEIVER = 0x09
QUERY_SM = 0x03
DELIVER_SM = 0x05
UNBIND = 0x06
CANCEL_SM = 0x08
ENQUIRE_LINK = 0x15

USER_MESSAGE_REFERENCE = 0x0204
MESSAGE_PAYLOAD = 0x0424

ESME_RINVBNDSTS = 0x04
ESME_RSYSERR = 0x08
ESME_RINVDSTADR = 0x0B
ESME_RINVMSGID = 0x0C
ESME_RBINDFAIL = 0x0D
ESME_RCANCELFAIL = 0x11
ESME_RMSGQFUL = 0x14
ESME_RTHROTTLED = 0x58
ESME_RX_T_APPN = 0x64
ESME_RX_R_APPN = 0x66

NAMES = {
    BIND_RECEIVER: "bind_receiver",
    BIND_TRANSMITTER: "bind_transmitter",
    BIND_TRANSCEIVER: "bind_transceiver",
    QUERY_SM: "query_sm",
    SUBMIT_SM: "submit_sm",
    DELIVER_SM: "deliver_sm",
    UNBIND: "unbind",
    CANCEL_SM: "cancel_sm",
    ENQUIRE_LINK: "enquire_link",
}


def name_of(command_id: int) -> str:
    """``submit_sm_resp`` and the like."""
    if command_id == GENERIC_NACK:
        return "generic_nack"
    name = NAMES.get(command_id & ~RESP, f"{command_id:#x}")
    return f"{name}_resp" if command_id & RESP else name


def bind(command_id: int, number: int, system_id: str, password: str) -> bytes:
    return pdu(
        command_id, number, system_id.encode() + b"\0" + password.encode() + b"\0\0" + bytes((0x34, 0, 0)) + b"\0"
    )


def bind_resp(command_id: int, number: int, status: int = ESME_ROK) -> bytes:
    return pdu(command_id | RESP, number, b"smsc\0" if status == ESME_ROK else b"", status)


def submit_sm(
    number: int,
    source: str,
    destination: str,
    text: str,
    registered_delivery: int,
    validity_period: str = "",
    schedule_delivery_time: str = "",
    priority: int = 0,
    reference: int = 0,
    in_payload: bool = False,
) -> bytes:
    octets = text.encode("ascii")
    short_message = b"" if in_payload else octets
    body = b"".join(
        (
            b"\0\x05\0" + source.encode() + b"\0",
            b"\x01\x01" + destination.encode() + b"\0",
            bytes((0, 0, priority)),
            schedule_delivery_time.encode() + b"\0" + validity_period.encode() + b"\0",
            bytes((registered_delivery, 0, 0, 0, len(short_message))),
            short_message,
            USER_MESSAGE_REFERENCE.to_bytes(2) + b"\0\x02" + reference.to_bytes(2),
        )
    )
    if in_payload:
        body += MESSAGE_PAYLOAD.to_bytes(2) + len(octets).to_bytes(2) + octets
    return pdu(SUBMIT_SM, number, body)


def deliver_mo(number: int, source: str, destination: str, text: str) -> bytes:
    """A message from a handset."""
    body = b"".join(
        (
            b"\0\x01\x01" + source.encode() + b"\0",
            b"\0\x01" + destination.encode() + b"\0",
            b"\0\0\0\0\0" + bytes((0, 0, 0, 0, len(text))),
            text.encode(),
        )
    )
    return pdu(DELIVER_SM, number, body)


def query_sm(number: int, message_id: str, source: str) -> bytes:
    return pdu(QUERY_SM, number, message_id.encode() + b"\0\x05\0" + source.encode() + b"\0")


def cancel_sm(number: int, message_id: str, source: str, destination: str) -> bytes:
    addresses = b"\x05\0" + source.encode() + b"\0" + b"\x01\x01" + destination.encode() + b"\0"
    return pdu(CANCEL_SM, number, b"\0" + message_id.encode() + b"\0" + addresses)


def queried_state(body: bytes) -> tuple[str, int]:
    """(message_id, message_state) of a query_sm_resp."""
    message_id, _, rest = body.partition(b"\0")
    return message_id.decode(), rest.split(b"\0", 1)[1][0]


def relative_time(seconds: int) -> str:
    """A relative time of whole seconds, less than a hundred."""
    return f"0000000000{seconds:02d}000R"


class SmppPeer:
    """A peer's end of one connection. Subclasses take PDUs in :meth:`on_pdu`."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        wire.peer = self
        self._frames = Frames()
        self._number = 0

    @property
    def is_over(self) -> bool:
        return self.wire.is_over

    def on_octets(self, octets: bytes) -> None:
        for received in self._frames.feed(octets):
            written = self.wire.written(HEADER.size + len(received[3]))
            if not self.wire.is_over:
                self.on_pdu(received, written)

    def on_pdu(self, received: Pdu, written: Written) -> None:
        """One PDU of the gateway, and the write that it came with."""
        raise NotImplementedError

    def on_closed(self) -> None:
        """The connection is over."""

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def send(self, octets: bytes, on_read: Callable[[], None] | None = None) -> None:
        self.wire.send(octets, on_read)
