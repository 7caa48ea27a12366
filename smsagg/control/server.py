"""Serves operators' commands on a Unix socket that only the server's own user (and root) can open.

One connection is one command: the client sends one line of JSON, ``{"command": NAME, …arguments}``, and gets lines of
JSON until the server closes. A request with ``"body_octets": N`` is followed by so many octets of UTF-8, which the
command finds as its argument ``body``. A line with the key ``error`` is the last one and says why. A command that
streams ends when the client closes its side.

Bounds: :data:`CALLERS_MAX` connections, :data:`REQUEST_OCTETS_MAX` and :data:`REQUEST_DEADLINE_S` for the request,
:data:`BODY_OCTETS_MAX` and :data:`BODY_DEADLINE_S` for a body, of which one is taken at a time, and a client that
reads nothing is cut after :data:`WRITE_DEADLINE_S`.
"""

import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
import structlog
import trio
from attrs import define

from smsagg.config.schema import Config
from smsagg.errors import ConfigError, ControlError, SmsaggError

CALLERS_MAX = 20
REQUEST_OCTETS_MAX = 65_536
REQUEST_DEADLINE_S = 10.0
BODY_OCTETS_MAX = 64 << 20
BODY_DEADLINE_S = 60.0
WRITE_DEADLINE_S = 10.0
AUTOMATIC = "auto"
PATH_OCTETS_MAX = 107
"""Of a Unix socket's address on Linux."""

log = structlog.get_logger("smsagg.control")


@define(frozen=True)
class Caller:
    """Who asks, as the kernel says."""

    pid: int
    uid: int


Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Handler = Callable[[Mapping[str, Any], Send, Caller], Awaitable[None]]
"""Serves one command: ``(arguments, send, caller)``; raises :class:`SmsaggError` for what the caller should be told.
It is cancelled when the caller goes away."""


def socket_path(config: Config) -> str:
    """Where the socket of a server with this configuration is; ``""`` for none."""
    path = config.server.control_socket
    return f"{config.store.path}.control" if path == AUTOMATIC else path


class ControlServer:
    """Knows the commands; :meth:`run` listens."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._callers = 0
        self._body_turn = trio.Semaphore(1)

    async def run(self, path: str, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled, and remove the socket then. Raises ConfigError when it cannot be made.

        A socket that a dead server left is replaced: the store's lock has shown that none is alive.
        """
        listener = _listen(path)
        try:
            task_status.started()
            async with trio.open_nursery() as nursery:
                while True:
                    stream = await listener.accept()
                    if self._callers >= CALLERS_MAX:
                        stream.socket.close()
                        continue
                    nursery.start_soon(self._supervise, stream)
        finally:
            listener.socket.close()
            with suppress(FileNotFoundError):
                os.unlink(path)

    async def _supervise(self, stream: trio.SocketStream) -> None:
        """One caller; whatever goes wrong ends this connection alone."""
        self._callers += 1
        try:
            await self._serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            pass  # the caller has gone, or reads nothing
        except Exception as error:
            log.error("control_failed", error=repr(error), exc_info=error)
        finally:
            self._callers -= 1
            stream.socket.close()

    async def _serve(self, stream: trio.SocketStream) -> None:
        async def send(record: Mapping[str, Any]) -> None:
            with trio.fail_after(WRITE_DEADLINE_S):
                await stream.send_all(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

        with trio.fail_after(REQUEST_DEADLINE_S):
            line, rest = await _read_line(stream)
        try:
            await self._answer(line, rest, send, stream)
        except SmsaggError as error:
            await send({"error": str(error)})

    async def _answer(self, line: bytes, rest: bytes, send: Send, stream: trio.SocketStream) -> None:
        try:
            arguments = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ControlError(f"the request is not JSON: {error}") from error
        handler = self._handlers.get(arguments.get("command", "")) if isinstance(arguments, dict) else None
        if handler is None:
            raise ControlError(f"no such command; there are {', '.join(sorted(self._handlers))}")
        if "body_octets" in arguments:
            try:
                self._body_turn.acquire_nowait()
            except trio.WouldBlock:
                raise ControlError("another file is being taken in: try again when it is done") from None
            try:
                body = await _read_body(stream, rest, arguments["body_octets"])
                await self._serve_command(handler, arguments | {"body": body}, send, stream)
            finally:
                self._body_turn.release()
        else:
            await self._serve_command(handler, arguments, send, stream)

    async def _serve_command(
        self, handler: Handler, arguments: Mapping[str, Any], send: Send, stream: trio.SocketStream
    ) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_gone, stream, nursery.cancel_scope)
            try:
                await handler(arguments, send, _caller(stream))
            except SmsaggError as error:
                await send({"error": str(error)})
            nursery.cancel_scope.cancel()


def _listen(path: str) -> trio.SocketListener:
    if len(os.fsencode(path)) > PATH_OCTETS_MAX:
        raise ConfigError(f"server.control_socket: the path is longer than {PATH_OCTETS_MAX} octets: {path}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.lexists(path):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise ConfigError(f"server.control_socket: {path} is there and is not a socket")
            os.unlink(path)
        sock.bind(path)
        os.chmod(path, 0o600)  # before listen(): nobody can connect in between
        sock.listen(CALLERS_MAX)
    except OSError as error:
        sock.close()
        raise ConfigError(f"server.control_socket: cannot listen on {path}: {error.strerror or error}") from error
    except ConfigError:
        sock.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


async def _read_body(stream: trio.SocketStream, received: bytes, octets: object) -> str:
    if not isinstance(octets, int) or not 0 <= octets <= BODY_OCTETS_MAX:
        raise ControlError(f"body_octets: must be from 0 to {BODY_OCTETS_MAX}")
    body = bytearray(received)
    with trio.fail_after(BODY_DEADLINE_S):
        while len(body) < octets:
            more = await stream.receive_some()
            if not more:
                raise trio.BrokenResourceError("the body ended too early")
            body += more
    try:
        return body[:octets].decode()
    except UnicodeDecodeError as error:
        raise ControlError(f"the body is not UTF-8: {error.reason} at octet {error.start}") from error


async def _read_line(stream: trio.SocketStream) -> tuple[bytes, bytes]:
    """The request, and what came after it already."""
    received = bytearray()
    while not (end := received.find(b"\n") + 1):
        octets = await stream.receive_some()
        if not octets:
            break
        received += octets
        if len(received) > REQUEST_OCTETS_MAX:
            raise trio.BrokenResourceError("the request is too long")
    return (bytes(received[:end]), bytes(received[end:])) if end else (bytes(received), b"")


async def _cancel_when_gone(stream: trio.SocketStream, scope: trio.CancelScope) -> None:
    try:
        while await stream.receive_some():
            pass
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    scope.cancel()


def _caller(stream: trio.SocketStream) -> Caller:
    """From the kernel (Linux ``SO_PEERCRED``)."""
    credentials: Any = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    return Caller(pid, uid)
