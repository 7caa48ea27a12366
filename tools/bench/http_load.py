"""Sends HTTP requests over connections that are kept, as cheaply as Python can: octets made before.

One thread, one selector: each connection has one request under way. What is not 202 is counted by its status, and a
connection that is told to wait goes on at once, as a client without manners does.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

RECEIVE_OCTETS = 1 << 18
SILENCE_S_MAX = 10.0


@define
class HttpRun:
    """What a run came to."""

    elapsed_s: float = 0.0
    latencies_s: list[float] = field(factory=list)
    """Of requests that were answered 202."""
    statuses: Counter[int] = field(factory=Counter)
    cpu_s: float = 0.0
    """Of the generator."""

    def percentile_ms(self, percent: float) -> float:
        """Of what was answered 202."""
        ordered = sorted(self.latencies_s) or [float("nan")]
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1e3


def request_of(path: str, key: str, body: bytes) -> bytes:
    """The octets of a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send_for(seconds: float, port: int, requests: Sequence[bytes], connections: int) -> HttpRun:
    """Send ``requests`` in turns for so long; raises :class:`TimeoutError` when nothing is answered any more."""
    run = HttpRun()
    began, began_cpu = time.monotonic(), time.process_time()
    until = began + seconds
    with selectors.DefaultSelector() as selector:
        lines = [_Line(port) for _ in range(connections)]
        for place, line in enumerate(lines):
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(requests[place % len(requests)])
        place = busy = connections
        while busy:
            ready = selector.select(SILENCE_S_MAX)
            if not ready:
                raise TimeoutError("the server answers nothing")
            for key, _ in ready:
                line = key.data
                status = line.receive()
                if status == 0:
                    continue
                now = time.monotonic()
                run.statuses[status] += 1
                if status == 202:
                    run.latencies_s.append(now - line.sent_at)
                if now < until:
                    line.send(requests[place % len(requests)])
                    place += 1
                else:
                    busy -= 1
        for line in lines:
            line.socket.close()
    run.elapsed_s = time.monotonic() - began
    run.cpu_s = time.process_time() - began_cpu
    return run


class _Line:
    """A connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._came = b""

    def send(self, request: bytes) -> None:
        self.sent_at = time.monotonic()
        self.socket.sendall(request)

    def receive(self) -> int:
        """The status when an answer is whole, else 0."""
        octets = self.socket.recv(RECEIVE_OCTETS)
        if not octets:
            raise ConnectionError("the server closed a connection")
        self._came += octets
        head, blank, rest = self._came.partition(b"\r\n\r\n")
        if not blank:
            return 0
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return 0
        self._came = b""
        return int(head[9:12])
