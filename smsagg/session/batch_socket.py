"""A non-blocking socket for tools that must be cheap: one read serves a batch, and a write needs no task switch.

Theory of operation. What is to be sent is appended to ``out`` and leaves with :meth:`BatchSocket.flush`, which writes
at once as much as the socket takes. Only when it takes no more does the writer task step in and wait; while more than
``UNSENT_OCTETS_MAX`` wait unwritten nothing is read, so a peer that does not read cannot make the list grow by what it
asks. The load generator and the simulated SMSC use this; sessions of the gateway use
:class:`~smsagg.session.driver.SessionDriver`, which has deadlines and works on any stream.
"""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import trio

READ_OCTETS = 262_144
UNSENT_OCTETS_MAX = 1 << 20
LINGER_S = 1.0
"""How long the peer may take to read the last octets and close."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class BatchSocket:
    """Owns a connected TCP socket; :meth:`run` closes it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.out: list[bytes] = []
        """Octets for the next :meth:`flush`, in order."""
        self.is_closing = False
        self._socket = sock
        self._unsent = memoryview(b"")
        self._is_blocked = False
        """The socket took not all; the writer task waits for room."""
        self._blocked = trio.Event()
        self._wrote = trio.Event()
        self._cancel_scope = trio.CancelScope()

    @property
    def unsent_octets(self) -> int:
        """What was flushed and the socket has not taken yet."""
        return len(self._unsent)

    async def run(self, serve: Callable[[bytes], None]) -> None:
        """Hand ``serve`` what each read brings, until the peer goes, or :meth:`close` or :meth:`reset`.

        Runs two tasks: the reader (this one), and the writer of what did not fit. After :meth:`close` what is still
        read is dropped.
        """
        try:
            with self._cancel_scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_when_blocked)
                    await self._read(serve)
                    nursery.cancel_scope.cancel()
        finally:
            self.is_closing = True
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    def flush(self) -> None:
        """Write what is in ``out``, as far as the socket takes it. Never blocks or raises."""
        if self.out:
            self._unsent = memoryview(b"".join((self._unsent, *self.out)))
            self.out.clear()
        if not self._unsent or self._is_blocked:
            return
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._cancel_scope.cancel()
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._is_blocked = True
            self._blocked.set()
        elif self.is_closing:
            self._half_close()

    def close(self) -> None:
        """End once what is queued is written; the peer gets a moment to read it."""
        if self.is_closing:
            return
        self.is_closing = True
        self._cancel_scope.deadline = trio.current_time() + LINGER_S
        self.flush()
        if not self._unsent:
            self._half_close()

    def reset(self) -> None:
        """Cut the connection with a TCP reset; what is queued is dropped."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._cancel_scope.cancel()

    def _half_close(self) -> None:
        """All is written; the reader ends at the peer's EOF. A plain close might reset what it has not read yet."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def _read(self, serve: Callable[[bytes], None]) -> None:
        sock = self._socket
        while True:
            await trio.lowlevel.wait_readable(sock)
            try:
                octets = sock.recv(READ_OCTETS)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                return
            if not octets:
                return
            if not self.is_closing:
                serve(octets)
            while len(self._unsent) > UNSENT_OCTETS_MAX:
                self._wrote = trio.Event()
                await self._wrote.wait()

    async def _write_when_blocked(self) -> None:
        while True:
            await self._blocked.wait()
            self._blocked = trio.Event()
            while self._is_blocked:
                await trio.lowlevel.wait_writable(self._socket)
                self._is_blocked = False
                self.flush()
                self._wrote.set()
