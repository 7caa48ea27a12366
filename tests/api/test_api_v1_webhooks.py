"""Endpoints that an account makes and changes at run time."""

import os
from typing import Any

import pytest
from attrs import evolve
from v1_bench import OTHERS_KEY, READING_KEY, Client, api, api_config

from smsagg.config.schema import ApiKeySettings, Config, WebhookSettings
from smsagg.directory.audit import Actor
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.engine.endpoints.desk import ENDPOINTS_MAX
from smsagg.engine.endpoints.endpoints import KIND
from smsagg.errors import StaleValue, StoreFailed
from smsagg.events.documents import instant
from smsagg.events.standing import Disabled
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore

SECRET, OTHER_SECRET = "whsec_" + "A" * 32, "whsec_" + "B" * 32
CRM = {"name": "crm", "url": "https://crm.example/hooks", "events": ["message.queued", "message.sent"]}


def with_file_hook() -> Config:
    config = api_config()
    hooks = {"old": WebhookSettings("https://old.example/", SECRET)}
    config.accounts["acme"] = evolve(config.accounts["acme"], webhooks=hooks)
    return config


async def make(client: Client, **members: Any) -> Any:
    answer = await client.call("POST", "/v1/webhooks", CRM | members)
    assert answer.status == 201, answer.document
    return answer.document


def owed(client: Client) -> list[tuple[str, int]]:
    return [(one.endpoint, one.event_id) for one in client.gateway.store.tables.events.deliveries.values()]


async def test_a_webhook_that_is_made_is_told_what_happens() -> None:
    """From the answer on; its secret is shown once."""
    async with api() as client:
        made = await make(client)
        assert made["secret"].startswith("whsec_")
        assert made["source"] == "api"
        assert made["health"]["state"] == "ok"
        await client.send()
        await client.gateway.settle()
        assert owed(client) == [("acme/crm", 1)]
        shown = (await client.call("GET", "/v1/webhooks/crm")).document
        assert "secret" not in shown
        assert shown["health"]["pending"] == 1
        assert (await client.call("GET", "/v1/webhooks")).document == {"webhooks": [shown]}


async def test_webhooks_outlive_the_process_and_their_secrets_lie_nowhere_in_plain() -> None:
    """Sealed in the store, absent from the audit trail."""
    store = MemoryStore()
    async with api(store=store) as client:
        made = await make(client)
    kept = repr([*store.tables.entities.values(), *store.tables.audit])
    assert "crm.example" in kept
    assert made["secret"] not in kept
    assert made["secret"][6:20] not in kept
    async with api(store=MemoryStore(store.tables)) as client:
        [endpoint] = client.gateway.engine.endpoints
        assert endpoint.settings.secret == made["secret"]
        assert (await client.call("GET", "/v1/webhooks/crm")).document["url"] == CRM["url"]


async def test_what_the_file_says_is_read_only() -> None:
    """It is listed and marked; it may be tested, disabled and enabled, and not be changed."""
    async with api(with_file_hook()) as client:
        [shown] = (await client.call("GET", "/v1/webhooks")).document["webhooks"]
        assert (shown["name"], shown["source"], shown["created_at"]) == ("old", "file", None)
        for method, path, body in (
            ("PATCH", "", {"rate": 5}),
            ("DELETE", "", None),
            ("POST", "/rotate-secret", {}),
        ):
            answer = await client.call(method, f"/v1/webhooks/old{path}", body)
            assert (answer.status, answer.document["type"]) == (409, "problems/from-file")
        assert (await client.call("POST", "/v1/webhooks", CRM | {"name": "old"})).status == 409
        assert (await client.call("POST", "/v1/webhooks/old/disable")).document["health"]["disabled_for"] == "asked"
        assert (await client.call("POST", "/v1/webhooks/old/test")).status == 409
        assert (await client.call("POST", "/v1/webhooks/old/enable")).document["health"]["state"] == "ok"
        assert (await client.call("POST", "/v1/webhooks/old/test")).status == 202


