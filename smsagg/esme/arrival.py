"""From an accepted connection to a peer that is known: what comes before the first PDU."""

import trio
from attrs import evolve

from smsagg.esme.peer import Peer
from smsagg.esme.proxy_protocol import MalformedProxyHeader, read_proxy_header
from smsagg.policy.networks import canonical_address
from smsagg.session.tls import ServerTls, certificate_names


class ArrivalFailed(Exception):
    """The connection never got as far as SMPP; ``reason`` is a word of a small closed set."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def announced_peer(stream: trio.SocketStream, balancer: str) -> Peer:
    """Who a trusted balancer says is connected through it. The caller sets the deadline.

    Raises ArrivalFailed: ``peer_closed`` when not even one octet came, as with a health check, else ``proxy_header``.
    """
    has_begun = False

    async def read_exactly(octets: int) -> bytes:
        nonlocal has_begun
        received = b""
        while len(received) < octets:
            try:
                more = await stream.receive_some(octets - len(received))
            except trio.BrokenResourceError:
                more = b""
            if not more:
                raise ArrivalFailed("proxy_header" if has_begun else "peer_closed")
            has_begun = True
            received += more
        return received

    try:
        announced = await read_proxy_header(read_exactly)
    except MalformedProxyHeader as error:
        raise ArrivalFailed("proxy_header") from error
    if not announced.address:
        return Peer(balancer)
    names = frozenset({announced.certificate_name.lower()}) if announced.certificate_name else frozenset()
    return Peer(canonical_address(announced.address), announced.is_encrypted, names)


async def shake_hands(stream: trio.SocketStream, peer: Peer, tls: ServerTls | None) -> tuple[trio.abc.Stream, Peer]:
    """The stream to speak SMPP on, and who is there. The caller sets the deadline and closes ``stream``.

    Raises ArrivalFailed: ``peer_closed`` when not even one octet came, else ``tls_failed``.
    """
    if tls is None:
        return stream, peer
    if not await _says_something(stream):
        raise ArrivalFailed("peer_closed")
    encrypted = tls.wrap(stream)
    try:
        await encrypted.do_handshake()
    except (trio.BrokenResourceError, OSError) as error:
        raise ArrivalFailed("tls_failed") from error
    names = certificate_names(encrypted) | peer.certificate_names
    return encrypted, evolve(peer, is_encrypted=True, certificate_names=names)


async def _says_something(stream: trio.SocketStream) -> bool:
    """Wait for the first octet, and leave it where it is; False when the peer has gone."""
    try:
        return bool(await stream.socket.recv(1, trio.socket.MSG_PEEK))
    except OSError:
        return False
