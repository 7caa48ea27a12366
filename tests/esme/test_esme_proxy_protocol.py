"""The PROXY protocol: both versions as their text describes them, from trusted balancers and nobody else."""

import contextlib
import socket
from ipaddress import ip_address
from pathlib import Path
from struct import pack
from typing import Any

import pytest
import trio
from esme_bench import PASSWORD, Client
from esme_port import Door, listening, until
from esme_tls_files import HOST, Files, client_context
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import SessionSettings
from smsagg.esme.peer import Peer
from smsagg.esme.proxy_protocol import (
    SIGNATURE,
    V2_OCTETS_MAX,
    Announced,
    MalformedProxyHeader,
    crc32c,
    parse_v1,
    parse_v2,
    read_proxy_header,
)
from smsagg.smpp.pdu import BindResp, BindTransceiver, GenericNack
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.certificates import is_possible

LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31
TRUSTED = ("127.0.0.0/8",)


def tlv(tag: int, value: bytes) -> bytes:
    return pack(">BH", tag, len(value)) + value


def addresses(source: str, destination: str = "192.0.2.10") -> bytes:
    return ip_address(source).packed + ip_address(destination).packed + pack(">HH", 40_000, 2_775)


def v2(source: str = "198.51.100.7", tlvs: bytes = b"", command: int = PROXY, family: int = TCP4) -> bytes:
    body = (addresses(source) if family == TCP4 else b"") + tlvs
    return SIGNATURE + pack(">BBH", command, family, len(body)) + body


def v2_tcp6(source: str) -> bytes:
    body = addresses(source, "2001:db8::10")
    return SIGNATURE + pack(">BBH", PROXY, TCP6, len(body)) + body


def with_checksum(header: bytes) -> bytes:
    """The header with a PP2_TYPE_CRC32C at its end."""
    octets = len(header) - 16 + 7
    zeroed = header[:14] + pack(">H", octets) + header[16:] + tlv(0x03, bytes(4))
    return zeroed[:-4] + pack(">I", crc32c(zeroed))


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 2775\r\n", "198.51.100.7"),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::10 40000 2775\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""),
    ],
)
def test_version_1_lines(line: bytes, address: str) -> None:
    """Those of the protocol's text; of UNKNOWN the rest is not looked at."""
    assert parse_v1(line) == Announced(address)


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 198.51.100.7 192.0.2.10 40000\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 2775",
        b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 2775\n",
        b"PROXY TCP4 198.51.100.7  192.0.2.10 40000 2775\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 65536\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.10 040000 2775\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::10 40000 2775\r\n",
        b"PROXY TCP6 198.51.100.7 192.0.2.10 40000 2775\r\n",
        b"PROXY TCP4 198.51.100.07 192.0.2.10 40000 2775\r\n",
        b"PROXY UDP4 198.51.100.7 192.0.2.10 40000 2775\r\n",
        b"PROXY TCP4 \xff98.51.100.7 192.0.2.10 40000 2775\r\n",
        b"PROXY \r\n",
    ],
)
def test_version_1_lines_that_are_none(line: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(MalformedProxyHeader):
        parse_v1(line)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (v2(), "198.51.100.7"),
        (v2_tcp6("2001:db8::7"), "2001:db8::7"),
        (v2(tlvs=tlv(0x04, bytes(20)) + tlv(0x02, b"smpp.example")), "198.51.100.7"),
        (v2(command=LOCAL), ""),
        (v2(command=LOCAL, family=UNSPEC), ""),
        (v2(family=UNSPEC), ""),
        (v2(family=UNIX, tlvs=bytes(216)), ""),
        (with_checksum(v2()), "198.51.100.7"),
        (with_checksum(v2(tlvs=tlv(0xE0, b"vendor"))), "198.51.100.7"),
    ],
)
def test_version_2_headers(header: bytes, address: str) -> None:
    """TCP tells the client's address; LOCAL, UNSPEC and UNIX leave the balancer's. Other TLVs mean nothing here."""
    assert parse_v2(header) == Announced(address)


