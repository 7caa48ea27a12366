"""Asking a look-up service over HTTP: what is sent, and what its answers mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from smsagg.config.units import Duration
from smsagg.errors import ConfigError
from smsagg.resolvers.base import ResolverError
from smsagg.resolvers.http import HttpResolver, HttpResolverSettings, network_in


class Service:
    """Answers each request with ``status`` and ``body``, and keeps what came."""

    def __init__(self) -> None:
        self.status, self.body = "200 OK", b'{"mccmnc": "23415"}'
        self.requests: list[str] = []
        self.url = ""

    async def serve(self, stream: trio.SocketStream) -> None:
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                octets = await stream.receive_some()
                if not octets:
                    return
                received += octets
            head, _, received = received.partition(b"\r\n\r\n")
            self.requests.append(head.decode())
            await stream.send_all(
                f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nLocation: /x\r\n\r\n".encode()
                + self.body
            )


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[tuple[Service, HttpResolver]]:
    service = Service()
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, service.serve, 0, host="127.0.0.1")
        listeners = await nursery.start(serve)
        service.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        resolver = HttpResolver(HttpResolverSettings(url=service.url + "/v1/{msisdn}?full=1", **settings))
        await nursery.start(resolver.run)
        yield service, resolver
        nursery.cancel_scope.cancel()


async def test_the_number_goes_into_the_url_and_the_network_comes_from_the_answer() -> None:
    """With the headers that the settings name."""
    async with running(headers={"X-Customer": "me"}, token="t0k") as (service, resolver):
        assert resolver.known("447700900123") is None
        assert await resolver.resolve("447700900123") == "23415"
        request, *headers = service.requests[0].split("\r\n")
        assert request == "GET /v1/447700900123?full=1 HTTP/1.1"
        sent = [header.lower() for header in headers]
        assert "x-customer: me" in sent
        assert "authorization: bearer t0k" in sent


async def test_a_connection_is_used_again() -> None:
    """Also after an answer that was refused."""
    async with running(connections_max=1) as (service, resolver):
        for _ in range(3):
            assert await resolver.resolve("447700900123") == "23415"
        service.status = "503 Unavailable"
        with pytest.raises(ResolverError, match="HTTP status 503"):
            await resolver.resolve("447700900123")
        service.status = "200 OK"
        assert await resolver.resolve("447700900123") == "23415"


async def test_404_means_that_nothing_is_known() -> None:
    """As an answer without a network does."""
    async with running() as (service, resolver):
        service.status = "404 Not Found"
        assert await resolver.resolve("447700900123") == ""
        service.status, service.body = "200 OK", b'{"mccmnc": null}'
        assert await resolver.resolve("447700900123") == ""


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        ("500 Oops", b"", "HTTP status 500"),
        ("302 Found", b"", "HTTP status 302"),
        ("200 OK", b"<html>", "not JSON"),
        ("200 OK", b'{"mccmnc": "' + b"2" * 70_000 + b'"}', "more than 65536 octets"),
        ("200 OK", b'{"mccmnc": "vodafone"}', "no MCC and MNC"),
        ("200 OK", b'{"mccmnc": {}}', "neither text nor number"),
    ],
)
async def test_what_makes_no_sense_is_an_error(status: str, body: bytes, reason: str) -> None:
    """Redirects are not followed, long answers not read."""
    async with running() as (service, resolver):
        service.status, service.body = status, body
        with pytest.raises(ResolverError, match=reason):
            await resolver.resolve("447700900123")


async def test_a_service_that_is_gone_is_an_error() -> None:
    """And so is a resolver that does not run."""
    resolver = HttpResolver(HttpResolverSettings(url="http://127.0.0.1:1/{msisdn}", timeout=Duration(5.0)))
    with pytest.raises(ResolverError, match="not running"):
        await resolver.resolve("447700900123")
    async with trio.open_nursery() as nursery:
        await nursery.start(resolver.run)
        with pytest.raises(ResolverError, match="ConnectError"):
            await resolver.resolve("447700900123")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("body", "pointers", "network"),
    [
        (b'{"data": [{"mccmnc": "234-15"}]}', ("/data/0/mccmnc",), "23415"),
        (b'{"mcc": 234, "mnc": "15"}', ("/mcc", "/mnc"), "23415"),
        (b'{"a/b": {"~": 310410}}', ("/a~1b/~0",), "310410"),
        (b'{"mcc": "234"}', ("/mcc", "/mnc"), ""),
        (b'{"data": []}', ("/data/0/mccmnc",), ""),
        (b'{"mccmnc": ""}', ("/mccmnc",), ""),
    ],
)
def test_the_network_is_where_the_pointers_say(body: bytes, pointers: tuple[str, ...], network: str) -> None:
    """RFC 6901; what is missing is not known."""
    assert network_in(body, pointers) == network


@pytest.mark.parametrize(
    "url", ["https://example.com/", "ftp://example.com/{msisdn}", "https:///v1/{msisdn}", "http://x:y/{msisdn}"]
)
def test_a_wrong_url_is_refused(url: str) -> None:
    """It must be one, and have a place for the number."""
    with pytest.raises(ValueError, match="URL"):
        HttpResolverSettings(url=url)


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Cookie", "x-auth-token"])
def test_secrets_are_not_written_as_headers(name: str) -> None:
    """They would stand in every version of the configuration that is kept."""
    with pytest.raises(ValueError, match="looks like a secret"):
        HttpResolverSettings(url="https://example.com/{msisdn}", headers={name: "x"})


def test_headers_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not there is a problem of the configuration."""
    settings = HttpResolverSettings(url="https://example.com/{msisdn}", headers_env={"Authorization": "LOOKUP_TEST"})
    with pytest.raises(ConfigError, match="LOOKUP_TEST"):
        HttpResolver(settings)
    monkeypatch.setenv("LOOKUP_TEST", "Bearer x")
    assert "Bearer" not in repr(HttpResolver(settings)) + repr(settings)
