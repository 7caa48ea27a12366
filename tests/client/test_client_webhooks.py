"""What the client does with webhooks and with messages from handsets, against the application."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from attrs import evolve

from smsagg.api.v1 import V1
from smsagg.client import ApiError, AsyncClient, Client
from smsagg.client.webhooks_async import AsyncWebhooks
from smsagg.client.webhooks_sync import Webhooks
from smsagg.config.schema import ApiKeySettings
from smsagg.directory.secrets import digest_of
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway

KEY = "sk_client"


@asynccontextmanager
async def client() -> AsyncIterator[tuple[AsyncClient, FakeGateway]]:
    account = account_settings("acme", api_keys={"app": ApiKeySettings(digest_of(KEY))}, mo_numbers=("44*",))
    async with run_gateway(make_config(accounts={"acme": evolve(account, inbound="http")})) as gateway:
        transport = httpx2.ASGITransport(V1(gateway.engine))
        async with AsyncClient("http://sms.example", KEY, transport=transport, retries=0) as asking:
            yield asking, gateway


async def test_a_webhook_is_made_and_managed() -> None:
    """From its making to its end."""
    async with client() as (asking, _):
        hooks = asking.webhooks
        made = await hooks.make("crm", "https://crm.example/", events=["message.queued"], rate=5, batch_max=9)
        assert made.secret is not None
        assert made.secret not in repr(made)
        assert (made.source, made.rate, made.batch_max, made.health.state) == ("api", 5, 9, "ok")
        assert [one.name for one in await hooks.all()] == ["crm"]
        assert (await hooks.change("crm", rate=None, url="https://b.example/")).rate is None
        assert (await hooks.get("crm")).url == "https://b.example/"
        rotated = await hooks.rotate_secret("crm", overlap_s=60)
        assert rotated.secret != made.secret
        assert rotated.old_secret_until is not None
        assert (await hooks.test("crm")).startswith("evt_")
        assert (await hooks.disable("crm")).health.disabled_for == "asked"
        assert (await hooks.enable("crm")).health.state == "ok"
        await hooks.delete("crm")
        with pytest.raises(ApiError) as refused:
            await hooks.get("crm")
        assert refused.value.kind == "unknown-webhook"
        with pytest.raises(ValueError, match="no name"):
            await hooks.get("../messages")


async def test_a_replay_goes_on_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls it takes."""
    monkeypatch.setattr("smsagg.engine.endpoints.desk.REPLAYED_MAX", 2)
    monkeypatch.setattr("smsagg.engine.endpoints.desk.AT_ONCE", 2)
    async with client() as (asking, _):
        await asking.webhooks.make("crm", "https://crm.example/", events=["message.queued"])
        for _number in range(5):
            await asking.send(to="+447700900123", text="hello")
        assert await asking.webhooks.replay("crm", since=datetime(2020, 1, 1, tzinfo=UTC)) == 5


async def test_a_message_may_be_sent_with_a_callback() -> None:
    """Once there is a secret for it."""
    async with client() as (asking, _):
        with pytest.raises(ApiError) as refused:
            await asking.send(to="+447700900123", text="a", callback_url="https://shop.example/1")
        assert refused.value.kind == "no-callback-secret"
        assert (await asking.webhooks.rotate_callback_secret()).secret.startswith("whsec_")
        await asking.send(to="+447700900123", text="a", callback_url="https://shop.example/1")


async def test_messages_from_handsets_are_read_in_order() -> None:
    """And later on behind the last one."""
    async with client() as (asking, gateway):
        for text in (b"one", b"two"):
            gateway.carrier.mo("447700900000", text)
        await gateway.settle()
        found = [one async for one in asking.inbound(to="+447700900000")]
        assert [(one.text, one.body) for one in found] == [("one", b"one"), ("two", b"two")]
        assert [one.id async for one in asking.inbound(after=found[0].id)] == [found[1].id]


def test_both_clients_can_do_the_same() -> None:
    """Name by name, argument by argument."""
    for one, other in ((Webhooks, AsyncWebhooks), (Client, AsyncClient)):
        for name, method in inspect.getmembers(one, inspect.isfunction):
            if not name.startswith("_") and name != "close":
                asynchronous = inspect.signature(getattr(other, name)).parameters
                assert list(inspect.signature(method).parameters) == list(asynchronous), name
