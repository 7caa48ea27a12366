"""The little of SMPP 3.4 that the observed ESME and the carriers of a run need.

Written apart from :mod:`smsagg.smpp` on purpose: what observes the system shares no code with it, so a fault in the
codec or in the window cannot hide itself.
"""

import re
from struct import Struct

from attrs import define

HEADER = Struct(">IIII")

QUERY_SM = 0x03
SUBMIT_SM = 0x04
DELIVER_SM = 0x05
UNBIND = 0x06
CANCEL_SM = 0x08
BIND_TRANSCEIVER = 0x09
ENQUIRE_LINK = 0x15
RESP = 0x80000000
GENERIC_NACK = 0x80000000

ESME_ROK = 0x00
ESME_RBINDFAIL = 0x0D
ESM_CLASS_RECEIPT = 0x04

RECEIPTED_MESSAGE_ID = 0x001E
MESSAGE_STATE = 0x0427
MESSAGE_PAYLOAD = 0x0424
USER_MESSAGE_REFERENCE = 0x0204

Pdu = tuple[int, int, int, bytes]
"""(command_id, command_status, sequence_number, body)."""


@define(frozen=True)
class Content:
    """What a submit_sm or deliver_sm says: its fields but for times, the body wherever it stood, the other TLVs."""

    service_type: str = ""
    source_addr_ton: int = 1
    source_addr_npi: int = 1
    source_addr: str = ""
    dest_addr_ton: int = 1
    dest_addr_npi: int = 1
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    body: bytes = b""
    tlvs: tuple[tuple[int, bytes], ...] = ()


_NONCE = re.compile(rb"n\d{8}")


def nonce_of(body: bytes) -> str:
    """The nonce in a text of any alphabet; without one the text itself."""
    found = _NONCE.search(body) or _NONCE.search(body.replace(b"\0", b""))
    return found[0].decode() if found else body.decode("latin-1")


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


def bind_transceiver(number: int, system_id: str, password: str, interface_version: int = 0x34) -> bytes:
    body = system_id.encode() + b"\0" + password.encode() + b"\0\0" + bytes((interface_version, 0, 0)) + b"\0"
    return pdu(BIND_TRANSCEIVER, number, body)


def submit_sm(number: int, content: Content, *, in_payload: bool, schedule: str, validity_period: str) -> bytes:
    """``schedule`` and ``validity_period`` are times of §7.1.1, or empty."""
    short_message = b"" if in_payload else content.body
    tlvs = ((MESSAGE_PAYLOAD, content.body), *content.tlvs) if in_payload else content.tlvs
    body = b"".join(
        (
            content.service_type.encode() + b"\0",
            bytes((content.source_addr_ton, content.source_addr_npi)) + content.source_addr.encode() + b"\0",
            bytes((content.dest_addr_ton, content.dest_addr_npi)) + content.destination_addr.encode() + b"\0",
            bytes((content.esm_class, content.protocol_id, content.priority_flag)),
            schedule.encode() + b"\0" + validity_period.encode() + b"\0",
            bytes((content.registered_delivery, 0, content.data_coding, 0, len(short_message))),
            short_message,
            *(tag.to_bytes(2) + len(value).to_bytes(2) + value for tag, value in tlvs),
        )
    )
    return pdu(SUBMIT_SM, number, body)


def query_sm(number: int, message_id: str) -> bytes:
    return pdu(QUERY_SM, number, message_id.encode() + b"\0\0\0\0")


def cancel_sm(number: int, message_id: str) -> bytes:
    return pdu(CANCEL_SM, number, b"\0" + message_id.encode() + b"\0\0\0\0\0\0\0")


class ShortMessage:
    """The fields of a submit_sm or deliver_sm."""

    __slots__ = (
        "data_coding",
        "dest_npi",
        "dest_ton",
        "destination",
        "esm_class",
        "priority_flag",
        "protocol_id",
        "registered_delivery",
        "service_type",
        "short_message",
        "source",
        "source_npi",
        "source_ton",
        "tlvs",
    )

    def __init__(self, body: bytes) -> None:
        self.service_type, position = _c_octets(body, 0)
        self.source_ton, self.source_npi = body[position], body[position + 1]
        self.source, position = _c_octets(body, position + 2)
        self.dest_ton, self.dest_npi = body[position], body[position + 1]
        self.destination, position = _c_octets(body, position + 2)
        self.esm_class, self.protocol_id, self.priority_flag = body[position : position + 3]
        _, position = _c_octets(body, position + 3)
        _, position = _c_octets(body, position)
        self.registered_delivery = body[position]
        self.data_coding = body[position + 2]
        length = body[position + 4]
        position += 5
        self.short_message = body[position : position + length].decode("latin-1")
        self.tlvs: dict[int, bytes] = {}
        position += length
        while position + 4 <= len(body):
            tag, size = int.from_bytes(body[position : position + 2]), int.from_bytes(body[position + 2 : position + 4])
            self.tlvs[tag] = body[position + 4 : position + 4 + size]
            position += 4 + size

    @property
    def content(self) -> Content:
        """What it says, wherever the body stood."""
        tlvs = tuple((tag, value) for tag, value in self.tlvs.items() if tag != MESSAGE_PAYLOAD)
        return Content(
            self.service_type,
            self.source_ton,
            self.source_npi,
            self.source,
            self.dest_ton,
            self.dest_npi,
            self.destination,
            self.esm_class,
            self.protocol_id,
            self.priority_flag,
            self.registered_delivery,
            self.data_coding,
            self.tlvs.get(MESSAGE_PAYLOAD) or self.short_message.encode("latin-1"),
            tlvs,
        )


def _c_octets(body: bytes, position: int) -> tuple[str, int]:
    end = body.index(0, position)
    return body[position:end].decode("latin-1"), end + 1


def handset_message(number: int, source: str, destination: str, text: str) -> bytes:
    """A deliver_sm with a text that a handset wrote (MO)."""
    body = b"".join(
        (
            b"\0\x01\x01" + source.encode() + b"\0",
            b"\0\0" + destination.encode() + b"\0",
            b"\0\0\0\0\0" + bytes((0, 0, 0, 0, len(text))),
            text.encode(),
        )
    )
    return pdu(DELIVER_SM, number, body)


def message_id_of(body: bytes) -> str:
    """The id in a submit_sm_resp, ``""`` when there is no body."""
    return body.split(b"\0", 1)[0].decode("latin-1")


def queried(body: bytes) -> tuple[str, int]:
    """(message_id, message_state) of a query_sm_resp."""
    message_id, _, rest = body.partition(b"\0")
    return message_id.decode("latin-1"), rest.split(b"\0", 1)[1][0]


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


STATES = {"DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "ACCEPTD": 6, "UNKNOWN": 7, "REJECTD": 8}
"""message_state by the word of a receipt's text."""


def reported(message: ShortMessage) -> tuple[str, int]:
    """(message_id, message_state) of a receipt: from its TLVs, or as peers before 3.4 read it, who are sent none."""
    if message.tlvs:
        message_id = message_id_of(message.tlvs.get(RECEIPTED_MESSAGE_ID, b""))
        return message_id, message.tlvs.get(MESSAGE_STATE, b"\0")[0]
    text = message.short_message
    return text.removeprefix("id:").split(" ", 1)[0], STATES.get(stat_of(text), 0)


def stat_of(text: str) -> str:
    """The word after ``stat:`` in a receipt's text."""
    _, _, rest = text.partition(" stat:")
    return rest.split(" ", 1)[0]
