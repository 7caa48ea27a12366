"""The HTTP port over a real loopback socket."""

import http.client
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import structlog
import trio
from v1_bench import KEY, api

from smsagg.api import connection
from smsagg.api import http as http_port
from smsagg.api.app import AsgiApp, OperationsApp
from smsagg.api.http import serve_http
from smsagg.config.units import HostPort, split_host_port
from smsagg.errors import ConfigError
from smsagg.observe.metrics import Metrics

ANY_PORT = HostPort("127.0.0.1:0")


@asynccontextmanager
async def serving(app: AsgiApp) -> AsyncIterator[HostPort]:
    """The address that ``app`` is served at; the server is cancelled at the end, and must be gone quickly."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            address: HostPort = await nursery.start(serve_http, ANY_PORT, app)
            yield address
            nursery.cancel_scope.cancel()


async def fetch(address: HostPort, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request by the standard library's client, in a thread."""

    def request() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    return await trio.to_thread.run_sync(request)


def operations(problems: Callable[[], list[str]] = list) -> tuple[OperationsApp, Metrics]:
    metrics = Metrics("1.2.3")
    return OperationsApp(metrics, problems), metrics


async def test_metrics_are_what_was_counted_and_what_sources_tell() -> None:
    """A scrape asks the sources and gives the text format that Prometheus expects."""
    app, metrics = operations()
    metrics.accepted["acme", "GB"].n += 5
    metrics.smpp_sessions.add_source(lambda: {("acme", "trx"): 2})
    async with serving(app) as address:
        status, headers, body = await fetch(address, "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert int(headers["content-length"]) == len(body)
    assert b'smsagg_messages_accepted_total{account="acme",country="GB"} 5.0\n' in body
    assert b'smsagg_smpp_sessions{account="acme",bind_type="trx"} 2.0\n' in body


async def test_metrics_come_as_openmetrics_when_asked_for() -> None:
    """The Accept header of a current Prometheus decides."""
    async with serving(operations()[0]) as address:
        _, headers, body = await fetch(address, "/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")


async def test_alive_is_answered_whether_or_not_ready() -> None:
    """Liveness does not depend on readiness."""
    async with serving(operations(lambda: ["store: disk full"])[0]) as address:
        assert (await fetch(address, "/healthz"))[::2] == (200, b"ok\n")


async def test_ready_tells_why_not() -> None:
    """503 with the reasons, and 200 as soon as there are none."""
    problems = ["store: disk full", "listener: down"]
    async with serving(operations(lambda: problems)[0]) as address:
        status, _, body = await fetch(address, "/readyz")
        assert (status, orjson.loads(body)) == (503, {"ready": False, "problems": problems})
        problems.clear()
        status, _, body = await fetch(address, "/readyz")
        assert (status, orjson.loads(body)) == (200, {"ready": True, "problems": []})


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/metrics/x", 404), ("POST", "/metrics", 405)]
)
async def test_what_is_not_there_is_refused(method: str, path: str, status: int) -> None:
    """Unknown paths and methods have their own status, and a JSON body."""
    async with serving(operations()[0]) as address:
        seen, headers, body = await fetch(address, path, method)
    assert seen == status
    assert headers["content-type"] == "application/json"
    assert "error" in orjson.loads(body)


async def test_head_has_headers_only() -> None:
    """HEAD tells the length and sends nothing."""
    async with serving(operations()[0]) as address:
        status, headers, body = await fetch(address, "/healthz", "HEAD")
    assert (status, headers["content-length"], body) == (200, "3", b"")


async def connect(address: HostPort) -> trio.SocketStream:
    host, port = split_host_port(address)
    stream = await trio.open_tcp_stream(host, port)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    return stream