async def test_webhooks_are_the_accounts_own() -> None:
    """To others they are unknown, and who may only read messages sees none."""
    async with api() as client:
        await make(client)
        stranger = client.with_key(OTHERS_KEY)
        assert (await stranger.call("GET", "/v1/webhooks")).document == {"webhooks": []}
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/test")):
            assert (await stranger.call(method, f"/v1/webhooks/crm{path}")).status == 404
        assert (await client.with_key(READING_KEY).call("GET", "/v1/webhooks")).status == 403
        await make(stranger)


async def test_who_may_not_see_texts_has_them_told_to_nobody() -> None:
    """Neither by an endpoint of theirs, nor by another place or more events for one that is there."""
    config, key = api_config(), new_secret(KEY_PREFIX, os.urandom)
    keys = config.accounts["acme"].api_keys
    keys["blind"] = ApiKeySettings(digest_of(key), scopes=("webhooks:read", "webhooks:write"))
    async with api(config) as client:
        made = await make(client)
        blind = client.with_key(key)
        for method, path, body in (
            ("POST", "", CRM | {"name": "mine"}),
            ("PATCH", "/crm", {"url": "https://mine.example/"}),
            ("PATCH", "/crm", {"events": ["message.inbound"]}),
        ):
            answer = await blind.call(method, f"/v1/webhooks{path}", body)
            assert (answer.status, answer.document["type"]) == (403, "problems/scope-missing")
        assert (await blind.call("GET", "/v1/webhooks")).document["webhooks"] == [
            {name: made[name] for name in made if name != "secret"}
        ]
        assert (await blind.call("PATCH", "/v1/webhooks/crm", {"rate": 5})).status == 200


async def test_members_change_one_by_one() -> None:
    """What is left out stays; null takes the rate away; what would be wrong changes nothing."""
    async with api() as client:
        await make(client, rate=5, secret=SECRET)
        changed = (await client.call("PATCH", "/v1/webhooks/crm", {"url": "https://new.example/"})).document
        assert (changed["url"], changed["rate"], changed["events"]) == ("https://new.example/", 5, CRM["events"])
        assert (await client.call("PATCH", "/v1/webhooks/crm", {"rate": None})).document["rate"] is None
        [endpoint] = client.gateway.engine.endpoints
        assert endpoint.settings.secret == SECRET
        for wrong in ({"url": "http://new.example/"}, {"events": []}, {"events": ["x"]}, {"concurrency": 0}, {"x": 1}):
            assert (await client.call("PATCH", "/v1/webhooks/crm", wrong)).status == 422
        assert (await client.call("GET", "/v1/webhooks/crm")).document["url"] == "https://new.example/"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://10.0.0.1/"}, {"url": "ftp://crm.example/"}, {"secret": "whsec_short"}, {"name": "a/b"},
        {"name": ""}, {"rate": 0}, {"events": ["webhook.test"]},
    ],
)  # fmt: skip
async def test_what_could_never_work_is_refused(wrong: dict[str, Any]) -> None:
    """422, and nothing is there."""
    async with api() as client:
        assert (await client.call("POST", "/v1/webhooks", CRM | wrong)).status == 422
        assert (await client.call("GET", "/v1/webhooks")).document == {"webhooks": []}


async def test_two_secrets_sign_while_one_is_changed() -> None:
    """For the overlap; without one the old is over at once. Each is shown once, where it is made."""
    async with api() as client:
        first = (await make(client))["secret"]
        answer = (await client.call("POST", "/v1/webhooks/crm/rotate-secret", {"overlap_s": 60})).document
        [endpoint] = client.gateway.engine.endpoints
        now = client.gateway.clock.now_ms()
        assert endpoint.secrets(now) == (answer["secret"], first)
        assert endpoint.secrets(now + 60_000) == (answer["secret"],)
        answer = (
            await client.call("POST", "/v1/webhooks/crm/rotate-secret", {"overlap_s": 0, "secret": SECRET})
        ).document
        assert answer == {"secret": SECRET, "old_secret_until": None}
        [endpoint] = client.gateway.engine.endpoints
        assert endpoint.secrets(now) == (SECRET,)


