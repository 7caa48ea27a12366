"""The proxy is a good road until it is told otherwise, and does what it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define

from tools.chaos.proxy import Connection, Proxy, Road, Way


@define
class Ends:
    """A connection through a proxy, seen from everywhere."""

    proxy: Proxy
    connection: Connection
    near: trio.SocketStream
    far: trio.SocketStream


@asynccontextmanager
async def through_a_proxy() -> AsyncIterator[Ends]:
    """A client, the proxy, and a target that accepts one connection."""
    accepted: list[trio.SocketStream] = []
    has_accepted = trio.Event()

    async def accept(stream: trio.SocketStream) -> None:
        accepted.append(stream)
        has_accepted.set()
        await trio.sleep_forever()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            targets = await nursery.start(trio.serve_tcp, accept, 0)
            proxy = Proxy("road", 0, targets[0].socket.getsockname()[1])
            await nursery.start(proxy.run)
            near = await trio.open_tcp_stream("127.0.0.1", proxy.listen_port)
            await has_accepted.wait()
            while not proxy.connections or next(iter(proxy.connections)).far is None:
                await trio.lowlevel.checkpoint()
            yield Ends(proxy, next(iter(proxy.connections)), near, accepted[0])
            await trio.aclose_forcefully(near)
            nursery.cancel_scope.cancel()


async def receive(stream: trio.SocketStream, number_of: int) -> bytes:
    octets = b""
    while len(octets) < number_of:
        octets += await stream.receive_some()
    return octets


async def test_good_road() -> None:
    """Octets arrive both ways, and an end is an end."""
    async with through_a_proxy() as ends:
        await ends.near.send_all(b"forth")
        assert await receive(ends.far, 5) == b"forth"
        await ends.far.send_all(b"back")
        assert await receive(ends.near, 4) == b"back"
        await ends.near.send_eof()
        assert await ends.far.receive_some() == b""


async def test_sliced_road() -> None:
    """What is sent in one piece arrives whole, if in pieces."""
    async with through_a_proxy() as ends:
        ends.proxy.road = Road(is_sliced=True)
        await ends.near.send_all(b"x" * 100)
        assert await receive(ends.far, 100) == b"x" * 100


async def test_reset() -> None:
    """Both ends find the connection broken."""
    async with through_a_proxy() as ends:
        ends.connection.reset()
        for stream in (ends.near, ends.far):
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some()


async def test_finish() -> None:
    """Both ends find the connection closed."""
    async with through_a_proxy() as ends:
        ends.connection.finish()
        assert await ends.near.receive_some() == b""
        assert await ends.far.receive_some() == b""


async def test_abrupt_end_is_passed_on() -> None:
    """A reset of one end is a reset of the other."""
    async with through_a_proxy() as ends:
        ends.connection.near.socket.close()  # as if the kernel had reported an error
        with pytest.raises(trio.BrokenResourceError):
            await ends.far.receive_some()


async def test_hole_one_way() -> None:
    """One direction swallows; the other goes on; healed, the connection that lost octets is reset."""
    async with through_a_proxy() as ends:
        ends.proxy.dig(Way.FORTH, [ends.connection])
        await ends.near.send_all(b"lost")
        await ends.far.send_all(b"back")
        assert await receive(ends.near, 4) == b"back"
        with trio.move_on_after(0.05) as waiting:
            await ends.far.receive_some()
        assert waiting.cancelled_caught
        ends.proxy.heal()
        with pytest.raises(trio.BrokenResourceError):
            await ends.far.receive_some()


async def test_hole_hears_no_goodbye() -> None:
    """The far end does not learn that the near one has gone, until the road is healed."""
    async with through_a_proxy() as ends:
        ends.proxy.dig(Way.BOTH, [ends.connection])
        await ends.near.aclose()
        await ends.connection.near_ended.wait()
        with trio.move_on_after(0.05) as waiting:
            await ends.far.receive_some()
        assert waiting.cancelled_caught
        await ends.far.send_all(b"are you there")
        ends.proxy.heal()
        with pytest.raises(trio.BrokenResourceError):
            await ends.far.receive_some()


async def test_mute_road() -> None:
    """A new connection is accepted, and nothing comes of it until it is reset."""
    async with through_a_proxy() as ends:
        ends.proxy.road = Road(is_mute=True)
        async with await trio.open_tcp_stream("127.0.0.1", ends.proxy.listen_port) as mute:
            await mute.send_all(b"hello?")
            while len(ends.proxy.connections) < 2:
                await trio.lowlevel.checkpoint()
            ends.proxy.heal()
            with pytest.raises(trio.BrokenResourceError):
                await mute.receive_some()
