"""Serves an ASGI application over HTTP/1.1 on trio: accepts connections, and has each served by a task of its own.

Bounds: :data:`CONNECTIONS_MAX` connections. For one more, that one goes which has kept us waiting the longest, for a
whole request or to take its answer, :data:`PATIENCE_S` at least: who sends or reads slowly, or not at all, keeps nobody
out. When there is none such, the new one is closed unread. A client that reads nothing is cut by the kernel after
:data:`WRITE_TIMEOUT_S` (``TCP_USER_TIMEOUT``). For those of a connection see ``connection``.
"""

import errno
import socket
from collections.abc import Sequence
from typing import Any

import structlog
import trio
from attrs import define, field

from smsagg.api.app import AsgiApp
from smsagg.api.connection import HttpConnection
from smsagg.api.tls_stream import encrypted
from smsagg.config.units import HostPort, split_host_port
from smsagg.errors import ConfigError
from smsagg.observe.log import RateLimitedLog
from smsagg.session.tls import ServerTls

CONNECTIONS_MAX = 200
PATIENCE_S = 2.0
WRITE_TIMEOUT_S = 30
ACCEPT_PAUSE_S = 0.1
"""Pause after accept() failed for want of descriptors or memory."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

log = structlog.get_logger("smsagg.api.http")


async def serve_http(
    bind: HostPort,
    app: AsgiApp,
    tls: ServerTls | None = None,
    task_status: trio.TaskStatus[HostPort] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve ``app`` until cancelled; ``started()`` with the address when it listens (port 0 has become a real one).

    Raises :class:`ConfigError` when it cannot listen there. Ends at once when cancelled, whatever clients do.
    Tasks: one accept loop for each address that the host has, one task for each connection.
    """
    server = _Server(app, tls)
    listeners = await _listen(bind)
    try:
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(server.accept, listener, nursery)
            task_status.started(_address(listeners[0]))
    finally:
        for listener in listeners:
            listener.socket.close()


@define(eq=False)
class _Peer:
    """One connection."""

    accepted_at: float
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    connection: HttpConnection | None = None
    """``None``: TLS is being agreed on."""

    @property
    def awaited_since(self) -> float:
        return self.accepted_at if self.connection is None else self.connection.awaited_since


class _Server:
    """The connections."""

    def __init__(self, app: AsgiApp, tls: ServerTls | None) -> None:
        self._app = app
        self._tls = tls
        self._peers: set[_Peer] = set()
        self._repeated = RateLimitedLog(log, now=trio.current_time)

    async def accept(self, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        """Accept connections on one listener for ever."""
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._repeated.error("http_accept_failed", error=str(error))
                await trio.sleep(ACCEPT_PAUSE_S)
                continue
            if len(self._peers) >= CONNECTIONS_MAX:
                self._repeated.warning("http_connections_exhausted", connections_max=CONNECTIONS_MAX)
                if not self._make_room():
                    stream.socket.close()
                    continue
            peer = _Peer(trio.current_time())
            self._peers.add(peer)
            nursery.start_soon(self._serve, stream, peer)

    def _make_room(self) -> bool:
        """End the connection that has had us wait the longest; False when none has for long."""
        slowest = min(self._peers, key=lambda peer: peer.awaited_since)
        if slowest.awaited_since > trio.current_time() - PATIENCE_S:
            return False
        slowest.scope.cancel()
        self._peers.discard(slowest)
        return True

    async def _serve(self, stream: trio.SocketStream, peer: _Peer) -> None:
        """Supervise one connection: whatever goes wrong with it ends it alone."""
        try:
            with peer.scope:
                await self._serve_stream(stream, peer)
        except Exception as error:  # noqa: BLE001
            self._repeated.error("http_connection_failed", key=type(error).__name__, exc_info=error)
        finally:
            self._peers.discard(peer)
            stream.socket.close()

    async def _serve_stream(self, stream: trio.SocketStream, peer: _Peer) -> None:
        client, server = _peer_of(stream), stream.socket.getsockname()[:2]
        if self._tls is None:
            peer.connection = HttpConnection(self._app, stream, client, server)
            await peer.connection.serve()
            return
        try:
            tls_stream, names = await encrypted(stream, self._tls)
        except (trio.BrokenResourceError, trio.TooSlowError, OSError):
            return  # it speaks no TLS that we take
        peer.connection = HttpConnection(self._app, tls_stream, client, server, names)
        await peer.connection.serve()


def _peer_of(stream: trio.SocketStream) -> tuple[str, int] | None:
    try:
        name = stream.socket.getpeername()
    except OSError:  # it has gone already
        return None
    return name[0], name[1]


async def _listen(bind: HostPort) -> Sequence[trio.SocketListener]:
    host, port = split_host_port(bind)
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise ConfigError(f"cannot listen on {bind}: {error.strerror or error}") from error
    for listener in listeners:
        # Accepted connections inherit it (Linux), and with it an end to writing to a client that does not read.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, WRITE_TIMEOUT_S * 1_000)
    return listeners


def _address(listener: trio.SocketListener) -> HostPort:
    name: Any = listener.socket.getsockname()
    host = f"[{name[0]}]" if listener.socket.family == socket.AF_INET6 else name[0]
    return HostPort(f"{host}:{name[1]}")