async def test_a_webhook_that_is_deleted_is_owed_nothing_nor_is_its_successor() -> None:
    """A name that is used again begins anew."""
    async with api() as client:
        await make(client)
        for _ in range(3):
            await client.send()
        await client.gateway.settle()
        assert len(owed(client)) == 3
        assert (await client.call("DELETE", "/v1/webhooks/crm")).status == 204
        assert owed(client) == []
        assert (await client.call("GET", "/v1/webhooks/crm")).status == 404
        await client.send()
        await make(client)
        await client.gateway.settle()
        assert owed(client) == []


async def test_an_account_has_only_so_many() -> None:
    """409 for one more, also when many come at once."""
    async with api() as client:
        for number in range(ENDPOINTS_MAX):
            await make(client, name=f"hook{number}")
        answer = await client.call("POST", "/v1/webhooks", CRM)
        assert (answer.status, answer.document["type"]) == (409, "problems/too-many-endpoints")


async def test_a_webhook_that_is_disabled_says_why_and_is_enabled_again() -> None:
    """What happened meanwhile is owed to it."""
    async with api() as client:
        await make(client)
        engine, changes = client.gateway.engine, Changes()
        [endpoint] = engine.endpoints
        standing = engine.standings.of(endpoint).disabled(Disabled.GONE, 5_000, endpoint.digest)
        engine.standings.put(endpoint, standing.failed(6_000, "answered 410", 10**9, endpoint.digest), changes)
        health = (await client.call("GET", "/v1/webhooks/crm")).document["health"]
        assert (health["state"], health["disabled_for"], health["last_error"]) == ("disabled", "gone", "answered 410")
        await client.send()
        health = (await client.call("POST", "/v1/webhooks/crm/enable")).document["health"]
        assert (health["state"], health["pending"]) == ("ok", 1)


async def test_a_test_event_is_owed_to_that_webhook_alone() -> None:
    """Whatever it is told of."""
    async with api(with_file_hook()) as client:
        await make(client)
        answer = await client.call("POST", "/v1/webhooks/crm/test")
        assert answer.status == 202
        assert owed(client) == [("acme/crm", int(answer.document["event"][4:], 16))]


async def test_a_span_of_time_is_replayed() -> None:
    """Under the same ids, only of the span, and once however often it is asked for while it waits."""
    async with api(with_file_hook()) as client:
        began = client.gateway.clock.now_ms()
        for _ in range(5):
            await client.send()
            client.gateway.clock.jump_wall(60)
        await make(client)
        span = {"since": instant(began + 30_000), "until": instant(began + 150_000)}
        for _ in range(2):
            answer = await client.call("POST", "/v1/webhooks/crm/replay", span)
            assert (answer.status, answer.document) == (202, {"owed": 2, "next_cursor": None})
            assert [one for one in owed(client) if one[0] == "acme/crm"] == [("acme/crm", 2), ("acme/crm", 3)]
        await client.gateway.store.forgive_events("acme/crm", 9)
        await client.call("POST", "/v1/webhooks/crm/replay", span | {"types": ["message.delivered"]})
        assert [one for one in owed(client) if one[0] == "acme/crm"] == []
        answer = await client.call(
            "POST", "/v1/webhooks/crm/replay", {"since": span["since"], "cursor": "evt_000000000004"}
        )
        assert answer.document["owed"] == 1
        for wrong in ({"since": span["until"], "until": span["since"]}, {}, {"since": "yesterday"}):
            assert (await client.call("POST", "/v1/webhooks/crm/replay", wrong)).status == 422


