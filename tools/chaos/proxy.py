"""A TCP proxy on one road, whose faults are switched while it runs: what a network does to a connection.

Theory of operation. One listener, one target; each accepted connection has a *pipe* in either direction that moves
octets as they come. A pipe asks at each chunk how the road is: how long a chunk takes (each is held for the latency
after it was read, so one that waited behind another takes up to twice that), how many octets pass in a second, whether
a chunk goes in one piece or its beginning octet by octet. A direction that is a *hole* reads and forgets, and hears no
goodbye; so neither end learns from the network that the other is not there. An orderly end of one side is passed on as
an end, an abrupt one as a reset.

Bounds: a pipe holds one chunk, so a peer that does not read stops the other through the proxy as it would without it.
"""

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from enum import Flag

import trio
from attrs import define, field

CHUNK_OCTETS = 65_536
SLICED_OCTETS = 32
"""Of a chunk on a sliced road so many octets go one by one."""


class Way(Flag):
    """Directions, seen from who connects."""

    FORTH = 1
    BACK = 2
    BOTH = 3


@define
class Road:
    """How the road is now, for all connections of a proxy; the default is a good one."""

    latency_s: float = 0.0
    octets_per_s: float = 0.0
    """0: as many as may be."""
    is_sliced: bool = False
    close_after_s: float = 0.0
    """How long an end of who connects is kept from the target."""
    is_mute: bool = False
    """New connections are accepted and lead nowhere."""


@define(eq=False)
class Connection:
    """One accepted connection and, unless it was accepted into a mute road, its other half."""

    near: trio.SocketStream
    near_port: int
    far: trio.SocketStream | None = None
    holes: Way = field(factory=lambda: Way(0))
    near_ended: trio.Event = field(factory=trio.Event)
    """Who connected has ended its half; set at the latest when the connection is over."""
    far_ended: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def reset(self) -> None:
        """Both ends find the connection reset."""
        for stream in (self.near, self.far):
            if stream is not None and stream.socket.fileno() >= 0:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.socket.close()
        self.scope.cancel()

    def finish(self) -> None:
        """Both ends find the connection closed, as if the other had."""
        for stream in (self.near, self.far):
            if stream is not None:
                with suppress(OSError):
                    stream.socket.shutdown(socket.SHUT_WR)
        self.scope.cancel()


class Proxy:
    """From ``listen_port`` to ``target_port``, both of 127.0.0.1; 0 takes a free one to listen on."""

    def __init__(self, name: str, listen_port: int, target_port: int) -> None:
        self.name = name
        self.listen_port = listen_port
        self.target_port = target_port
        self.road = Road()
        self.connections: set[Connection] = set()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        listeners = await trio.open_tcp_listeners(self.listen_port, host="127.0.0.1")
        self.listen_port = listeners[0].socket.getsockname()[1]
        task_status.started()
        await trio.serve_listeners(self._serve, listeners)

    def heal(self) -> None:
        """The road is good again. Connections that lost octets cannot be: they are reset."""
        self.road = Road()
        for connection in list(self.connections):
            if connection.holes or connection.far is None:
                connection.reset()

    def dig(self, holes: Way, connections: Iterable[Connection]) -> list[Connection]:
        """Let these connections swallow what is sent that way; which they were."""
        dug = [connection for connection in connections if connection.far is not None]
        for connection in dug:
            connection.holes = holes
        return dug

    async def _serve(self, near: trio.SocketStream) -> None:
        connection = Connection(near, near.socket.getpeername()[1])
        self.connections.add(connection)
        try:
            with connection.scope:
                if self.road.is_mute:
                    await self._swallow(near)
                    return
                await self._join(connection)
        finally:
            self.connections.discard(connection)
            connection.near_ended.set()
            connection.far_ended.set()
            await trio.aclose_forcefully(near)

    async def _swallow(self, stream: trio.SocketStream) -> None:
        try:
            while await stream.receive_some(CHUNK_OCTETS):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _join(self, connection: Connection) -> None:
        try:
            far = await trio.open_tcp_stream("127.0.0.1", self.target_port)
        except OSError:
            connection.reset()
            return
        connection.far = far
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pipe, connection, connection.near, far, Way.FORTH)
                nursery.start_soon(self._pipe, connection, far, connection.near, Way.BACK)
        finally:
            await trio.aclose_forcefully(far)

    async def _pipe(self, connection: Connection, source: trio.SocketStream, sink: trio.SocketStream, way: Way) -> None:
        """Move octets one way until the source ends; an abrupt end of either is the connection's."""
        try:
            while octets := await source.receive_some(CHUNK_OCTETS):
                if not connection.holes & way:
                    await self._move(bytes(octets), sink, connection, way)
            is_reset = False
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            is_reset = True
        (connection.near_ended if way is Way.FORTH else connection.far_ended).set()
        if way is Way.FORTH and self.road.close_after_s:
            await trio.sleep(self.road.close_after_s)
        if connection.holes & way:
            await trio.sleep_forever()  # until the other half ends, or the road is healed
        if is_reset:
            connection.reset()
            return
        try:
            await sink.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            connection.reset()

    async def _move(self, octets: bytes, sink: trio.SocketStream, connection: Connection, way: Way) -> None:
        road = self.road
        if road.latency_s:
            await trio.sleep(road.latency_s)
        if road.octets_per_s:
            await trio.sleep(len(octets) / road.octets_per_s)
        if connection.holes & way:
            return
        if road.is_sliced:
            for place in range(min(SLICED_OCTETS, len(octets))):
                await sink.send_all(octets[place : place + 1])
            octets = octets[SLICED_OCTETS:]
        if octets:
            await sink.send_all(octets)