@pytest.mark.parametrize(
    "header",
    [
        v2(command=0x22),
        v2(command=0x11),
        v2(family=UDP4),
        SIGNATURE + pack(">BBH", PROXY, TCP4, 11) + bytes(11),
        SIGNATURE + pack(">BBH", PROXY, TCP6, 35) + bytes(35),
        v2(tlvs=b"\x04"),
        v2(tlvs=b"\x04\x00\x05abcd"),
        v2(tlvs=tlv(0x03, bytes(4))),
        v2(tlvs=tlv(0x03, bytes(3))),
        v2(tlvs=tlv(0x20, b"\x01")),
        with_checksum(v2())[:-1] + b"\x00",
    ],
)
def test_version_2_headers_that_are_none(header: bytes) -> None:
    """An unknown command, no TCP, cut short, a wrong checksum."""
    with pytest.raises(MalformedProxyHeader):
        parse_v2(header)


@pytest.mark.parametrize(
    ("client", "verify", "is_encrypted", "name"),
    [
        (0x00, 0, False, ""),
        (0x01, 0, True, ""),
        (0x03, 0, True, "acme.example"),
        (0x05, 0, True, "acme.example"),
        (0x03, 1, True, ""),
        (0x02, 0, False, ""),
    ],
)
def test_tls_that_the_balancer_speaks(client: int, verify: int, is_encrypted: bool, name: str) -> None:
    """PP2_TYPE_SSL says so; a certificate counts when it was verified."""
    ssl = pack(">BI", client, verify) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"acme.example")
    assert parse_v2(v2(tlvs=tlv(0x20, ssl))) == Announced("198.51.100.7", is_encrypted, name)


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720 appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: SIGNATURE + b"\x21\x11" + rest))
async def test_any_octets_are_a_header_or_malformed(octets: bytes) -> None:
    """And no more is read than a header has."""
    left = bytearray(octets)

    async def read(count: int) -> bytes:
        if count > len(left):
            raise EOFError
        taken = bytes(left[:count])
        del left[:count]
        return taken

    with contextlib.suppress(MalformedProxyHeader, EOFError):
        await read_proxy_header(read)
    assert len(octets) - len(left) <= 16 + V2_OCTETS_MAX


async def begin(door: Door, octets: bytes) -> Client:
    stream = await door.open_socket()
    await stream.send_all(octets)
    return Client(stream)


async def is_closed(client: Client) -> bool:
    try:
        return await client.receive_all() == []
    except OSError:
        return True


def closed_for(door: Door) -> dict[str, float]:
    return door.bench.reasons()


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 2775\r\n", "198.51.100.7"),
        (v2(), "198.51.100.7"),
        (v2_tcp6("::ffff:198.51.100.7"), "198.51.100.7"),
        (v2(command=LOCAL), "127.0.0.1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ],
)
async def test_a_trusted_balancers_word_is_the_peers_address(header: bytes, address: str) -> None:
    """The bind is judged by it, and SMPP begins right behind the header."""
    async with listening(proxy_protocol_networks=TRUSTED) as door:
        client = await begin(door, header)
        await (await client.bind()).submit_ok()
        assert door.bench.authenticator.peers == [Peer(address)]


