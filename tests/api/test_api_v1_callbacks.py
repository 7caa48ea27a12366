"""Messages that say themselves where to tell of them."""

import pytest
from attrs import evolve
from v1_bench import KEY, api, api_config

from smsagg.config.schema import CallbackSettings, Config, WebhookSendingSettings
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings

URL = "https://shop.example:8443/sms/4711"


def taking_callbacks(**sections: object) -> Config:
    config = api_config(**sections)
    secret = CallbackSettings("whsec_" + "A" * 32)
    config.accounts["acme"] = evolve(config.accounts["acme"], callbacks=secret)
    return config


async def test_a_message_is_told_of_where_it_says() -> None:
    """Its whole life, though its account follows nothing; other messages of the account are not told of."""
    async with api(taking_callbacks()) as client:
        client.gateway.carrier.accept_all()
        assert (await client.send(callback_url=URL)).status == 202
        assert (await client.send()).status == 202
        await client.gateway.settle()
        tables = client.gateway.store.tables.events
        assert [event.kind for event in tables.events.values()] == ["message.queued", "message.sent"]
        assert {(one.endpoint, one.url) for one in tables.deliveries.values()} == {
            ("acme/https://shop.example:8443", URL)
        }


async def test_a_long_message_is_told_of_as_one() -> None:
    """Its parts go one way; its end is told once."""
    carriers = {"alpha": carrier_settings(FakeSettings(long_messages="udh"))}
    async with api(taking_callbacks(carriers=carriers)) as client:
        client.gateway.carrier.accept_all()
        message_id = (await client.send(text="x" * 400, callback_url=URL)).document["id"]
        await client.gateway.settle()
        for message in list(client.gateway.engine.core.live.values()):
            client.gateway.carrier.receipt(message.carrier_message_id)
        await client.gateway.settle()
        tables = client.gateway.store.tables.events
        kinds = [event.kind.removeprefix("message.") for event in tables.events.values()]
        assert kinds == ["queued", "sent", "delivered"]
        assert {event.message_id for event in tables.events.values()} == {message_id}
        assert len(tables.deliveries) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://user@shop.example/",
        "https://shop.example:25/",
        "file:///x",
    ],
)
async def test_what_cannot_be_gone_to_is_refused_at_once(url: str) -> None:
    """With the member; nothing is taken."""
    async with api(taking_callbacks()) as client:
        answer = await client.send(callback_url=url)
        assert (answer.status, answer.document["type"]) == (422, "problems/invalid-callback")
        assert answer.document["errors"][0]["path"] == "callback_url"


async def test_networks_that_are_allowed_may_be_called_back() -> None:
    """As for webhooks."""
    config = taking_callbacks(webhooks=WebhookSendingSettings(allowed_networks=("127.0.0.0/8",)))
    async with api(config) as client:
        assert (await client.send(callback_url="http://127.0.0.1:8099/")).status == 202


async def test_without_a_secret_there_are_no_callbacks() -> None:
    """Nobody could know that they are ours."""
    async with api() as client:
        answer = await client.send(callback_url=URL)
        assert (answer.status, answer.document["type"]) == (422, "problems/no-callback-secret")
        assert KEY not in answer.body.decode()


async def test_callbacks_outlive_the_process() -> None:
    """A message that waited over a restart is told of all the same."""
    config = taking_callbacks()
    async with api(config) as client:
        client.gateway.carrier.link.is_bound = False
        await client.send(callback_url=URL)
        await client.gateway.settle()
        store = client.gateway.store
    async with api(config, type(store)(store.tables)) as client:
        client.gateway.carrier.accept_all()
        await client.gateway.settle()
        deliveries = store.tables.events.deliveries.values()
        assert [one.url for one in deliveries] == [URL, URL]
