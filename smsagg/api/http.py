"""Serves an ASGI application over HTTP/1.1 on trio: the seam behind which hypercorn speaks the protocol.

The accept loop is ours, one hypercorn ``TCPServer`` handles each connection. Ours, because hypercorn's own has no bound
on connections, and shields its writes from cancellation: a client that reads nothing would hold up the end of the
process for ever. Here stopping closes every socket, which ends such a write at once.

Bounds: :data:`CONNECTIONS_MAX` connections, the one too many is closed unread; :data:`READ_TIMEOUT_S` for the next
octet of a request; a client that reads nothing is cut by the kernel after :data:`WRITE_TIMEOUT_S`
(``TCP_USER_TIMEOUT``).
"""

import errno
import logging
import socket
from collections.abc import Sequence
from typing import Any

import structlog
import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from smsagg.api.app import AsgiApp
from smsagg.config.units import HostPort, split_host_port
from smsagg.errors import ConfigError
from smsagg.observe.log import RateLimitedLog

CONNECTIONS_MAX = 200
READ_TIMEOUT_S = 75
KEEP_ALIVE_S = 60
WRITE_TIMEOUT_S = 30
ACCEPT_PAUSE_S = 0.1
"""Pause after accept() failed for want of descriptors or memory."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

log = structlog.get_logger("smsagg.api.http")


async def serve_http(
    bind: HostPort, app: AsgiApp, task_status: trio.TaskStatus[HostPort] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve ``app`` until cancelled; ``started()`` with the address when it listens (port 0 has become a real one).

    Raises :class:`ConfigError` when it cannot listen there. Ends at once when cancelled, whatever clients do.
    Tasks: one accept loop for each address that the host has, one task for each connection.
    """
    server = _Server(app)
    listeners = await _listen(bind)
    try:
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(server.accept, listener, nursery)
            try:
                task_status.started(_address(listeners[0]))
                await trio.sleep_forever()
            finally:
                server.close()
    finally:
        for listener in listeners:
            listener.socket.close()


class _Server:
    """The connections and what hypercorn needs for each."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = wrap_app(app, 0, "asgi")  # type: ignore[arg-type]
        self._config = _hypercorn_config()
        self._context = WorkerContext(None)
        self._streams: set[trio.SocketStream] = set()
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
            if len(self._streams) >= CONNECTIONS_MAX:
                self._repeated.warning("http_connections_exhausted", connections_max=CONNECTIONS_MAX)
                stream.socket.close()
                continue
            self._streams.add(stream)
            nursery.start_soon(self._serve, stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        """Supervise one connection: whatever goes wrong with it ends it alone."""
        try:
            await _Connection(self._app, self._config, self._context, ConnectionState({}), stream)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001
            self._repeated.error("http_connection_failed", key=type(error).__name__, exc_info=error)
        finally:
            self._streams.discard(stream)
            stream.socket.close()

    def close(self) -> None:
        """Close every connection; whoever reads from it or writes to it is woken."""
        for stream in list(self._streams):
            stream.socket.close()


class _Connection(TCPServer):
    """hypercorn's connection, which ends when the client has gone and not only when its idle timer fires."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()


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


def _hypercorn_config() -> HypercornConfig:
    """HTTP/1.1 only; requests are not logged, failures of the application are."""
    errors = logging.getLogger("hypercorn.error")
    errors.setLevel(logging.WARNING)
    config = HypercornConfig()
    config.errorlog = errors
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.read_timeout = READ_TIMEOUT_S
    config.alpn_protocols = ["http/1.1"]
    return config