async def test_a_long_replay_goes_on_where_the_last_call_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call owes a bounded number."""
    monkeypatch.setattr("smsagg.engine.endpoints.desk.REPLAYED_MAX", 4)
    monkeypatch.setattr("smsagg.engine.endpoints.desk.AT_ONCE", 2)
    async with api(with_file_hook()) as client:
        await make(client)
        for _ in range(7):
            await client.send()
        await client.gateway.store.forgive_events("acme/crm", 99)
        cursor, counts = "", []
        while cursor is not None:
            body = {"since": "2027-01-01T00:00:00Z", "until": "2028-01-01T00:00:00Z", "cursor": cursor}
            document = (await client.call("POST", "/v1/webhooks/crm/replay", body)).document
            counts.append(document["owed"])
            cursor = document["next_cursor"]
        assert counts == [4, 3]
        assert len([one for one in owed(client) if one[0] == "acme/crm"]) == 7


async def test_a_store_that_fails_changes_nothing() -> None:
    """503, and the webhook is as it was."""
    async with api() as client:
        client.gateway.store.fail_next(StoreFailed("disk"), 2)
        assert (await client.call("POST", "/v1/webhooks", CRM)).status == 503
        assert (await client.call("GET", "/v1/webhooks")).document == {"webhooks": []}
        await make(client)
        client.gateway.store.fail_next(StoreFailed("disk"))
        assert (await client.call("PATCH", "/v1/webhooks/crm", {"rate": 5})).status == 503
        assert (await client.call("GET", "/v1/webhooks/crm")).document["rate"] is None


async def test_changes_are_audited() -> None:
    """Who did what to which; without secrets."""
    async with api() as client:
        await make(client)
        await client.call("POST", "/v1/webhooks/crm/rotate-secret", {})
        await client.call("POST", "/v1/webhooks/crm/disable")
        await client.call("DELETE", "/v1/webhooks/crm")
        entries = [record.entry for record in client.gateway.store.tables.audit]
        assert [entry.action for entry in entries] == [
            "webhook.put",
            "webhook.put",
            "webhook.disable",
            "webhook.delete",
        ]
        assert {(entry.actor, entry.subject) for entry in entries} == {("key:app", "acme/crm")}


async def test_a_secret_for_callbacks_is_made_and_changed() -> None:
    """With it messages may name a callback."""
    async with api() as client:
        assert (await client.call("GET", "/v1/callback-secret")).status == 404
        first = (await client.call("POST", "/v1/callback-secret", {})).document["secret"]
        shown = (await client.call("GET", "/v1/callback-secret")).document
        assert (shown["source"], shown["old_secret_until"]) == ("api", None)
        assert (await client.send(callback_url="https://shop.example/1")).status == 202
        second = (await client.call("POST", "/v1/callback-secret", {})).document["secret"]
        endpoint = client.gateway.engine.endpoints.get("acme/https://shop.example")
        assert endpoint is not None
        assert endpoint.secrets(client.gateway.clock.now_ms()) == (second, first)
        assert await client.gateway.store.load_entities("register") != []
        assert client.gateway.engine.register.all(KIND) == {}


async def test_a_change_of_what_has_changed_meanwhile_undoes_nothing() -> None:
    """Whoever saw the endpoint as it was is told to look again; its new secret stays."""
    async with api() as client:
        await make(client)
        desk = client.gateway.engine.endpoint_desk
        seen = desk.all("acme")["crm"]
        rotated = await desk.rotate(Actor("key:app", "acme"), seen, "", 60_000)
        for late in (
            lambda: desk.change(Actor("key:app", "acme"), seen, {"rate": 5.0}),
            lambda: desk.rotate(Actor("key:app", "acme"), seen, "", 0),
            lambda: desk.delete(Actor("key:app", "acme"), seen),
        ):
            with pytest.raises(StaleValue):
                await late()
        assert desk.all("acme")["crm"] == rotated
