"""Drives one SMPP association: one reader, one writer, one timer task around a sans-I/O ``Connection``.

Theory of operation. Whoever has something to send queues it in the ``Connection`` (``request``, ``respond``) and
calls :meth:`SessionDriver.flush`, which never blocks: the writer task takes everything queued as one write. So a slow
peer blocks nobody but its own writer. What is queued is bounded: the reader stops reading while more than
``outbox_octets_max`` wait (no new requests means no new responses), and both windows bound the rest.

No cancel scope, task or event is spent per PDU. The timer task sleeps until the earliest of the connection's own
timers and the deadline of a write in progress; :meth:`flush` pulls that instant forward when a nearer one appears.

A session may be held back (``pace``): after requests it reads nothing before the instant that the pace names.

The end is orderly where it can be: what is queued when the session closes, by us or by the peer's EOF, may still leave
within ``LINGER_S``; then the writing side is closed, so that the peer can read the last octets before the socket goes.
The stream is never used again after a write was cut short (trio: "may have sent some, all, or none").
"""

from collections.abc import Callable
from typing import Protocol

import trio
from attrs import define

from smsagg.observe.watch import Address, Watch, WatchedSession
from smsagg.smpp.connection import Connection, Received, TimerActions

READ_OCTETS = 16_384
"""Read at a time: some 80 receipts or 150 messages, a turn of 2 ms, after which everybody else has one."""
READ_OCTETS_PACED = 8_192
"""Read at a time from a session that is held back, so that its turns are short."""
WRITE_OCTETS = 65_536
"""Written at a time: a peer that takes so much within ``write_deadline_s`` is slow, and not gone."""
LINGER_S = 2.0
"""How long the last octets (an unbind_resp, a generic_nack) may take to leave before the stream is cut."""


@define(frozen=True)
class DriverLimits:
    """Bounds of one session beyond those of its ``Connection``."""

    outbox_octets_max: int = 1 << 20
    write_deadline_s: float = 30.0


class SessionHandler(Protocol):
    """The application of a session. Calls are synchronous, take a whole read's worth, and must not block."""

    def on_received(self, received: Received) -> None:
        """Requests to serve and responses to ours, in order of arrival."""
        ...

    def on_expired(self, contexts: list[object]) -> None:
        """Contexts of our requests that were not answered in time; the session lives on."""
        ...


