"""What the client does with webhooks and with messages from handsets, against the application."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from attrs import evolve

from smsagg.api.v1 import V1
from smsagg.client import ApiError, AsyncClient, Client, webhooks
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


async def test_a_limit_may_be_taken_away() -> None:
    """By a member that is ``None``; what is left out stays. No secret is in what is printed of it."""
    async with client() as (asking, _):
        create = webhooks.create("crm", "https://crm.example/", events=["message.queued"], rate=5, batch_max=9)
        made = await asking.ask(create)
        assert (made.rate, made.batch_max) == (5, 9)
        assert made.secret not in repr(made)
        changed = await asking.ask(webhooks.change("crm", rate=None))
        assert (changed.rate, changed.url, changed.batch_max) == (None, "https://crm.example/", 9)


async def test_a_replay_goes_on_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls it takes."""
    monkeypatch.setattr("smsagg.engine.endpoints.desk.REPLAYED_MAX", 2)
    monkeypatch.setattr("smsagg.engine.endpoints.desk.AT_ONCE", 2)
    async with client() as (asking, _):
        await asking.ask(webhooks.create("crm", "https://crm.example/", events=["message.queued"]))
        for _number in range(5):
            await asking.send(to="+447700900123", text="hello")
        owed, cursor = 0, None
        while owed == 0 or cursor is not None:
            replayed = await asking.ask(webhooks.replay("crm", datetime(2020, 1, 1, tzinfo=UTC), cursor=cursor))
            owed, cursor = owed + replayed.owed, replayed.next_cursor
        assert owed == 5


async def test_a_message_may_be_sent_with_a_callback() -> None:
    """Once there is a secret for it."""
    async with client() as (asking, _):
        with pytest.raises(ApiError) as refused:
            await asking.send(to="+447700900123", text="a", callback_url="https://shop.example/1")
        assert refused.value.kind == "no-callback-secret"
        assert (await asking.ask(webhooks.rotate_callback_secret())).secret.startswith("whsec_")
        await asking.send(to="+447700900123", text="a", callback_url="https://shop.example/1")


def test_both_clients_can_do_the_same() -> None:
    """Name by name, argument by argument."""
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_") and name != "close":
            asynchronous = inspect.signature(getattr(AsyncClient, name)).parameters
            assert list(inspect.signature(method).parameters) == list(asynchronous), name
