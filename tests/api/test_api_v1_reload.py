"""Calls over HTTP that are under way while the configuration becomes another one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import evolve
from v1_bench import KEY, OTHERS_KEY, Answered, Client, api, api_config

from smsagg.api.v1.events import events
from smsagg.config.schema import ApiKeySettings, Config, QuotaSettings, RoutingSettings
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.errors import StoreFailed
from smsagg.tables import Tables
from smsagg.testing.gateway import pool_settings
from smsagg.testing.resolver import FakeResolver, lookup_settings


def put_in_force(client: Client, config: Config) -> None:
    client.gateway.reconfigure(config)
    client.app.reconfigure()


@pytest.mark.parametrize("is_removed", [True, False])
async def test_nothing_is_taken_from_an_account_that_left_while_a_number_was_looked_up(is_removed: bool) -> None:
    """401, as for a call that comes now; nothing is sent."""
    config = api_config(routing=RoutingSettings(lookup=lookup_settings()))
    resolver = FakeResolver({"447700900123": "23415"}, gate=trio.Event())
    answers: list[Answered] = []
    async with api(config, tables=Tables(resolver=resolver)) as client, trio.open_nursery() as nursery:

        async def send() -> None:
            answers.append(await client.send())

        await client.gateway.settle()
        nursery.start_soon(send)
        await client.gateway.settle()
        accounts = dict(config.accounts)
        acme = accounts.pop("acme")
        if not is_removed:
            accounts["acme"] = evolve(acme, enabled=False)
        put_in_force(client, evolve(config, accounts=accounts))
        assert resolver.gate is not None
        resolver.gate.set()
        await client.gateway.settle()
        assert [answer.status for answer in answers] == [401]
        assert client.gateway.carrier.outstanding == []


@asynccontextmanager
async def stream(client: Client, key: str = KEY) -> AsyncIterator[bytearray]:
    """What a stream of events says while the block lasts; ``end`` when it is over."""
    received = bytearray()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/v1/events/stream", "raw_path": b"/v1/events/stream", "query_string": b"", "root_path": "",
        "headers": [(b"authorization", f"Bearer {key}".encode())], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }  # fmt: skip
    gone = trio.Event()

    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        received.extend(message.get("body", b""))  # type: ignore[arg-type]

    async def follow() -> None:
        await client.app(scope, receive, send)
        received.extend(b"end")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await client.gateway.settle()
        yield received
        gone.set()


async def test_a_stream_ends_with_its_key() -> None:
    """Whose key is another one, or none, hears nothing more; others do."""
    config = api_config()
    config.accounts["acme"] = evolve(config.accounts["acme"], events=True)
    config.accounts["other"] = evolve(config.accounts["other"], events=True)
    async with api(config) as client, stream(client) as ended, stream(client, OTHERS_KEY) as goes_on:
        await client.send()
        await client.gateway.settle()
        assert ended.count(b"event: ") == 1
        changed = {"app": ApiKeySettings(digest_of(new_secret(KEY_PREFIX, os.urandom)))}
        accounts = config.accounts | {"acme": evolve(config.accounts["acme"], api_keys=changed)}
        put_in_force(client, evolve(config, accounts=accounts))
        await client.gateway.settle()
        assert ended.endswith(b"end")
        await Client(client.app, client.gateway, OTHERS_KEY).send()
        await client.gateway.settle()
        assert goes_on.count(b"event: ") == 1
        assert not goes_on.endswith(b"end")


async def test_no_account_has_all_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above its share it is refused, and others are not."""
    monkeypatch.setattr(events, "STREAMS_OF_ACCOUNT_MAX", 1)
    async with api() as client, stream(client):
        assert (await client.call("GET", "/v1/events/stream")).status == 429
        async with stream(client, OTHERS_KEY) as others:
            assert others == b": here\n\n"


@pytest.mark.parametrize("end", ["the caller goes", "the account leaves", "the store cannot be asked"])
async def test_a_batch_that_ends_between_two_slices_leaves_nothing(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """No place, no money, no message; whoever ends it."""
    config = api_config(pools={"gb": pool_settings("alpha", countries=("GB",))})
    config.accounts["acme"] = evolve(config.accounts["acme"], quotas=QuotaSettings(daily=1_000))
    async with api(config) as client, trio.open_nursery() as nursery:
        gateway = client.gateway
        waits, goes_on = trio.Event(), trio.Event()

        async def turn() -> None:
            waits.set()
            await goes_on.wait()
            if end == "the store cannot be asked":
                raise StoreFailed("no answer")

        monkeypatch.setattr(client.app._sending, "_turn", turn)
        answers: list[Answered] = []

        async def send() -> None:
            messages = [{"to": f"+4477009{n:05}", "text": "hello", "from": "ACME"} for n in range(100)]
            answers.append(await client.call("POST", "/v1/messages/batch", {"messages": messages}))

        nursery.start_soon(send)
        await waits.wait()
        assert gateway.engine.accounts["acme"].queued == 32
        if end == "the caller goes":
            nursery.cancel_scope.cancel()
        elif end == "the account leaves":
            put_in_force(client, evolve(config, accounts={"other": config.accounts["other"]}))
        goes_on.set()
        with trio.CancelScope(shield=True):
            await gateway.settle()
            put_in_force(client, config)
            gateway.assert_nothing_is_held()
            spending = gateway.engine.money.purses["acme"].spending
            assert spending is not None
            assert [limit.used for limit in spending.limits] == [0]
            assert gateway.carrier.outstanding == []
            assert [answer.status for answer in answers] == {
                "the caller goes": [], "the account leaves": [401], "the store cannot be asked": [503]
            }[end]  # fmt: skip
