"""Addresses of hosts, and networks that hold them: one spelling for one host."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

SUBSCRIBER_PREFIX = 64
"""Leading bits of an IPv6 address that tell subscribers apart; who has one such network has all its addresses."""
_MAPPED = IPv6Network("::ffff:0:0/96")


def canonical_address(address: str) -> str:
    """One spelling for one host: an IPv4 address inside IPv6 becomes IPv4 (RFC 4291 §2.5.5.2), a zone is cut off.

    Raises ValueError for what is no address.
    """
    found = ip_address(address.partition("%")[0])
    return str(found.ipv4_mapped or found) if isinstance(found, IPv6Address) else str(found)


def subscriber_of(address: str) -> str:
    """What addresses are counted and banned by: the IPv4 address, or the /64 network of an IPv6 one.

    ``address`` is canonical.
    """
    if ":" not in address:
        return address
    return str(ip_network((address, SUBSCRIBER_PREFIX), strict=False))


def parse_network(text: str) -> Network:
    """A network in CIDR form or one address; IPv4 written inside IPv6 becomes IPv4. Raises ValueError."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        return IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether one of ``networks`` holds the canonical ``address``."""
    found = ip_address(address)
    return any(found in network for network in networks)


def client_address(peer: str, forwarded_for: str, proxies: tuple[Network, ...]) -> str:
    """The canonical address of who asks, when ``peer`` is connected and says ``X-Forwarded-For``.

    Each proxy adds whom it heard from at the end, so only what the trusted ``proxies`` wrote is believed: the address
    before the last of them. What is none ends the way back, at the proxy that wrote it.
    """
    address = canonical_address(peer)
    hops = forwarded_for.split(",") if forwarded_for else []
    while hops and is_within(address, proxies):
        try:
            address = canonical_address(hops.pop().strip())
        except ValueError:
            return address
    return address
