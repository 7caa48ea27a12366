"""Accounts that ask for messages from handsets get them."""

from typing import Any

import pytest
from attrs import evolve
from v1_bench import OTHERS_KEY, Client, api, api_config

from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.secrets import digest_of
from smsagg.events.documents import instant
from smsagg.store.memory import MemoryStore

BLIND_KEY = "sk_blind"


def polling(inbound: str = "http") -> Config:
    config = api_config()
    acme = config.accounts["acme"]
    keys = {**acme.api_keys, "blind": ApiKeySettings(digest_of(BLIND_KEY), scopes=("messages:read",))}
    config.accounts["acme"] = evolve(acme, inbound=inbound, mo_numbers=("4477009*",), api_keys=keys)
    config.accounts["other"] = evolve(config.accounts["other"], inbound="http", mo_numbers=("84*",))
    return config


async def receive(client: Client, *texts: str, to: str = "447700900000", sender: str = "447700900123") -> None:
    for text in texts:
        client.gateway.carrier.mo(to, text.encode(), source_addr=sender)
    await client.gateway.settle()


async def page(client: Client, query: str = "") -> Any:
    answer = await client.call("GET", f"/v1/inbound{query}")
    assert answer.status == 200, answer.document
    return answer.document


async def test_who_polls_gets_every_message_once() -> None:
    """Page by page, and later on behind the last one; without a webhook or a session."""
    async with api(polling()) as client:
        await receive(client, "one", "two", "three")
        first = await page(client, "?limit=2")
        assert [one["text"] for one in first["messages"]] == ["one", "two"]
        rest = await page(client, f"?limit=2&cursor={first['next_cursor']}")
        assert ([one["text"] for one in rest["messages"]], rest["next_cursor"]) == (["three"], None)
        await receive(client, "four")
        later = await page(client, f"?cursor={rest['messages'][-1]['id']}")
        assert [one["text"] for one in later["messages"]] == ["four"]
        assert (await client.call("GET", f"/v1/inbound/{later['messages'][0]['id']}")).document == later["messages"][0]


async def test_what_nobody_asked_for_waits_over_a_restart() -> None:
    """For as long as events are kept."""
    store = MemoryStore()
    async with api(polling(), store) as client:
        await receive(client, "hello")
    async with api(polling(), MemoryStore(store.tables)) as client:
        assert [one["text"] for one in (await page(client))["messages"]] == ["hello"]


async def test_messages_are_found_by_time_and_numbers() -> None:
    """With or without a plus."""
    async with api(polling()) as client:
        await receive(client, "early")
        client.gateway.clock.jump_wall(60)
        noon = instant(client.gateway.clock.now_ms())
        await receive(client, "late", sender="447700900456")
        await receive(client, "elsewhere", to="447700900001")
        for query, texts in (
            (f"?since={noon}", ["late", "elsewhere"]),
            (f"?until={noon}", ["early"]),
            ("?from=%2B447700900456", ["late"]),
            ("?to=447700900001", ["elsewhere"]),
            (f"?since={noon}&until={noon}", []),
        ):
            found = await page(client, query.replace("+", "%2B") if "since" in query else query)
            assert [one["text"] for one in found["messages"]] == texts, query


async def test_a_filter_looks_through_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says where to go on."""
    monkeypatch.setattr("smsagg.engine.inbound.mailbox.SCANNED_MAX", 2)
    monkeypatch.setattr("smsagg.engine.inbound.mailbox.AT_ONCE", 2)
    async with api(polling()) as client:
        await receive(client, *"abcde")
        await receive(client, "f", sender="447700900456")
        found, cursor, calls = [], "", 0
        while cursor is not None:
            document = await page(client, f"?from=447700900456&cursor={cursor}")
            found += [one["text"] for one in document["messages"]]
            cursor, calls = document["next_cursor"], calls + 1
        assert found == ["f"]
        assert calls == 4


async def test_messages_are_the_accounts_own() -> None:
    """A foreign one is unknown."""
    async with api(polling()) as client:
        await receive(client, "ours")
        [ours] = (await page(client))["messages"]
        stranger = client.with_key(OTHERS_KEY)
        assert (await page(stranger))["messages"] == []
        assert (await stranger.call("GET", f"/v1/inbound/{ours['id']}")).status == 404
        assert (await client.call("GET", "/v1/inbound/evt_0")).status == 404


async def test_who_does_not_see_texts_sees_none() -> None:
    """Nor the handset's whole number."""
    async with api(polling()) as client:
        await receive(client, "secret")
        [seen] = (await page(client.with_key(BLIND_KEY)))["messages"]
        assert (seen["text"], seen["body"]) == (None, None)
        assert "900123" not in seen["from"]


async def test_an_account_whose_messages_go_to_sessions_is_told_so() -> None:
    """Rather than that there are none."""
    async with api(polling("smpp")) as client:
        answer = await client.call("GET", "/v1/inbound")
        assert (answer.status, answer.document["type"]) == (409, "problems/inbound-by-smpp")
