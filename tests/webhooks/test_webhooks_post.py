"""Requests to endpoints over real sockets, and endpoints that misbehave."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from smsagg.testing.certificates import is_possible, self_signed
from smsagg.webhooks import post
from smsagg.webhooks.egress import Egress, on_behalf_of
from smsagg.webhooks.post import Answer, Poster, Verdict

TIMEOUT_S = 0.3
Behave = Callable[[trio.SocketStream], Awaitable[None]]


class Endpoint:
    """A server on loopback: reads a request, then behaves as told."""

    def __init__(self, behave: Behave) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.octets_sent = 0
        self.url = ""
        self._behave = behave

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        with trio.move_on_after(5):
            try:
                while request := await self._read(stream):
                    self.requests.append(request)
                    await self._behave(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    @staticmethod
    async def _read(stream: trio.SocketStream) -> bytes:
        """Head and body of one request; empty at the end."""
        octets = b""
        while b"\r\n\r\n" not in octets:
            more = await stream.receive_some()
            if not more:
                return b""
            octets += more
        head, _, body = octets.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += await stream.receive_some()
        return head + b"\r\n\r\n" + body


@asynccontextmanager
async def endpoint(behave: Behave) -> AsyncIterator[tuple[Endpoint, Poster]]:
    """An endpoint that behaves so, and who posts to it."""
    server = Endpoint(behave)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            listeners: list[trio.SocketListener] = await nursery.start(
                partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1")
            )
            server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/hook"
            async with Poster(Egress(["127.0.0.0/8"]), TIMEOUT_S) as poster:
                yield server, poster
            nursery.cancel_scope.cancel()


async def posted(poster: Poster, url: str) -> Answer:
    return await poster.post(url, [(b"content-type", b"application/json"), (b"webhook-id", b"evt_1")], b'{"a": 1}')


def answering(head: bytes, body: bytes = b"") -> Behave:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return answer


async def test_what_is_sent_arrives_as_it_is_and_connections_are_kept() -> None:
    """Host, our headers and the body, octet by octet; a second request needs no second connection."""
    async with endpoint(answering(b"204 No Content")) as (server, poster):
        for _ in range(2):
            assert (await posted(poster, server.url)).verdict is Verdict.TAKEN
        assert server.connections == 1
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert body == b'{"a": 1}'
        assert head.startswith(b"POST /hook HTTP/1.1\r\n")
        assert b"host: " + server.url.split("/")[2].encode() in head.lower()
        assert b"webhook-id: evt_1" in head


async def test_the_host_is_told_alone_whatever_follows_it() -> None:
    """With its port, and without the query or a fragment."""
    async with endpoint(answering(b"204 No Content")) as (server, poster):
        place = server.url.removesuffix("/hook")
        for url in (place, f"{place}#part", f"{place}?query", f"{place}/?query#part"):
            assert (await posted(poster, url)).verdict is Verdict.TAKEN
        hosts = {line for one in server.requests for line in one.lower().split(b"\r\n") if line.startswith(b"host:")}
        assert hosts == {f"host: {place.removeprefix('http://')}".encode()}


async def test_names_are_resolved_on_behalf_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each account has its share of the look-ups."""
    asked: list[str] = []

    async def resolve(_egress: Egress, host: str, _port: int, **_: object) -> list[str]:
        asked.append(on_behalf_of.get())
        return [host]

    monkeypatch.setattr(Egress, "resolve", resolve)
    on_behalf_of.set("acme")
    async with endpoint(answering(b"204 No Content")) as (server, poster):
        assert (await posted(poster, server.url)).verdict is Verdict.TAKEN
    assert asked == ["acme"]


@pytest.mark.parametrize(
    ("head", "verdict", "pause_s"),
    [
        (b"200 OK", Verdict.TAKEN, 0),
        (b"500 Oops", Verdict.FAILED, 0),
        (b"410 Gone", Verdict.GONE, 0),
        (b"429 Slow\r\nRetry-After: 7", Verdict.BUSY, 7),
        (b"503 Later\r\nRetry-After: 99999999", Verdict.BUSY, 3_600),
        (b"503 Later\r\nRetry-After: soon", Verdict.BUSY, 0),
        (b"404 No", Verdict.FAILED, 0),
    ],
)
async def test_what_an_answer_means(head: bytes, verdict: Verdict, pause_s: float) -> None:
    """By its status alone; a pause that is asked for has a bound."""
    async with endpoint(answering(head, b"whatever")) as (server, poster):
        answer = await posted(poster, server.url)
        assert (answer.verdict, answer.status, answer.retry_after_s) == (verdict, int(head[:3]), pause_s)


