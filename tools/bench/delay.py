"""A TCP proxy that lets every octet arrive a fixed time after it came: a link with distance, on one machine.

``python -m tools.bench.delay --to HOST:PORT --one-way 20ms`` prints ``listening on HOST:PORT``. With ``--tls`` it
speaks TLS to the far side (without checking the certificate), for generators that do not.

Theory of operation. Each direction is a queue of (due, octets) between a reader and a writer. The reader stamps what
one ``recv`` brought; the writer sleeps until the first is due and sends all that is due by then in one go. Nothing is
reordered and bandwidth is not limited. A direction holds at most ``QUEUED_OCTETS_MAX``; then its reader waits.
"""

import ssl
import sys
from collections import deque
from math import inf

import click
import trio

from smsagg.config.units import parse_duration, split_host_port

READ_OCTETS = 262_144
QUEUED_OCTETS_MAX = 16 << 20
SLACK_S = 0.0002
"""What is due so soon goes along."""


class DelayLine:
    """One direction."""

    def __init__(self, source: trio.abc.ReceiveStream, sink: trio.abc.SendStream, one_way_s: float) -> None:
        self._source = source
        self._sink = sink
        self._one_way_s = one_way_s
        self._queue: deque[tuple[float, bytes]] = deque()
        self._octets = 0
        self._ended_at = inf
        self._arrived = trio.Event()
        self._room = trio.Event()

    async def run(self) -> None:
        """Carry octets until the source ends; then the sink gets its EOF, as late as everything else."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read)
            await self._write()

    async def _read(self) -> None:
        while True:
            while self._octets > QUEUED_OCTETS_MAX:
                self._room = trio.Event()
                await self._room.wait()
            octets = await self._source.receive_some(READ_OCTETS)
            due_at = trio.current_time() + self._one_way_s
            if not octets:
                self._ended_at = due_at
                self._arrived.set()
                return
            self._queue.append((due_at, bytes(octets)))
            self._octets += len(octets)
            self._arrived.set()

    async def _write(self) -> None:
        queue = self._queue
        while queue or self._ended_at == inf:
            if not queue:
                self._arrived = trio.Event()
                await self._arrived.wait()
                continue
            if self._one_way_s:
                await trio.sleep_until(queue[0][0])
            now, chunks = trio.current_time() + SLACK_S, []
            while queue and queue[0][0] <= now:
                chunks.append(queue.popleft()[1])
            octets = b"".join(chunks)
            self._octets -= len(octets)
            self._room.set()
            await self._sink.send_all(octets)
        await trio.sleep_until(self._ended_at)


async def carry(near: trio.abc.Stream, far: trio.abc.Stream, one_way_s: float) -> None:
    """Both directions between two streams until either ends; then both are closed."""
    async with trio.open_nursery() as nursery:

        async def one(line: DelayLine) -> None:
            try:
                await line.run()
            except* (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            nursery.cancel_scope.cancel()

        nursery.start_soon(one, DelayLine(near, far, one_way_s))
        nursery.start_soon(one, DelayLine(far, near, one_way_s))
    for stream in (near, far):
        await trio.aclose_forcefully(stream)


async def serve(listener: trio.SocketListener, host: str, port: int, one_way_s: float, tls: bool) -> None:
    """Proxy every connection until cancelled."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def handle(near: trio.SocketStream) -> None:
        try:
            far: trio.abc.Stream = await trio.open_tcp_stream(host, port)
        except OSError:
            await trio.aclose_forcefully(near)
            return
        if tls:
            far = trio.SSLStream(far, context)
        await carry(near, far, one_way_s)

    await trio.serve_listeners(handle, [listener])


@click.command()
@click.option("--to", "target", required=True, metavar="HOST:PORT")
@click.option("--one-way", default="0ms", show_default=True, help="Delay of each direction; the round trip is double.")
@click.option("--tls", is_flag=True, help="Speak TLS to the far side.")
def main(target: str, one_way: str, tls: bool) -> None:
    """Proxy to HOST:PORT with a fixed delay."""
    host, port = split_host_port(target)
    trio.run(_main, host, port, parse_duration(one_way), tls)


async def _main(host: str, port: int, one_way_s: float, tls: bool) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(f"listening on 127.0.0.1:{listener.socket.getsockname()[1]}")
    sys.stdout.flush()
    await serve(listener, host, port, one_way_s, tls)


if __name__ == "__main__":
    main()
