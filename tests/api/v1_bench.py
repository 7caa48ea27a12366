"""The API of version 1 over an engine with a fake carrier, called without a socket."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
import trio

from smsagg.api.v1 import V1
from smsagg.config.schema import ApiKeySettings, Config, OperatorSettings
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway

KEY = new_secret(KEY_PREFIX, os.urandom)
OTHERS_KEY = new_secret(KEY_PREFIX, os.urandom)
READING_KEY = new_secret(KEY_PREFIX, os.urandom)
OPERATOR_KEY = new_secret(KEY_PREFIX, os.urandom)


def api_config(**sections: Any) -> Config:
    """Accounts ``acme`` (with a second key that may only read) and ``other``, and an operator."""
    accounts = {
        "acme": account_settings(
            "acme",
            api_keys={
                "app": ApiKeySettings(digest_of(KEY)),
                "reader": ApiKeySettings(digest_of(READING_KEY), scopes=("messages:read",)),
            },
        ),
        "other": account_settings("other", api_keys={"app": ApiKeySettings(digest_of(OTHERS_KEY))}),
    }
    operators = {"ann": OperatorSettings(digest_of(OPERATOR_KEY))}
    return make_config(**({"accounts": accounts, "operators": operators} | sections))


class Answered(NamedTuple):
    """What a call was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """Calls the application as a server would."""

    def __init__(self, app: V1, gateway: FakeGateway, key: str = KEY, address: str = "127.0.0.1") -> None:
        self.app = app
        self.gateway = gateway
        self.key = key
        self.address = address

    def with_key(self, key: str, address: str = "127.0.0.1") -> "Client":
        """Somebody else of the same gateway."""
        return Client(self.app, self.gateway, key, address)

    async def call(
        self, method: str, path: str, body: Any = None, comes_after: trio.Event | None = None, **headers: str
    ) -> Answered:
        """One request; ``body`` is octets, or what becomes JSON, and comes with the head or after an event."""
        octets = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        fields = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        fields |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in fields.items() if value],
            "client": (self.address, 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[dict[str, Any]] = []
        incoming = [{"type": "http.request", "body": octets, "more_body": False}]

        async def receive() -> Any:
            if comes_after is not None:
                await comes_after.wait()
            if not incoming:
                await trio.sleep_forever()
            return incoming.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], answered, b"".join(part.get("body", b"") for part in sent[1:]))

    async def send(self, to: str = "+447700900123", text: str = "hello", **fields: Any) -> Answered:
        """POST one message."""
        return await self.call("POST", "/v1/messages", {"to": to, "text": text, "from": "ACME"} | fields)


@asynccontextmanager
async def api(
    config: Config | None = None, store: MemoryStore | None = None, tables: Tables | None = None
) -> AsyncIterator[Client]:
    """A running gateway and a client of its API."""
    async with run_gateway(config or api_config(), store, tables=tables) as gateway:
        yield Client(V1(gateway.engine), gateway)
