"""Reads the PROXY protocol's header, by which a balancer says who connected to it (HAProxy's proxy-protocol.txt).

Version 1 is a line of text, version 2 is binary. The header is read to its last octet and not one further, since what
follows is the client's. A header is wanted or not by who connects, never by how the octets look: of a client that is no
trusted balancer nothing is read here.

==============================  =====================================================================================
Header                          Meaning here
==============================  =====================================================================================
TCP over IPv4 or IPv6           the client's address
LOCAL, UNKNOWN, UNSPEC, UNIX    the balancer speaks for itself (health checks), or does not know: its own address
PP2_TYPE_CRC32C                 must be right when it is there (§2.2.3)
PP2_TYPE_SSL                    the client speaks TLS with the balancer; the common name of its certificate, if that was
                                verified
anything else, a longer header  malformed
==============================  =====================================================================================
"""

from collections.abc import Awaitable, Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from struct import unpack_from

from attrs import define

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1_OCTETS_MAX = 107
"""A line of version 1 with its CR and LF (§2.1)."""
V2_OCTETS_MAX = 4_096
"""What follows the 16 octets that every header of version 2 has. Addresses take 36, usual TLVs some hundred."""

_V1_START = b"PROXY "
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESS_UNKNOWN = frozenset({0x00, 0x31})
"""UNSPEC and a UNIX stream."""
_CRC32C, _SSL, _SSL_CN = 0x03, 0x20, 0x22
_CLIENT_SSL, _CLIENT_CERT = 0x01, 0x02 | 0x04
_CRC32C_POLYNOMIAL = 0x82F63B78

ReadExactly = Callable[[int], Awaitable[bytes]]
"""Reads so many octets, or raises what ends the connection."""


class MalformedProxyHeader(Exception):
    """The balancer sent what is no header of either version."""


@define(frozen=True)
class Announced:
    """What a header says of the client."""

    address: str
    """As the header has it; ``""`` when it tells none, and the balancer's own counts."""
    is_encrypted: bool = False
    certificate_name: str = ""
    """Common name of the client's verified certificate; ``""``: none."""


async def read_proxy_header(read: ReadExactly) -> Announced:
    """The header at the beginning of a connection. Raises MalformedProxyHeader; the caller sets the deadline."""
    start = await read(len(SIGNATURE))
    if start == SIGNATURE:
        fixed = await read(4)
        (octets,) = unpack_from(">H", fixed, 2)
        if octets > V2_OCTETS_MAX:
            raise MalformedProxyHeader("too long")
        return parse_v2(start + fixed + await read(octets))
    if not start.startswith(_V1_START):
        raise MalformedProxyHeader("no signature")
    while not start.endswith(b"\n"):
        if len(start) >= V1_OCTETS_MAX:
            raise MalformedProxyHeader("too long")
        start += await read(1)
    return parse_v1(start)


def parse_v1(line: bytes) -> Announced:
    """Of a whole line. Raises MalformedProxyHeader."""
    if not line.startswith(_V1_START) or not line.endswith(b"\r\n") or not line.isascii() or len(line) > V1_OCTETS_MAX:
        raise MalformedProxyHeader("not a line of version 1")
    family, *rest = line[len(_V1_START) : -2].decode().split(" ")
    if family == "UNKNOWN":
        return Announced("")
    if family not in ("TCP4", "TCP6") or len(rest) != 4 or not all(map(_is_port, rest[2:])):
        raise MalformedProxyHeader("not a line of version 1")
    kind = IPv4Address if family == "TCP4" else IPv6Address
    try:
        source, _ = kind(rest[0]), kind(rest[1])
    except ValueError as error:
        raise MalformedProxyHeader("no address") from error
    return Announced(str(source))


def parse_v2(header: bytes) -> Announced:
    """Of a whole header with its signature. Raises MalformedProxyHeader."""
    command, family, octets = unpack_from(">BBH", header, len(SIGNATURE))
    body = memoryview(header)[16:]
    assert len(body) == octets
    if command == _V2_LOCAL:
        return Announced("")
    if command != _V2_PROXY:
        raise MalformedProxyHeader("unknown command")
    if family in _ADDRESS_UNKNOWN:
        return Announced("")
    if family not in (_TCP4, _TCP6):
        raise MalformedProxyHeader("unknown family or transport")
    address_octets, kind = (4, IPv4Address) if family == _TCP4 else (16, IPv6Address)
    tlvs_at = 2 * address_octets + 4
    if len(body) < tlvs_at:
        raise MalformedProxyHeader("no room for its addresses")
    address = str(kind(bytes(body[:address_octets])))
    is_encrypted, certificate_name = False, ""
    for tag, at, value in _tlvs(body, tlvs_at):
        if tag == _CRC32C:
            _check_crc32c(header, 16 + at, value)
        elif tag == _SSL:
            is_encrypted, certificate_name = _tls_of(value)
    return Announced(address, is_encrypted, certificate_name)


def crc32c(octets: bytes) -> int:
    """The checksum of RFC 3720 appendix B.4."""
    crc = 0xFFFF_FFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC32C_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def _tlvs(octets: memoryview, at: int) -> Iterator[tuple[int, int, memoryview]]:
    """Type, place of the value and value of each TLV."""
    while at < len(octets):
        if at + 3 > len(octets):
            raise MalformedProxyHeader("a TLV is cut short")
        tag, length = unpack_from(">BH", octets, at)
        at += 3
        if at + length > len(octets):
            raise MalformedProxyHeader("a TLV is cut short")
        yield tag, at, octets[at : at + length]
        at += length


def _check_crc32c(header: bytes, at: int, value: memoryview) -> None:
    """The sum is over the header with its own place filled with zeros."""
    zeroed = header[:at] + bytes(4) + header[at + 4 :]
    if len(value) != 4 or int.from_bytes(value) != crc32c(zeroed):
        raise MalformedProxyHeader("wrong checksum")


def _tls_of(value: memoryview) -> tuple[bool, str]:
    """Whether the client speaks TLS, and the name in its certificate."""
    if len(value) < 5:
        raise MalformedProxyHeader("a TLV is cut short")
    client, verify = unpack_from(">BI", value)
    if not client & _CLIENT_SSL:
        return False, ""
    is_verified = bool(client & _CLIENT_CERT) and verify == 0
    names = [bytes(name).decode("utf-8", "replace") for tag, _, name in _tlvs(value, 5) if tag == _SSL_CN]
    return True, names[0] if names and is_verified else ""


def _is_port(text: str) -> bool:
    return text.isdigit() and len(text) <= 5 and str(int(text)) == text and int(text) <= 65_535
