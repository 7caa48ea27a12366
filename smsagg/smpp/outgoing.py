"""What is queued for the peer: octets in order, counted as they are queued."""

from collections.abc import Sequence

from attrs import evolve

from smsagg.smpp import fast
from smsagg.smpp.codec import encode, encoder_of
from smsagg.smpp.pdu import Pdu, refusal_of
from smsagg.smpp.statistics import Statistics
from smsagg.smpp.status import ESME_ROK

TLVS_SINCE_VERSION = 0x34
"""Peers of an earlier interface_version are sent no TLVs (SMPP 5.0 §2.11.2)."""


class Outgoing:
    """The sending end of one stream. ``octets`` is how many are queued; the driver bounds them by not reading."""

    __slots__ = ("_chunks", "_statistics", "interface_version", "octets")

    def __init__(self, statistics: Statistics) -> None:
        self._chunks: list[bytes] = []
        self._statistics = statistics
        self.octets = 0
        self.interface_version = TLVS_SINCE_VERSION
        """The peer's; below 0x34 :meth:`encode` leaves out TLVs."""

    def encode(self, pdu: Pdu) -> bytes:
        """``pdu`` as this peer can take it. Raises :class:`~smsagg.smpp.errors.PduEncodeError`."""
        if pdu.tlvs and self.interface_version < TLVS_SINCE_VERSION:
            pdu = evolve(pdu, tlvs=())
        return encode(pdu)

    def encode_many(self, pdus: Sequence[Pdu], sequence_numbers: Sequence[int]) -> bytes:
        """PDUs of one kind back to back, after giving them their numbers. Raises as :meth:`encode` does."""
        takes_tlvs = self.interface_version >= TLVS_SINCE_VERSION
        encode_one = encoder_of(pdus[0].command_id) if takes_tlvs else self.encode
        parts = []
        for pdu, sequence_number in zip(pdus, sequence_numbers, strict=True):
            pdu.sequence_number = sequence_number
            parts.append(encode_one(pdu))
        return b"".join(parts)

    def queue(self, octets: bytes, command_id: int, command_status: int, count: int = 1) -> None:
        """Queue ``count`` encoded PDUs of one kind."""
        self._chunks.append(octets)
        self.octets += len(octets)
        self._statistics.count_sent(int(command_id), command_status, count)

    def queue_header(self, command_id: int, command_status: int, sequence_number: int) -> None:
        """Queue a PDU that has no body."""
        octets = fast.encode_header_only(command_id, command_status, sequence_number)
        self.queue(octets, command_id, command_status)

    def queue_refusal(self, command_id: int, sequence_number: int, command_status: int) -> None:
        """Queue the own response of a request known by its header, a generic_nack when it has none."""
        assert command_status != ESME_ROK
        response = refusal_of(command_id, sequence_number, command_status)
        self.queue_header(response.command_id, command_status, sequence_number)

    def drain(self) -> bytes:
        """Everything queued; the queue is empty afterwards."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.clear()
        return data

    def clear(self) -> None:
        self._chunks.clear()
        self.octets = 0
