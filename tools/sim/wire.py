"""The PDUs that simulated peers speak, beyond those of :mod:`tools.chaos.wire`, and apart from the gateway's.

:class:`SmppPeer` is one end of a :class:`~tools.sim.network.Wire` that cuts the stream into PDUs.
"""

from collections.abc import Callable

from tools.chaos.wire import ESME_ROK, HEADER, RESP, SUBMIT_SM, Frames, Pdu, ShortMessage, pdu
from tools.sim.network import Wire, Written

GENERIC_NACK = 0x80000000
BIND_RECEIVER = 0x01
BIND_TRANSMITTER = 0x02
BIND_TRANSCEIVER = 0x09
QUERY_SM = 0x03
DELIVER_SM = 0x05
UNBIND = 0x06
REPLACE_SM = 0x07
CANCEL_SM = 0x08
ENQUIRE_LINK = 0x15
SUBMIT_MULTI = 0x21
DATA_SM = 0x0103

QOS_TIME_TO_LIVE = 0x0017
USER_MESSAGE_REFERENCE = 0x0204
MESSAGE_PAYLOAD = 0x0424

ESME_RINVBNDSTS = 0x04
ESME_RSYSERR = 0x08
ESME_RINVDSTADR = 0x0B
ESME_RINVMSGID = 0x0C
ESME_RBINDFAIL = 0x0D
ESME_RREPLACEFAIL = 0x13
ESME_RCANCELFAIL = 0x11
ESME_RMSGQFUL = 0x14
ESME_RSUBMITFAIL = 0x45
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
    REPLACE_SM: "replace_sm",
    CANCEL_SM: "cancel_sm",
    ENQUIRE_LINK: "enquire_link",
    SUBMIT_MULTI: "submit_multi",
    DATA_SM: "data_sm",
}


def name_of(command_id: int) -> str:
    """``submit_sm_resp`` and the like."""
    if command_id == GENERIC_NACK:
        return "generic_nack"
    name = NAMES.get(command_id & ~RESP, f"{command_id:#x}")
    return f"{name}_resp" if command_id & RESP else name


def bind(command_id: int, number: int, system_id: str, password: str, version: int = 0x34) -> bytes:
    """``version``: the interface_version."""
    return pdu(
        command_id, number, system_id.encode() + b"\0" + password.encode() + b"\0\0" + bytes((version, 0, 0)) + b"\0"
    )


def bind_resp(command_id: int, number: int, status: int = ESME_ROK) -> bytes:
    return pdu(command_id | RESP, number, b"smsc\0" if status == ESME_ROK else b"", status)


def deliver_mo(
    number: int, source: str, destination: str, body: bytes, esm_class: int = 0, tlvs: dict[int, bytes] | None = None
) -> bytes:
    """A message from a handset."""
    octets = b"".join(
        (
            b"\0\x01\x01" + source.encode() + b"\0",
            b"\0\x01" + destination.encode() + b"\0",
            bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0, len(body))),
            body,
            *(tag.to_bytes(2) + len(value).to_bytes(2) + value for tag, value in (tlvs or {}).items()),
        )
    )
    return pdu(DELIVER_SM, number, octets)


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


def data_as_short(body: bytes) -> ShortMessage:
    """A data_sm as the deliver_sm that would say the same."""
    service_type, _, rest = body.partition(b"\0")
    source, _, rest = rest[2:].partition(b"\0")
    destination, _, rest = rest[2:].partition(b"\0")
    esm_class, registered_delivery, data_coding = rest[:3]
    start = service_type + b"\0\0\0" + source + b"\0\0\0" + destination + b"\0"
    fields = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((registered_delivery, 0, data_coding, 0, 0))
    return ShortMessage(start + fields + rest[3:])


def as_data_sm(octets: bytes) -> bytes:
    """A deliver_sm as the data_sm that says the same."""
    _, status, number, body = Frames().feed(octets)[0]
    short = ShortMessage(body)
    text = short.short_message.encode("latin-1")
    tlvs = {MESSAGE_PAYLOAD: text, **short.tlvs} if text else short.tlvs
    fields = b"".join(
        (
            b"\0" + bytes((short.source_ton, short.source_npi)) + short.source.encode() + b"\0",
            bytes((short.dest_ton, short.dest_npi)) + short.destination.encode() + b"\0",
            bytes((short.esm_class, short.registered_delivery, short.data_coding)),
            *(tag.to_bytes(2) + len(value).to_bytes(2) + value for tag, value in tlvs.items()),
        )
    )
    return pdu(DATA_SM, number, fields, status)


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