async def test_stopping_does_not_wait_for_clients() -> None:
    """Idle clients, half a request, and a client that asks for much and reads nothing: the end comes at once."""
    started = trio.Event()

    async def much(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        started.set()
        await send({"type": "http.response.body", "body": bytes(64 << 20)})

    async with serving(much) as address:
        await connect(address)
        await (await connect(address)).send_all(b"GET / HT")
        await (await connect(address)).send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await started.wait()
        await trio.testing.wait_all_tasks_blocked(0.05)


async def test_garbage_and_failing_requests_end_their_own_connection_only() -> None:
    """A TLS greeting, binary rubbish and a crash in the application leave the server serving."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/crash":
            raise RuntimeError("crashed")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(app) as address:
        for rubbish in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"\x00" * 100,
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ):
            stream = await connect(address)
            await stream.send_all(rubbish)
            await stream.send_eof()
            with trio.move_on_after(5):
                async for _ in stream:
                    pass
        assert (await fetch(address, "/crash"))[0] == 500
        assert (await fetch(address, "/"))[0] == 200


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is closed, and there is room again when one ends."""
    monkeypatch.setattr(http_port, "CONNECTIONS_MAX", 2)
    with structlog.testing.capture_logs() as lines:
        async with serving(operations()[0]) as address:
            first, _second = await connect(address), await connect(address)
            await trio.testing.wait_all_tasks_blocked(0.01)
            third = await connect(address)
            assert await third.receive_some() == b""
            await first.aclose()
            while await is_refused(address):
                await trio.lowlevel.checkpoint()
    assert {line["event"] for line in lines} == {"http_connections_exhausted"}


async def test_who_sends_slowly_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all places taken by half requests and by nothing at all, the one that has had us wait the longest goes; one
    whose answer is being made does not."""
    monkeypatch.setattr(http_port, "CONNECTIONS_MAX", 4)
    monkeypatch.setattr(http_port, "PATIENCE_S", 0.0)
    answering, may_end = trio.Event(), trio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            answering.set()
            await may_end.wait()
        await echo(scope, receive, send)

    async with serving(slow) as address:
        asks, *others = [await connect(address) for _ in range(4)]
        await asks.send_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await others[0].send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        await others[1].send_all(b"GET / HT")
        await answering.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        for _ in range(20):
            assert (await fetch(address, "/"))[0] == 200
        may_end.set()
        assert (await asks.receive_some()).startswith(b"HTTP/1.1 200")


async def test_who_reads_slowly_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of clients that ask for much and take none of it, each is let go for one that comes."""
    monkeypatch.setattr(http_port, "CONNECTIONS_MAX", 4)
    monkeypatch.setattr(http_port, "PATIENCE_S", 0.0)

    async def much(scope: Any, receive: Any, send: Any) -> None:
        octets = 64 << 20 if scope["path"] == "/much" else 5
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(octets)})

    async with serving(much) as address:
        streams = [await connect(address) for _ in range(4)]
        for stream in streams:
            await stream.send_all(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert (await fetch(address, "/"))[0] == 200


async def is_refused(address: HostPort) -> bool:
    """Whether a new connection is closed unread, rather than answered."""
    stream = await connect(address)
    try:
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:
        return True
    finally:
        await stream.aclose()


async def test_an_address_that_is_taken_is_the_operators_problem() -> None:
    """The error names the address and the reason."""
    async with serving(operations()[0]) as address:
        with pytest.raises(ConfigError, match=rf"cannot listen on {address}: .*[Aa]ddress already in use"):
            await serve_http(address, operations()[0])


async def test_an_upgrade_is_not_made() -> None:
    """Who asks for a WebSocket is answered as anybody."""
    async with serving(operations()[0]) as address:
        stream = await connect(address)
        await stream.send_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 404")


async def exchange(app: AsgiApp, *parts: bytes) -> bytes:
    """Everything that is answered to these octets, until the server ends the connection."""
    async with serving(app) as address:
        stream = await connect(address)
        answer = b""
        for part in parts:
            await stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked(0.002)
        with trio.fail_after(10):
            async for octets in stream:
                answer += octets
        return answer


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was sent."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Reads nothing."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_bodies_come_whole_however_they_are_cut() -> None:
    """By length, in chunks, octet by octet, after 100 Continue, and several requests in one segment."""
    by_length = POST + b"Content-Length: 5\r\n\r\nhello"
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    for parts in ([by_length + LAST], [chunked, LAST], [bytes([octet]) for octet in chunked + LAST]):
        answer = await exchange(echo, *parts)
        assert answer.count(b"HTTP/1.1 200") == 2
        assert answer.count(b"hello") == 1
    waiting = POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert (await exchange(echo, waiting, b"hello", LAST)).startswith(b"HTTP/1.1 100")


async def test_many_requests_at_once_are_answered_one_by_one() -> None:
    """A thousand in one go (pipelining): each in its turn, none begun before the answer to the one before."""
    begun = answered = most = 0

    async def count(scope: Any, receive: Any, send: Any) -> None:
        nonlocal begun, answered, most
        begun += 1
        most = max(most, begun - answered)
        await trio.lowlevel.checkpoint()
        body = scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
        answered += 1

    asked = b"".join(b"GET /%04d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(1_000))
    answer = await exchange(count, asked + LAST)
    places = [answer.index(b"/%04d" % number) for number in range(1_000)]
    assert places == sorted(places)
    assert (answered, most) == (1_001, 1)


async def test_what_was_refused_unread_is_taken_in_up_to_a_bound() -> None:
    """The client reads why, and may go on; after too much the connection ends."""
    small = POST + b"Content-Length: 5\r\n\r\nhello"
    assert (await exchange(refuse, small + LAST)).count(b"HTTP/1.1 413") == 2
    large = POST + b"Content-Length: 100000000\r\n\r\n" + bytes(100_000)
    assert (await exchange(refuse, large)).count(b"HTTP/1.1 413") == 1


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (POST + b"Content-Length: -5\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA\x00: b\r\n\r\n", 400),
    ],
)
async def test_what_is_no_http_is_told_so_and_ends_the_connection(octets: bytes, status: int) -> None:
    """A problem as everywhere; two lengths are no length (request smuggling)."""
    answer = await exchange(echo, octets)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert b"application/problem+json" in head
    assert orjson.loads(body)["status"] == status


@pytest.mark.parametrize("path", [b"/v1/messages", b"/v1/messages/batch", b"/v1/templates/t", b"/v1/oauth/token"])
async def test_what_does_not_come_whole_is_the_clients_fault_at_every_endpoint(
    path: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too slow is 408, broken chunks are 400; no endpoint makes a failure of its own of it."""
    monkeypatch.setattr(connection, "REQUEST_S", 0.02)
    method, media_type = (b"PUT" if b"templates" in path else b"POST"), b"application/json"
    if b"oauth" in path:
        media_type = b"application/x-www-form-urlencoded"
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n" % (method, path, media_type)
    head += b"Authorization: Bearer %s\r\n" % KEY.encode()
    async with api() as client:
        assert (await exchange(client.app, head + b"Content-Length: 5\r\n\r\nhe")).startswith(b"HTTP/1.1 408")
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\nno length\r\n"
        assert (await exchange(client.app, chunked)).startswith(b"HTTP/1.1 400")


async def test_a_request_that_drips_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """408 for half a head or half a body; a connection with nothing to say is closed without a word."""
    monkeypatch.setattr(connection, "REQUEST_S", 0.02)
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 0.02)
    assert (await exchange(echo, b"GET / HT")).startswith(b"HTTP/1.1 408")
    assert (await exchange(echo, POST + b"Content-Length: 5\r\n\r\nhe")).startswith(b"HTTP/1.1 408")
    assert await exchange(echo) == b""