class SessionDriver:
    """One stream and one ``Connection``; :meth:`run` returns when the association is over."""

    def __init__(
        self, stream: trio.abc.Stream, connection: Connection, handler: SessionHandler, limits: DriverLimits
    ) -> None:
        self._stream = stream
        self.connection = connection
        self._handler = handler
        self._limits = limits
        self._something_to_write = trio.Event()
        self._room = trio.Event()
        self._closing = False
        self._peer_finished = False
        self._half_closed = False
        self._write_began_at: float | None = None
        self._timer_scope: trio.CancelScope | None = None
        self._cancel_scope = trio.CancelScope()
        self.pace: Callable[[float, float], float] | None = None
        """Told when the requests of a read began and ended to be served; says when the next read may be."""
        self.watched: WatchedSession | None = None
        """What onlookers know this session as, once :meth:`watch_as` said so."""
        self.reason = ""
        """Why the session ended, a word of a small closed set; ``""`` while it lives."""

    def watch_as(self, watch: Watch, side: str, name: str, peer: Address) -> WatchedSession:
        """Let who looks on see this session. ``peer`` is its address, for a stream that does not know it."""
        connection = self.connection
        local, peer = _addresses(self._stream, peer)
        self.watched = WatchedSession(watch, side, name, local, peer, connection.context_of, connection.partial)
        return self.watched

    @property
    def is_closing(self) -> bool:
        """:meth:`close` or :meth:`abort` was called, or the peer's EOF came: what is queued from now on may be lost."""
        return self._closing

    async def run(self) -> str:
        """Serve until the peer, the protocol or :meth:`close` ends the association; returns the reason.

        Runs three tasks: the reader (this one), the writer, the timers. Errors of the stream end the session, never
        the caller. What was outstanding is for the caller to fetch with ``connection.end()``.
        """
        try:
            with self._cancel_scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_loop)
                    nursery.start_soon(self._timer_loop)
                    await self._read_loop()
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(self._stream)
        return self.reason

    def flush(self) -> None:
        """Have the writer send what the connection has queued, and look at the timers again. Never blocks."""
        self._something_to_write.set()
        scope = self._timer_scope
        if scope is not None:
            at = self.connection.next_timer_at()
            if at < scope.deadline:
                scope.deadline = at

    def close(self, reason: str) -> None:
        """End the session soon: what is queued may still leave, within a short time. Never blocks."""
        if not self._closing:
            self._closing = True
            self._end(reason)
            self._cancel_scope.deadline = min(self._cancel_scope.deadline, trio.current_time() + LINGER_S)
            self._something_to_write.set()
            self._room.set()

    def abort(self, reason: str) -> None:
        """End the session now; queued octets are dropped. Never blocks."""
        self._closing = True
        self._end(reason)
        self._cancel_scope.cancel()

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason

    async def _read_loop(self) -> None:
        connection, handler, stream = self.connection, self._handler, self._stream
        outbox_octets_max = self._limits.outbox_octets_max
        read_octets = READ_OCTETS
        while True:
            while connection.outgoing_octets > outbox_octets_max and not self._closing:
                self._room = trio.Event()
                await self._room.wait()
            try:
                octets = await stream.receive_some(read_octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.abort("peer_lost")
                return
            if not octets:
                self._peer_finished = True
                self.close("peer_closed")
                if self._half_closed:
                    self._cancel_scope.cancel()
                return
            if self._closing:  # what still comes is dropped, and read only so that closing sends no RST
                continue
            began_at = trio.current_time()
            if self.watched is not None and self.watched.watch.watcher is not None:
                self.watched.watch.watcher.on_octets(self.watched, True, bytes(octets))
            received = connection.receive(bytes(octets), began_at)
            handler.on_received(received)
            if received.close is not None:
                self.close(received.close.value)
            self.flush()
            if self.pace is not None and received.requests:
                ended_at = trio.current_time()
                resume_at = self.pace(began_at, ended_at)
                read_octets = READ_OCTETS if resume_at <= ended_at else READ_OCTETS_PACED
                if resume_at > ended_at:
                    await trio.sleep_until(resume_at)

    async def _write_loop(self) -> None:
        connection = self.connection
        while True:
            octets = connection.data_to_send(trio.current_time())
            if not octets:
                if self._closing:
                    await self._half_close()
                    return
                self._something_to_write = trio.Event()
                await self._something_to_write.wait()
                continue
            if self.watched is not None and self.watched.watch.watcher is not None:
                self.watched.watch.watcher.on_octets(self.watched, False, octets)
            try:
                if len(octets) <= WRITE_OCTETS:
                    await self._write(octets)
                else:
                    view = memoryview(octets)
                    for start in range(0, len(octets), WRITE_OCTETS):
                        await self._write(view[start : start + WRITE_OCTETS])
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.abort("peer_lost")
                return
            self._room.set()

    async def _write(self, octets: bytes | memoryview) -> None:
        self._write_began_at = now = trio.current_time()
        scope = self._timer_scope
        if scope is not None:
            scope.deadline = min(scope.deadline, now + self._limits.write_deadline_s)
        await self._stream.send_all(octets)
        self._write_began_at = None

    async def _half_close(self) -> None:
        """All is written. Let the peer read it before the socket goes: the reader ends at its EOF or the linger."""
        if not self._peer_finished and isinstance(self._stream, trio.abc.HalfCloseableStream):
            try:
                await self._stream.send_eof()
                self._half_closed = True
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
        if self._peer_finished or not self._half_closed:
            self._cancel_scope.cancel()

    async def _timer_loop(self) -> None:
        while True:
            with trio.CancelScope(deadline=self._next_wake_at()) as self._timer_scope:
                await trio.sleep_forever()
            self._timer_scope = None
            now = trio.current_time()
            if self._overdue(now):
                return
            actions: TimerActions = self.connection.handle_timers(now)
            if actions.expired:
                self._handler.on_expired(actions.expired)
            if actions.close is not None:
                self.close(actions.close.value)
            self._something_to_write.set()

    def _next_wake_at(self) -> float:
        at, began_at = self.connection.next_timer_at(), self._write_began_at
        return at if began_at is None else min(at, began_at + self._limits.write_deadline_s)

    def _overdue(self, now: float) -> bool:
        """Cut a peer that does not read what we write."""
        began_at = self._write_began_at
        if began_at is None or now < began_at + self._limits.write_deadline_s:
            return False
        self.abort("slow_reader")
        return True


UNKNOWN_ADDRESS = ("0.0.0.0", 0)


def _addresses(stream: trio.abc.Stream, peer: Address) -> tuple[Address, Address]:
    """Ours and the peer's, of the socket beneath (below TLS, too); what has no socket is unknown."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    socket = getattr(stream, "socket", None)
    try:
        local, remote = socket.getsockname(), socket.getpeername()  # type: ignore[union-attr]
    except (AttributeError, OSError):
        return UNKNOWN_ADDRESS, peer
    return (local[0], local[1]), (remote[0], remote[1])
