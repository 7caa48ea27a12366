"""Capture files: whole packets, right checksums, and the octets of the PDUs in order."""

import io
from base64 import b64encode
from struct import unpack, unpack_from
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.trace.pcap import PcapWriter


def record(octets: bytes, inbound: bool, local: str, peer: str, at: float) -> dict[str, Any]:
    return {
        "kind": "pdu",
        "at": at,
        "session": "acme",
        "local": (local, 2775),
        "peer": (peer, 40_000),
        "inbound": inbound,
        "octets": b64encode(octets).decode(),
    }


def packets_of(data: bytes) -> list[tuple[float, bytes]]:
    magic, _, _, _, _, _, link_type = unpack_from("<IHHiIII", data)
    assert (magic, link_type) == (0xA1B2C3D4, 101)
    packets, place = [], 24
    while place < len(data):
        seconds, microseconds, captured, length = unpack_from("<IIII", data, place)
        assert captured == length
        packets.append((seconds + microseconds / 1e6, data[place + 16 : place + 16 + length]))
        place += 16 + length
    return packets


def ones_complement_sum(octets: bytes) -> int:
    total = sum(unpack(f">{(len(octets) + 1) // 2}H", octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def payload_of(packet: bytes) -> tuple[int, int, int, bytes]:
    """(source port, destination port, sequence number, octets), with both checksums checked."""
    if packet[0] >> 4 == 4:
        assert ones_complement_sum(packet[:20]) == 0xFFFF
        addresses, tcp = packet[12:20], packet[20:]
        pseudo = addresses + len(tcp).to_bytes(4, "big") + b"\0\0\0\6"
    else:
        addresses, tcp = packet[8:40], packet[40:]
        pseudo = addresses + len(tcp).to_bytes(4, "big") + b"\0\0\0\6"
    assert ones_complement_sum(pseudo + tcp) == 0xFFFF
    source, destination, number = unpack_from(">HHI", tcp)
    return source, destination, number, tcp[20:]


@given(
    pdus=st.lists(st.tuples(st.binary(min_size=16, max_size=200), st.booleans()), max_size=8),
    hosts=st.sampled_from([("127.0.0.1", "192.0.2.7"), ("::1", "2001:db8::2"), ("0.0.0.0", "smsc.example")]),
)
def test_octets_come_out_as_they_went_in(pdus: list[tuple[bytes, bool]], hosts: tuple[str, str]) -> None:
    """Each direction is one stream without gaps, whatever the addresses are."""
    file = io.BytesIO()
    writer = PcapWriter(file)
    for at, (octets, inbound) in enumerate(pdus):
        writer.add(record(octets, inbound, *hosts, at=1.5 + at))
    streams: dict[bool, bytes] = {True: b"", False: b""}
    for _, packet in packets_of(file.getvalue()):
        source, destination, number, octets = payload_of(packet)
        inbound = destination == 2775
        assert {source, destination} == {2775, 40_000}
        assert number == 1 + len(streams[inbound])
        streams[inbound] += octets
    for way in (True, False):
        assert streams[way] == b"".join(octets for octets, inbound in pdus if inbound is way)


def test_a_large_pdu_takes_several_segments() -> None:
    """A PDU of 64 KiB does not fit one IP packet."""
    file = io.BytesIO()
    PcapWriter(file).add(record(bytes(range(256)) * 257, True, "127.0.0.1", "127.0.0.1", 1.0))
    packets = [payload_of(packet) for _, packet in packets_of(file.getvalue())]
    assert len(packets) > 1
    assert b"".join(octets for *_, octets in packets) == bytes(range(256)) * 257


@pytest.mark.parametrize("kind", ["decision", "dropped", "began"])
def test_what_is_no_pdu_is_passed_over(kind: str) -> None:
    """Decisions have no octets."""
    file = io.BytesIO()
    PcapWriter(file).add({"kind": kind, "at": 1.0})
    assert packets_of(file.getvalue()) == []
