"""The little of SMPP 3.4 that the observed ESME and the carriers of a run need.

Written apart from :mod:`smsagg.smpp` on purpose: what observes the system shares no code with it, so a fault in the
codec or in the window cannot hide itself.
"""

from struct import Struct

HEADER = Struct(">IIII")

BIND_TRANSCEIVER = 0x09
SUBMIT_SM = 0x04
DELIVER_SM = 0x05
UNBIND = 0x06
ENQUIRE_LINK = 0x15
RESP = 0x80000000

ESME_ROK = 0x00

RECEIPTED_MESSAGE_ID = 0x001E
MESSAGE_STATE = 0x0427

Pdu = tuple[int, int, int, bytes]
"""(command_id, command_status, sequence_number, body)."""


class Frames:
    """Cuts a stream into PDUs."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, octets: bytes) -> list[Pdu]:
        """The whole PDUs that are there now."""
        data = self._data
        data += octets
        pdus: list[Pdu] = []
        start = 0
        while len(data) - start >= 16:
            length, command_id, status, number = HEADER.unpack_from(data, start)
            if length < 16:
                raise ValueError(f"command_length {length}")
            if len(data) - start < length:
                break
            pdus.append((command_id, status, number, bytes(data[start + 16 : start + length])))
            start += length
        del data[:start]
        return pdus


def pdu(command_id: int, number: int, body: bytes = b"", status: int = ESME_ROK) -> bytes:
    return HEADER.pack(16 + len(body), command_id, status, number) + body


def bind_transceiver(number: int, system_id: str, password: str) -> bytes:
    body = system_id.encode() + b"\0" + password.encode() + b"\0\0" + bytes((0x34, 0, 0)) + b"\0"
    return pdu(BIND_TRANSCEIVER, number, body)


def submit_sm(
    number: int, source: str, destination: str, text: str, registered_delivery: int, validity_period: str
) -> bytes:
    short_message = text.encode("ascii")
    body = b"".join(
        (
            b"\0\x01\x01" + source.encode() + b"\0",
            b"\x01\x01" + destination.encode() + b"\0",
            b"\0\0\0\0" + validity_period.encode() + b"\0",
            bytes((registered_delivery, 0, 0, 0, len(short_message))),
            short_message,
        )
    )
    return pdu(SUBMIT_SM, number, body)


class ShortMessage:
    """The fields of a submit_sm or deliver_sm that matter here."""

    __slots__ = ("destination", "esm_class", "registered_delivery", "short_message", "source", "tlvs")

    def __init__(self, body: bytes) -> None:
        position = body.index(0) + 1
        self.source, position = _c_octets(body, position + 2)
        self.destination, position = _c_octets(body, position + 2)
        self.esm_class = body[position]
        _, position = _c_octets(body, position + 3)
        _, position = _c_octets(body, position)
        self.registered_delivery = body[position]
        length = body[position + 4]
        position += 5
        self.short_message = body[position : position + length].decode("latin-1")
        self.tlvs: dict[int, bytes] = {}
        position += length
        while position + 4 <= len(body):
            tag, size = int.from_bytes(body[position : position + 2]), int.from_bytes(body[position + 2 : position + 4])
            self.tlvs[tag] = body[position + 4 : position + 4 + size]
            position += 4 + size


def _c_octets(body: bytes, position: int) -> tuple[str, int]:
    end = body.index(0, position)
    return body[position:end].decode("latin-1"), end + 1


def message_id_of(body: bytes) -> str:
    """The id in a submit_sm_resp, ``""`` when there is no body."""
    return body.split(b"\0", 1)[0].decode("latin-1")


def receipt(number: int, source: str, destination: str, message_id: str, stat: str, state: int) -> bytes:
    """A deliver_sm with a delivery receipt (appendix B and both TLVs)."""
    done = 1 if stat == "DELIVRD" else 0
    text = (
        f"id:{message_id} sub:001 dlvrd:00{done} submit date:2601010000 done date:2601010000 stat:{stat} err:000 text:"
    ).encode()
    encoded_id = message_id.encode() + b"\0"
    body = b"".join(
        (
            b"\0\x01\x01" + source.encode() + b"\0",
            b"\x01\x01" + destination.encode() + b"\0",
            b"\x04\0\0\0\0" + bytes((0, 0, 0, 0, len(text))),
            text,
            RECEIPTED_MESSAGE_ID.to_bytes(2) + len(encoded_id).to_bytes(2) + encoded_id,
            MESSAGE_STATE.to_bytes(2) + b"\0\x01" + bytes((state,)),
        )
    )
    return pdu(DELIVER_SM, number, body)


def stat_of(text: str) -> str:
    """The word after ``stat:`` in a receipt's text."""
    _, _, rest = text.partition(" stat:")
    return rest.split(" ", 1)[0]