async def test_an_endpoint_that_takes_30_s_is_not_waited_for() -> None:
    """Nor one that drips its head or its body; each costs one timeout and its connection."""

    async def silent(_stream: trio.SocketStream) -> None:
        await trio.sleep(30)

    async def dripping_head(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n")
        while True:
            await stream.send_all(b"A: b\r\n")
            await trio.sleep(0.02)

    async def dripping_body(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await stream.send_all(b"x")
            await trio.sleep(0.02)

    for behave in (silent, dripping_head, dripping_body):
        async with endpoint(behave) as (server, poster):
            answer = await posted(poster, server.url)
            assert answer == (Verdict.FAILED, 0, "no answer within 0.3 s", 0.0)


async def test_redirects_are_not_followed() -> None:
    """To itself for ever, or to where it must not go: one request, and it failed."""
    for location in (b"/hook", b"http://169.254.169.254/latest/meta-data", b"file:///etc/passwd"):
        async with endpoint(answering(b"302 Found\r\nLocation: " + location)) as (server, poster):
            answer = await posted(poster, server.url)
            assert (answer.verdict, answer.status) == (Verdict.FAILED, 302)
            assert len(server.requests) == 1


@pytest.mark.parametrize("head", [b"Content-Length: 10000000000", b"Transfer-Encoding: chunked"])
async def test_an_answer_of_10_gb_is_not_read(head: bytes) -> None:
    """The status counts; of the body as much is read as shows that it does not end, and the connection is given up."""
    sent = 0

    async def flood(stream: trio.SocketStream) -> None:
        nonlocal sent
        await stream.send_all(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        part = bytes(65_536)
        while True:
            await stream.send_all(b"10000\r\n" + part + b"\r\n" if b"chunked" in head else part)
            sent += len(part)

    async with endpoint(flood) as (server, poster):
        assert (await posted(poster, server.url)).verdict is Verdict.TAKEN
        assert (await posted(poster, server.url)).verdict is Verdict.TAKEN
        assert server.connections == 2
    assert sent < 64 << 20


async def test_a_head_of_10_gb_is_no_answer() -> None:
    """It is cut at what heads may have."""

    async def flood(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nA: ")
        while True:
            await stream.send_all(bytes([98]) * 65_536)

    async with endpoint(flood) as (server, poster):
        answer = await posted(poster, server.url)
        assert (answer.verdict, answer.status) == (Verdict.FAILED, 0)


async def test_connections_that_break_and_rubbish_are_failures() -> None:
    """Closed without a word, in the middle, or no HTTP at all; a closed port."""

    async def close(stream: trio.SocketStream) -> None:
        await stream.aclose()

    async def half(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
        await stream.aclose()

    async def rubbish(stream: trio.SocketStream) -> None:
        await stream.send_all(b"\x00\x01SSH-2.0\r\n\r\n")

    for behave in (close, half, rubbish):
        async with endpoint(behave) as (server, poster):
            answer = await posted(poster, server.url)
            assert (answer.verdict, answer.status) == (Verdict.FAILED, 0)
    assert (await posted(poster, server.url)).verdict is Verdict.FAILED


async def test_what_must_not_be_gone_to_hears_nothing() -> None:
    """No connection is made, whatever the URL calls the address."""
    async with endpoint(answering(b"200 OK")) as (server, _):
        port = server.url.split(":")[2]
        async with Poster(Egress([]), TIMEOUT_S) as poster:
            for url in (server.url, f"https://127.0.0.1:{port}", f"https://2130706433:{port}", f"https://[::1]:{port}"):
                assert (await posted(poster, url)).verdict is Verdict.FORBIDDEN
        assert server.connections == 0


@pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificate")
async def test_connections_read_no_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read them would hold up the whole process at each; who is not vouched for is told nothing."""
    certificate = self_signed(tmp_path, "localhost")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate.certificate_file, certificate.key_file)
    read: list[object] = []

    async def shake_hands(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()

    async with trio.open_nursery() as nursery, Poster(Egress(["127.0.0.0/8"]), 5) as poster:
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda _context, *files: read.append(files))
        listeners = await nursery.start(partial(trio.serve_ssl_over_tcp, shake_hands, 0, theirs, host="127.0.0.1"))
        port = listeners[0].transport_listener.socket.getsockname()[1]
        for _ in range(2):
            assert "CERTIFICATE_VERIFY_FAILED" in (await posted(poster, f"https://127.0.0.1:{port}/")).reason
        nursery.cancel_scope.cancel()
    assert read == []


async def test_a_slow_endpoint_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to one that says nothing leave others their connections."""
    monkeypatch.setattr(post, "CONNECTIONS_MAX", 8)

    async def silent(_stream: trio.SocketStream) -> None:
        await trio.sleep(30)

    async with (
        endpoint(silent) as (slow, _),
        endpoint(answering(b"204 Done")) as (quick, poster),
        trio.open_nursery() as nursery,
    ):
        for _ in range(4):
            nursery.start_soon(posted, poster, slow.url)
        for _ in range(10):
            assert (await posted(poster, quick.url)).verdict is Verdict.TAKEN