async def test_the_header_takes_its_own_octets_and_no_more() -> None:
    """Octet by octet, or in one segment with the bind."""
    async with listening(proxy_protocol_networks=TRUSTED) as door:
        client = await door.connect()
        for octet in v2(tlvs=tlv(0x04, bytes(5))):
            await client.send_raw(bytes((octet,)))
        await client.bind()
        together = await door.connect()
        await together.send_raw(v2() + b"".join(together.encoded(BindTransceiver("acme", PASSWORD))))
        assert (await together.receive(BindResp)).command_status == ESME_ROK


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 nonsense\r\n",
        b"PROXY " + b"x" * 200,
        SIGNATURE + pack(">BBH", PROXY, TCP4, V2_OCTETS_MAX + 1),
        v2(command=0x2F),
        b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01",
    ],
)
async def test_a_balancer_without_a_header_is_closed(octets: bytes) -> None:
    """From there a connection without one is nobody's; nothing is answered."""
    async with listening(proxy_protocol_networks=TRUSTED) as door:
        assert await is_closed(await begin(door, octets))
        await until(lambda: closed_for(door) == {"proxy_header": 1})
        assert door.bench.door.sessions.connections == 0


async def test_a_header_that_trickles_in_is_cut_by_session_init() -> None:
    """It has no longer than a bind has."""
    settings = SessionSettings(session_init_timeout=0.05)  # type: ignore[arg-type]
    async with listening(session=settings, proxy_protocol_networks=TRUSTED) as door:
        client = await begin(door, SIGNATURE)
        assert await is_closed(client)
        assert closed_for(door) == {"session_init": 1}


async def test_a_health_check_that_says_nothing_is_no_failure() -> None:
    """Balancers connect and close to see whether we listen."""
    async with listening(proxy_protocol_networks=TRUSTED) as door:
        await (await door.open_socket()).aclose()
        await until(lambda: closed_for(door) == {"peer_closed": 1})


async def test_a_health_check_that_is_gone_already_is_nobody() -> None:
    """HAProxy's says LOCAL and resets the connection, often before it was accepted: then there is no address to ask
    for, and what it said is not taken for SMPP."""
    async with listening(proxy_protocol_networks=TRUSTED) as door:
        with socket.create_connection(door.address) as check:
            check.sendall(v2(command=LOCAL))
            check.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
        await until(lambda: closed_for(door) == {"peer_closed": 1})


@pytest.mark.parametrize("header", [v2(), b"PROXY TCP4 198.51.100.7 192.0.2.10 40000 2775\r\n"])
@pytest.mark.parametrize("networks", [(), ("203.0.113.0/24",)])
async def test_a_forged_header_is_not_read(header: bytes, networks: tuple[str, ...]) -> None:
    """To who is no balancer it is broken SMPP, whoever he says he is."""
    async with listening(proxy_protocol_networks=networks) as door:
        client = await begin(door, header)
        assert isinstance(await client.receive(GenericNack), GenericNack)
        await client.close()
        await until(lambda: closed_for(door) == {"unusable_header": 1})
        plain = await door.bound()
        assert door.bench.authenticator.peers == [Peer("127.0.0.1")]
        await plain.close()


async def test_connections_count_under_the_clients_address() -> None:
    """The balancer's own has no limit but the one on all."""
    limits: dict[str, Any] = {"sessions_per_address_max": 1, "proxy_protocol_networks": TRUSTED}
    async with listening(**limits) as door:
        first = await (await begin(door, v2("198.51.100.1"))).bind()
        assert await is_closed(await begin(door, v2("198.51.100.1")))
        headers = [v2("198.51.100.2"), *[v2(command=LOCAL)] * 3]
        others = [await (await begin(door, header)).bind() for header in headers]
        await first.close()
        await until(lambda: door.bench.door.sessions.connections == len(others))
        await (await begin(door, v2("198.51.100.1"))).bind()


@pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
async def test_tls_begins_behind_the_header(tmp_path: Path) -> None:
    """A balancer that passes the client's TLS on says first who it is."""
    files = Files(tmp_path)
    async with listening(files.settings(), proxy_protocol_networks=TRUSTED) as door:
        stream = await door.open_socket()
        await stream.send_all(v2())
        encrypted = trio.SSLStream(stream, client_context(files.authority), server_hostname=HOST)
        await Client(encrypted).bind()
        assert door.bench.authenticator.peers == [Peer("198.51.100.7", True)]
