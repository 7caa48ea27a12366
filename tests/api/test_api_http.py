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


async def test_websockets_are_turned_away() -> None:
    """An upgrade is refused without harm."""
    async with serving(operations()[0]) as address:
        stream = await connect(address)
        await stream.send_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 403")
