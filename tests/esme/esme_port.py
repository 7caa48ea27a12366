"""The front door behind a real listener on a free loopback port."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import evolve
from esme_bench import Bench, Client, front_door

from smsagg.esme.listener import Listener
from smsagg.esme.ports import Port
from smsagg.esme.sessions import Sessions
from smsagg.session.tls import ServerTls


class Door:
    """A listener, and how to reach it."""

    def __init__(self, bench: Bench, listener: Listener, socket: trio.SocketListener) -> None:
        self.bench = bench
        self.listener = listener
        self.socket = socket
        self.address: tuple[str, int] = socket.socket.getsockname()

    async def open_socket(self, source: str = "127.0.0.1") -> trio.SocketStream:
        socket = trio.socket.socket()
        await socket.bind((source, 0))
        await socket.connect(self.address)
        return trio.SocketStream(socket)

    async def connect(self) -> Client:
        return Client(await self.open_socket())

    async def bound(self) -> Client:
        return await (await self.connect()).bind()


@asynccontextmanager
async def listening(tls: ServerTls | None = None, session: Any = None, **server: Any) -> AsyncIterator[Door]:
    """A running listener; further keys are those of ``[server]``."""
    async with front_door(session) as bench, trio.open_nursery() as nursery:
        door = bench.door
        door.config = evolve(door.config, server=evolve(door.config.server, **server))
        door.sessions = Sessions(door.config.server.sessions_max, door.config.server.sessions_per_address_max)
        listener = Listener(door)
        (socket,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(listener.run, [Port(socket, tls)])
        yield Door(bench, listener, socket)
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(20):
        while not condition():
            await trio.lowlevel.checkpoint()
