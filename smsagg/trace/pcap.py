"""Writes PDUs as a capture file that Wireshark and tshark read: each PDU in TCP segments of a made-up connection.

The format is libpcap's (draft-ietf-opsawg-pcap), link type RAW: packets begin with the IP header. Addresses and ports
are those of the session; where one is not known, or not an IP address, one of the documentation networks stands in.
"""

import ipaddress
from base64 import b64decode
from struct import pack
from typing import BinaryIO

from smsagg.observe.watch import Address
from smsagg.trace.records import Record

LINKTYPE_RAW = 101
SNAPLEN = 262_144
SEGMENT_OCTETS_MAX = 32_000
SMPP_PORT = 2775
_LOCAL, _PEER = "192.0.2.1", "192.0.2.2"
_PSH_ACK = 0x18
_TCP = 6


class PcapWriter:
    """A capture file; call :meth:`add` for each PDU record, in order."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sequence: dict[tuple[str, str, bool], int] = {}
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, LINKTYPE_RAW))
        file.flush()

    def add(self, record: Record) -> None:
        """Append one PDU; records of other kinds are passed over."""
        if record["kind"] != "pdu":
            return
        octets, inbound = b64decode(record["octets"]), record["inbound"]
        local = _endpoint(record["local"], _LOCAL)
        peer = _endpoint(record["peer"], _PEER)
        if local.version != peer.version:
            local, peer = _endpoint(("", record["local"][1]), _LOCAL), _endpoint(("", record["peer"][1]), _PEER)
        source, destination = (peer, local) if inbound else (local, peer)
        stream = (str(record["session"]), f"{record['peer']}")
        for start in range(0, len(octets), SEGMENT_OCTETS_MAX):
            segment = octets[start : start + SEGMENT_OCTETS_MAX]
            number = self._sequence.get((*stream, inbound), 1)
            acknowledged = self._sequence.get((*stream, not inbound), 1)
            self._sequence[(*stream, inbound)] = (number + len(segment)) & 0xFFFFFFFF
            self._write(
                _ip(source, destination, _tcp(source, destination, number, acknowledged, segment)), record["at"]
            )
        self._file.flush()

    def _write(self, packet: bytes, at: float) -> None:
        seconds, microseconds = divmod(round(at * 1_000_000), 1_000_000)
        self._file.write(pack("<IIII", seconds, microseconds, len(packet), len(packet)) + packet)


class _Endpoint:
    def __init__(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
        self.packed = address.packed
        self.version = address.version
        self.port = port


def _endpoint(address: Address, stand_in: str) -> _Endpoint:
    try:
        parsed = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        parsed = ipaddress.ip_address(stand_in)
    if parsed.is_unspecified:
        parsed = ipaddress.ip_address(stand_in)
    return _Endpoint(parsed, address[1] or SMPP_PORT)


def _tcp(source: _Endpoint, destination: _Endpoint, number: int, acknowledged: int, segment: bytes) -> bytes:
    head = pack(">HHIIBBH", source.port, destination.port, number, acknowledged, 5 << 4, _PSH_ACK, 0xFFFF)
    length = len(head) + 4 + len(segment)
    if source.version == 4:
        pseudo = source.packed + destination.packed + pack(">BBH", 0, _TCP, length)
    else:
        pseudo = source.packed + destination.packed + pack(">II", length, _TCP)
    checksum = _checksum(pseudo + head + b"\0\0\0\0" + segment)
    return head + pack(">HH", checksum, 0) + segment


def _ip(source: _Endpoint, destination: _Endpoint, payload: bytes) -> bytes:
    if source.version == 6:
        return pack(">IHBB", 6 << 28, len(payload), _TCP, 64) + source.packed + destination.packed + payload
    head = pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, _TCP, 0) + source.packed + destination.packed
    return head[:10] + pack(">H", _checksum(head)) + head[12:] + payload


def _checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(memoryview(octets).cast("H")) if len(octets) else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int.from_bytes((~total & 0xFFFF).to_bytes(2, "little"), "big")
