"""Where webhooks may go: public addresses, judged when the connection is made and not by what the URL says.

A URL is refused at once when it is no ``https`` (``http`` only to networks that the operator allows), names a user, or
a port that other protocols own. Names are resolved here, for each connection, and every address that they resolve to
must be public; the connection then goes to the very address that was looked at, so a name that changes its mind
between look and connect gains nothing. Nothing follows redirects. Addresses within IPv6 (mapped, 6to4, NAT64, Teredo)
are judged by what they hold.
"""

import socket
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpcore2
import trio
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from smsagg.errors import SmsaggError

URL_CHARACTERS_MAX = 2_000
PORTS = frozenset({80, 443, 8080, 8443})
"""Below 1024 and beside these, none."""
LOOKUPS_MAX = 128
"""Names that are resolved at once, each in a thread: of these alone, so that names that resolve slowly hold up nobody
else of the process."""
LOOKUPS_OF_ACCOUNT_MAX = 32
"""Of these, an account's, so that they hold up no other account: nobody can end a look-up, and it may go on long after
its request was given up."""
on_behalf_of: ContextVar[str] = ContextVar("on_behalf_of", default="")
"""The account for which a task goes somewhere."""

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC = (ip_network("192.0.0.0/24"), ip_network("3fff::/20"))
"""Besides those that Python knows of."""


class Forbidden(SmsaggError):
    """The connection may not be made."""


class Egress:
    """What is allowed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """``networks`` may be gone to though they are not public, and without TLS."""
        self._lookups = trio.CapacityLimiter(LOOKUPS_MAX)
        self._shares: WeakValueDictionary[str, _Share] = WeakValueDictionary()
        """Of accounts that look something up."""
        self.allow(networks)

    def allow(self, networks: Iterable[str]) -> None:
        """The same of other networks, for connections that are made from now on."""
        self._networks = [ip_network(network, strict=False) for network in networks]

    def check_url(self, url: str) -> None:
        """Raises :class:`Forbidden` for a URL that could never be gone to. Asks nobody."""
        if len(url) > URL_CHARACTERS_MAX or any(not "!" <= c <= "~" for c in url):
            raise Forbidden("the URL is too long, or holds blanks, control characters or letters beyond ASCII")
        try:
            parts = urlsplit(url)
            port = parts.port
            (parts.hostname or "").encode("idna")  # as whoever resolves it will: no part of a name is empty or too long
        except ValueError as error:
            raise Forbidden(f"it is no URL: {error}") from error
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise Forbidden("the URL must be https://host/…")
        if parts.scheme == "http" and not self._networks:
            raise Forbidden("the URL must be https")
        if parts.username is not None or parts.password is not None:
            raise Forbidden("the URL must name no user")
        if port is not None and port < 1024 and port not in PORTS:
            raise Forbidden(f"port {port} is not for webhooks")
        literal = _literal(parts.hostname)
        if literal is not None:
            self.check_address(literal, is_plain=parts.scheme == "http")

    def check_address(self, address: Address, *, is_plain: bool = False) -> None:
        """Raises :class:`Forbidden` for an address that must not be connected to."""
        held = _held(address)
        if any(held in network for network in self._networks if network.version == held.version):
            return
        if is_plain:
            raise Forbidden("only https, but to networks that are allowed")
        is_public = held.is_global and not held.is_multicast and not held.is_reserved
        if held.version == 6:
            is_public = is_public and held in _GLOBAL_UNICAST
        if not is_public or any(held in network for network in _NOT_PUBLIC if network.version == held.version):
            raise Forbidden("it leads to an address that is not public")  # which one would tell of networks inside

    async def resolve(self, host: str, port: int, *, is_plain: bool) -> Sequence[str]:
        """The addresses of ``host``, all of which may be connected to; raises :class:`Forbidden`, :class:`OSError`."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        share = self._shares.setdefault(on_behalf_of.get(), _Share(self._lookups))
        found = await trio.to_thread.run_sync(
            look_up, abandon_on_cancel=True, limiter=cast(trio.CapacityLimiter, share)
        )
        addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
        for address in addresses:
            self.check_address(ip_address(address), is_plain=is_plain)
        return addresses


class _Share:
    """What trio asks for a thread: one account's part of all of them."""

    def __init__(self, of_all: trio.CapacityLimiter) -> None:
        self._of_all = of_all
        self._own = trio.CapacityLimiter(LOOKUPS_OF_ACCOUNT_MAX)

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        await self._own.acquire_on_behalf_of(borrower)
        try:
            await self._of_all.acquire_on_behalf_of(borrower)
        except BaseException:
            self._own.release_on_behalf_of(borrower)
            raise

    def release_on_behalf_of(self, borrower: object) -> None:
        self._of_all.release_on_behalf_of(borrower)
        self._own.release_on_behalf_of(borrower)


class GuardedBackend(AsyncNetworkBackend):
    """Connections for httpcore, through an :class:`Egress`."""

    def __init__(self, egress: Egress, *, is_plain: bool) -> None:
        """``is_plain``: connections are for ``http``."""
        self._egress = egress
        self._is_plain = is_plain
        self._inner: AsyncNetworkBackend = httpcore2.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await self._egress.resolve(host, port, is_plain=self._is_plain)
        except OSError as error:
            raise httpcore2.ConnectError(f"cannot resolve: {error}") from error
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> AsyncNetworkStream:
        raise Forbidden("a webhook is no file")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


def _literal(host: str) -> Address | None:
    """The address that a host is, in any of the ways that resolvers read them (octal, hexadecimal, one number)."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _held(address: Address) -> Address:
    """The address that traffic to ``address`` ends at."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
