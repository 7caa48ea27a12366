"""Accepts ESMEs' connections and supervises their sessions: whatever happens in one ends that one only."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import trio

from smsagg.esme.arrival import ArrivalFailed, announced_peer, shake_hands
from smsagg.esme.door import FrontDoor
from smsagg.esme.peer import Peer
from smsagg.esme.ports import Port, peer_address
from smsagg.esme.session import EsmeSession
from smsagg.esme.sessions import UNCOUNTED
from smsagg.policy.networks import is_within, parse_network, subscriber_of
from smsagg.session.tls import ServerTls
from smsagg.smpp.pdu import Outbind

_T = TypeVar("_T")


class Listener:
    """The SMPP ports, plain and TLS."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._balancers = tuple(map(parse_network, door.config.server.proxy_protocol_networks))
        self._live: set[EsmeSession] = set()
        self._empty = trio.Event()
        self._accepting = trio.CancelScope()
        self._is_stopping = False

    def reconfigure(self) -> None:
        """The door has another configuration: end in order the sessions that would not be let in under it."""
        self._balancers = tuple(map(parse_network, self._door.config.server.proxy_protocol_networks))
        for session in list(self._live):
            session.reconfigure()

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
        if address is None:
            door.metrics.smpp_sessions_closed["peer_closed"].n += 1
            await trio.aclose_forcefully(stream)
            return
        is_taken = not self._is_stopping and door.sessions.enter()
        try:
            if is_taken:
                await self._take(tls, stream, address)
            else:
                self._log_refused(address)
        except Exception as error:  # a bug met by one peer must not end the server
            door.log.error("session_crashed", key=repr(error), peer=address, exc_info=error)
        finally:
            if is_taken:
                door.sessions.leave()
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    async def _take(self, tls: ServerTls | None, stream: trio.SocketStream, address: str) -> None:
        """Find out who is there, count it under its address, serve it."""
        sessions = self._door.sessions
        deadline = trio.current_time() + self._door.timers.session_init_timeout_s
        is_proxied = is_within(address, self._balancers)
        peer = Peer(address)
        if is_proxied:
            announced = await self._before(deadline, address, partial(announced_peer, stream, address))
            if announced is None:
                return
            peer = announced
        counted = UNCOUNTED if is_proxied and peer.address == address else subscriber_of(peer.address)
        if not sessions.claim(counted):
            self._log_refused(peer.address)
            return
        try:
            arrived = await self._before(deadline, peer.address, partial(shake_hands, stream, peer, tls))
            if arrived is not None and not self._is_stopping:
                await self._serve(*arrived)
        finally:
            sessions.release(counted)

    async def _before(self, deadline: float, address: str, step: Callable[[], Awaitable[_T]]) -> _T | None:
        """What ``step`` returns; ``None``, counted and logged, when it failed or took too long."""
        reason = "session_init"
        with trio.CancelScope(deadline=deadline):
            try:
                return await step()
            except ArrivalFailed as error:
                reason = error.reason
        self._door.metrics.smpp_sessions_closed[reason].n += 1
        if reason != "peer_closed":
            self._door.log.warning("connection_failed", key=f"{reason} {address}", peer=address, reason=reason)
        return None

    def _log_refused(self, address: str) -> None:
        self._door.log.warning("connection_refused", peer=address)

    async def attend(self, stream: trio.abc.Stream, peer: Peer, outbind: Outbind, account: str) -> bool:
        """Say ``outbind`` on a connection that we made, and serve it as one that came; whether the ESME bound."""
        door = self._door
        is_taken = not self._is_stopping and door.sessions.enter()
        session: EsmeSession | None = None
        try:
            if is_taken:
                session = EsmeSession(stream, peer, door, outbind, account)
                await self._attend(session)
        except Exception as error:  # a bug met by one peer must not end the server
            door.log.error("session_crashed", key=repr(error), peer=peer.address, exc_info=error)
        finally:
            if is_taken:
                door.sessions.leave()
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
        return session is not None and session.was_bound

    async def _serve(self, stream: trio.abc.Stream, peer: Peer) -> None:
        await self._attend(EsmeSession(stream, peer, self._door))

    async def _attend(self, session: EsmeSession) -> None:
        self._live.add(session)
        try:
            await session.run()
        finally:
            self._live.discard(session)
            if not self._live:
                self._empty.set()
