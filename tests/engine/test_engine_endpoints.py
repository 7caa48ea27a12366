"""Endpoints of the file and of the register, over lives of the process."""

from typing import Any

import orjson
from attrs import evolve

from smsagg.config.schema import CallbackSettings, Config, WebhookSettings
from smsagg.directory.audit import Actor
from smsagg.engine.endpoints.endpoints import KIND
from smsagg.events.endpoint import Source
from smsagg.events.standing import Disabled
from smsagg.protection import Cipher, Key
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway

BY = Actor("key:app", "acme")
SECRET = "whsec_" + "A" * 32


def config_with(*hooks: str, **values: Any) -> Config:
    webhooks = {name: WebhookSettings(f"https://file.example/{name}", SECRET) for name in hooks}
    return make_config(accounts={"acme": account_settings("acme", webhooks=webhooks, **values)})


async def made(gateway: FakeGateway, hook: str = "crm") -> None:
    await gateway.engine.endpoint_desk.make(BY, "acme", hook, "", {"url": "https://api.example/"})


async def test_the_files_endpoint_is_in_force_before_one_of_its_name() -> None:
    """As long as the file has it; then the other one is there again."""
    tables = Tables()
    async with run_gateway(store=MemoryStore(tables)) as gateway:
        await made(gateway)
    async with run_gateway(config_with("crm"), MemoryStore(tables)) as gateway:
        [endpoint] = gateway.engine.endpoints
        assert (endpoint.source, endpoint.settings.url) == (Source.FILE, "https://file.example/crm")
        gateway.reconfigure(config_with())
        [endpoint] = gateway.engine.endpoints
        assert (endpoint.source, endpoint.settings.url) == (Source.API, "https://api.example/")
        assert gateway.engine.events.follows("acme")


async def test_an_endpoint_of_a_name_that_was_another_ones_begins_anew() -> None:
    """Also when that was the file's, was disabled, and left with a reload."""
    async with run_gateway(config_with("crm")) as gateway:
        desk = gateway.engine.endpoint_desk
        await desk.disable(BY, desk.all("acme")["crm"])
        gateway.reconfigure(config_with())
        await made(gateway)
        assert not desk.standing(desk.all("acme")["crm"]).is_disabled


async def test_an_account_that_leaves_takes_its_endpoints_along() -> None:
    """Until it is back."""
    async with run_gateway() as gateway:
        await made(gateway)
        gateway.reconfigure(make_config(accounts={"other": account_settings("other")}))
        assert list(gateway.engine.endpoints) == []
        gateway.reconfigure(make_config())
        assert [one.name for one in gateway.engine.endpoints] == ["acme/crm"]


async def test_how_endpoints_stood_that_are_no_more_is_forgotten_at_the_next_start() -> None:
    """Of those that are there it is known."""
    tables = Tables()
    async with run_gateway(config_with("a", "b"), MemoryStore(tables)) as gateway:
        for endpoint in gateway.engine.endpoints:
            changes = Changes()
            standing = gateway.engine.standings.of(endpoint).disabled(Disabled.GONE, 5, endpoint.digest)
            gateway.engine.standings.put(endpoint, standing, changes)
            gateway.store.write(changes)
        await gateway.settle()
    async with run_gateway(config_with("a"), MemoryStore(tables)) as gateway:
        assert gateway.engine.endpoint_desk.disabled() == {"acme": 1}
        await gateway.settle()
        assert [key for kind, key in tables.entities if kind == "endpoint-standing"] == ["acme/a"]


async def test_an_endpoint_whose_secret_cannot_be_opened_is_left_out() -> None:
    """Its key is lost: nothing could be signed. The others are as they were."""
    tables = Tables()
    async with run_gateway(store=MemoryStore(tables)) as gateway:
        await made(gateway, "good")
        await made(gateway, "lost")
        stranger = Cipher([Key(bytes(32))], lambda count: bytes(count))
        value = dict(gateway.engine.register.get(KIND, "acme/lost") or {})
        value["secret"] = stranger.seal_text(SECRET, "webhook-secret")
    tables.entities["register", f"{KIND}/acme/lost"] = orjson.dumps(value)
    async with run_gateway(store=MemoryStore(tables)) as gateway:
        assert [one.name for one in gateway.engine.endpoints] == ["acme/good"]


async def test_each_server_that_messages_name_is_an_endpoint_of_its_own() -> None:
    """With what the account's callbacks have in common; without a secret there is none."""
    config = config_with(callbacks=CallbackSettings(SECRET, concurrency=9))
    async with run_gateway(config) as gateway:
        endpoints = gateway.engine.endpoints
        endpoint = endpoints.get("acme/https://shop.example:8443")
        assert endpoint is not None
        assert (endpoint.source, endpoint.name) == (Source.CALLBACK, "acme/https://shop.example:8443")
        assert (endpoint.settings.secret, endpoint.settings.concurrency) == (SECRET, 9)
        assert endpoints.get("other/https://shop.example") is None
        assert not gateway.engine.events.is_quiet
        account = evolve(config.accounts["acme"], callbacks=None)
        gateway.reconfigure(make_config(accounts={"acme": account}))
        assert endpoints.get("acme/https://shop.example:8443") is None
        assert gateway.engine.events.is_quiet
