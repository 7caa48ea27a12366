"""Accepts ESMEs' connections and supervises their sessions: whatever happens in one ends that one only."""

from collections.abc import Sequence
from functools import partial

import trio

from smsagg.esme.arrival import ArrivalFailed, arrive
from smsagg.esme.door import FrontDoor
from smsagg.esme.peer import Peer
from smsagg.esme.ports import Port, peer_address
from smsagg.esme.session import EsmeSession
from smsagg.esme.tls import ServerTls


class Listener:
    """The SMPP ports, plain and TLS."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._live: set[EsmeSession] = set()
        self._empty = trio.Event()
        self._accepting = trio.CancelScope()
        self._is_stopping = False

    async def run(self, ports: Sequence[Port], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until :meth:`stop` or cancellation; each connection is served in a task of its own."""
        async with trio.open_nursery() as connections:
            task_status.started()
            with self._accepting:
                async with trio.open_nursery() as accepting:
                    for port in ports:
                        serve = partial(self._supervise, port.tls)
                        accepting.start_soon(
                            partial(trio.serve_listeners, serve, [port.listener], handler_nursery=connections)
                        )

    async def stop(self) -> None:
        """Accept nobody any more, unbind everybody; returns when all is over. The caller sets the deadline."""
        self._is_stopping = True
        self._accepting.cancel()
        async with trio.open_nursery() as nursery:
            for session in list(self._live):
                nursery.start_soon(session.stop)
        if self._live:
            self._empty = trio.Event()
            await self._empty.wait()

    async def _supervise(self, tls: ServerTls | None, stream: trio.SocketStream) -> None:
        door = self._door
        address = peer_address(stream)
        if self._is_stopping or not door.sessions.connect(address):
            door.log.warning("connection_refused", peer=address)
            await trio.aclose_forcefully(stream)
            return
        try:
            arrived = await self._arrive(stream, address, tls)
            if arrived is not None and not self._is_stopping:
                await self._serve(*arrived)
        except Exception as error:  # a bug met by one peer must not end the server
            door.log.error("session_crashed", key=repr(error), peer=address, exc_info=error)
        finally:
            door.sessions.disconnect(address)
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    async def _arrive(
        self, stream: trio.SocketStream, address: str, tls: ServerTls | None
    ) -> tuple[trio.abc.Stream, Peer] | None:
        """What :func:`arrive` returns, or ``None`` when it failed or took longer than the session_init timer."""
        door = self._door
        reason = "session_init"
        with trio.move_on_after(door.timers.session_init_timeout_s):
            try:
                return await arrive(stream, address, tls)
            except ArrivalFailed as error:
                reason = error.reason
        door.metrics.smpp_sessions_closed[reason].n += 1
        door.log.warning("connection_failed", key=f"{reason} {address}", peer=address, reason=reason)
        return None

    async def _serve(self, stream: trio.abc.Stream, peer: Peer) -> None:
        session = EsmeSession(stream, peer, self._door)
        self._live.add(session)
        try:
            await session.run()
        finally:
            self._live.discard(session)
            if not self._live:
                self._empty.set()
