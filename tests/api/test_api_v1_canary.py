"""Texts and keys are in nothing that the HTTP API puts out."""

import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
import trio
from attrs import evolve

from smsagg.api.app import OperationsApp
from smsagg.api.http import serve_http
from smsagg.api.root import make_root
from smsagg.api.v1 import V1
from smsagg.api.v1.messages.sending import Sending
from smsagg.config.schema import ApiKeySettings
from smsagg.config.units import HostPort, split_host_port
from smsagg.directory.secrets import digest_of
from smsagg.model import Message
from smsagg.observe.log import configure_logging
from smsagg.testing.gateway import account_settings, make_config, run_gateway

TEXT = "CANARYTEXT483921"
KEY = "sk_CANARYKEY7f3a"
STRANGE_KEY = "sk_STRANGECANARY"
NUMBER = "447700900123"


@pytest.fixture
def log() -> Iterator[io.BytesIO]:
    """Everything that is logged, whatever its level."""
    before = structlog.get_config()
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, write_through=True)
    configure_logging("debug", "json", stream)
    yield octets
    stream.detach()
    structlog.configure(**before)


class Caller:
    """A client that keeps every octet that it hears."""

    def __init__(self, address: HostPort) -> None:
        self.heard = b""
        self._address = split_host_port(address)

    async def call(self, method: str, target: str, body: Any = None, key: str = KEY, headers: str = "") -> bytes:
        octets = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(octets)}\r\n\r\n"
        )
        return await self.raw(head.encode() + octets)

    async def raw(self, octets: bytes) -> bytes:
        stream = await trio.open_tcp_stream(*self._address)
        await stream.send_all(octets)
        heard = b""
        async for part in stream:
            heard += part
        await stream.aclose()
        self.heard += heard
        return heard.partition(b"\r\n\r\n")[2]


async def test_no_text_and_no_key_is_in_an_answer_an_event_a_metric_or_the_log(
    log: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken, refused, broken, looked for, cancelled, and a crash; the document that describes it all."""
    keys = {"app": ApiKeySettings(digest_of(KEY)), "reader": ApiKeySettings(digest_of("sk_r"), ("messages:read",))}
    config = make_config(accounts={"acme": evolve(account_settings("acme", api_keys=keys), events=True)})
    one = {"to": f"+{NUMBER}", "from": "ACME", "text": TEXT}
    async with run_gateway(config) as gateway, trio.open_nursery() as nursery:

        async def search(**_: Any) -> tuple[list[Message], int]:
            return list(await gateway.engine.control.find_all("acme", message_id)), 0

        v1 = V1(gateway.engine, search)
        app = make_root(OperationsApp(gateway.metrics, list), v1)
        address: HostPort = await nursery.start(serve_http, HostPort("127.0.0.1:0"), app)
        caller = Caller(address)
        message_id = orjson.loads(await caller.call("POST", "/v1/messages", one))["id"]
        await caller.call("POST", "/v1/messages", one, headers=f"Idempotency-Key: {TEXT}\r\n")
        await caller.call("POST", "/v1/messages", {"to": "1", "text": TEXT}, headers=f"Idempotency-Key: {TEXT}\r\n")
        await caller.call("POST", "/v1/messages/batch", {"messages": [one, one | {"to": "nobody"}, one | {"to": "99"}]})
        for member in ("to", "from", "ttl", "region", "send_at", "message_type", "priority", "reference", "text"):
            wrong = {member: TEXT * 400 if member in ("text", "reference") else TEXT * 2}
            await caller.call("POST", "/v1/messages", one | wrong)
            await caller.call("POST", "/v1/messages/batch", {"messages": [one | wrong]})
        for broken in (orjson.dumps(one)[:-1], orjson.dumps([one]), TEXT.encode(), b"\xff" + orjson.dumps(one)):
            await caller.call("POST", "/v1/messages", broken)
        await caller.call("POST", "/v1/messages", one, key="sk_r")
        await caller.call("POST", "/v1/messages", one, key=STRANGE_KEY)
        await caller.call("POST", f"/v1/messages/{message_id}/cancel")
        await caller.call("PUT", "/v1/messages")
        for target in (
            "messages", f"messages/{message_id}", f"messages/{message_id}/events", f"messages/{TEXT}", "openapi.json",
            "events", f"events?cursor={TEXT}&type={TEXT}", f"events?type={TEXT}", f"events?limit={TEXT}",
            f"messages?since={TEXT}", f"messages?state={TEXT}", f"messages?cursor={TEXT}", f"{TEXT}?key={STRANGE_KEY}",
            f"../{TEXT}", "../readyz",
        ):  # fmt: skip
            await caller.call("GET", f"/v1/{target}")
        await caller.raw(f"GET /{TEXT} HTTP/1.1\r\nAuthorization: Bearer {STRANGE_KEY}\r\n\r\n".encode())
        await caller.raw(f"{TEXT}\r\n\r\n".encode())
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        await caller.call("GET", "/v1/events")
        monkeypatch.setattr(Sending, "_take_one", lambda _self, _account, asked, _now: asked.no_such_field)
        assert b"internal-error" in await caller.call("POST", "/v1/messages", one)
        assert b"smsagg_messages_accepted_total" in await caller.call("GET", "/metrics")
        nursery.cancel_scope.cancel()
    lines = log.getvalue()
    assert b"http_connection_failed" in lines
    assert caller.heard.count(b"HTTP/1.1 4") > 30
    for private in (TEXT, KEY, STRANGE_KEY):
        assert private.encode() not in caller.heard
        assert private.encode() not in lines
    assert NUMBER.encode() not in lines
