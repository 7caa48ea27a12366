"""Serves an ASGI application over HTTP/1.1 on trio: accepts connections, and has each served by a task of its own.

Bounds: :data:`CONNECTIONS_MAX` connections, the one too many is closed unread; a client that reads nothing is cut by
the kernel after :data:`WRITE_TIMEOUT_S` (``TCP_USER_TIMEOUT``). For those of a connection see ``connection``.
"""

import errno
import socket
from collections.abc import Sequence
from typing import Any

import structlog
import trio

from smsagg.api.app import AsgiApp
from smsagg.api.connection import HttpConnection
from smsagg.api.tls_stream import encrypted
from smsagg.config.units import HostPort, split_host_port
from smsagg.errors import ConfigError
from smsagg.observe.log import RateLimitedLog
from smsagg.session.tls import ServerTls

CONNECTIONS_MAX = 200
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


class _Server:
    """The connections."""

    def __init__(self, app: AsgiApp, tls: ServerTls | None) -> None:
        self._app = app
        self._tls = tls
        self._connections = 0
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
            if self._connections >= CONNECTIONS_MAX:
                self._repeated.warning("http_connections_exhausted", connections_max=CONNECTIONS_MAX)
                stream.socket.close()
                continue
            self._connections += 1
            nursery.start_soon(self._serve, stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        """Supervise one connection: whatever goes wrong with it ends it alone."""
        try:
            await self._serve_stream(stream)
        except Exception as error:  # noqa: BLE001
            self._repeated.error("http_connection_failed", key=type(error).__name__, exc_info=error)
        finally:
            self._connections -= 1
            stream.socket.close()

    async def _serve_stream(self, stream: trio.SocketStream) -> None:
        client, server = _peer_of(stream), stream.socket.getsockname()[:2]
        if self._tls is None:
            await HttpConnection(self._app, stream, client, server).serve()
            return
        try:
            tls_stream, names = await encrypted(stream, self._tls)
        except (trio.BrokenResourceError, trio.TooSlowError, OSError):
            return  # it speaks no TLS that we take
        await HttpConnection(self._app, tls_stream, client, server, names).serve()


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
