"""Sending, looking at and cancelling messages over HTTP."""

from typing import Any

import orjson
import pytest
import trio
from attrs import evolve
from v1_bench import KEY, OTHERS_KEY, READING_KEY, Client, api, api_config

from smsagg.config.abuse import AbuseSettings
from smsagg.errors import StoreFailed
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.gateway import pool_settings


async def test_a_message_is_answered_after_its_commit_and_sent() -> None:
    """202 comes only once it is safe; then the carrier gets it as an SMPP client would have sent it."""
    async with api() as client:
        gateway = client.gateway
        answered = await client.send(text="Your code is on its way: 10 €", reference="order-7")
        assert answered.status == 202
        document = answered.document
        assert document["state"] == "queued"
        assert (document["to"], document["from"], document["reference"]) == ("447700900123", "ACME", "order-7")
        assert (document["alphabet"], document["segments"]) == ("gsm7", 1)
        assert document["price"] is None
        await gateway.settle()
        [sent] = gateway.carrier.outstanding
        assert sent.message_id == document["id"]
        assert (sent.source_addr_ton, sent.dest_addr_ton, sent.data_coding) == (5, 1, 0)
        assert sent.body == b"Your code is on its way: 10 \x1be"
        assert (sent.origin, sent.reference) == ("http", "order-7")
        stored = await gateway.find(sent)
        assert stored is not None
        assert stored.reference == "order-7"


async def test_nothing_is_answered_before_the_commit() -> None:
    """While the disk is slow the call waits."""
    async with api() as client:
        client.gateway.store.hold()
        answers: list[Any] = []

        async def send() -> None:
            answers.append(await client.send())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await trio.testing.wait_all_tasks_blocked()
            assert answers == []
            assert client.gateway.sent == []
            client.gateway.store.release()
        assert answers[0].status == 202


async def test_a_failing_store_takes_nothing() -> None:
    """503, and no carrier hears of it."""
    async with api() as client:
        await client.gateway.settle()
        client.gateway.store.fail_next(StoreFailed("disk"))
        answered = await client.send()
        assert (answered.status, answered.headers["retry-after"]) == (503, "1")
        assert answered.document["type"] == "problems/store-failing"
        await client.gateway.settle()
        assert client.gateway.sent == []
        client.gateway.assert_nothing_is_held()


async def test_the_fate_of_a_message_can_be_looked_at() -> None:
    """Its state follows the carrier's answer and receipt."""
    async with api() as client:
        gateway, message_id = client.gateway, (await client.send()).document["id"]
        await gateway.settle()
        [carrier_id] = gateway.carrier.accept()
        await gateway.settle()
        assert (await client.call("GET", f"/v1/messages/{message_id}")).document["state"] == "sent"
        gateway.carrier.receipt(carrier_id)
        await gateway.settle()
        document = (await client.call("GET", f"/v1/messages/{message_id}")).document
        assert document["state"] == "delivered"
        assert document["done_at"] is not None


async def test_foreign_and_unknown_messages_answer_alike() -> None:
    """Another account's id is as unknown as one that never was."""
    async with api() as client:
        message_id = (await client.send()).document["id"]
        stranger = Client(client.app, client.gateway, OTHERS_KEY)
        foreign = await stranger.call("GET", f"/v1/messages/{message_id}")
        unknown = await stranger.call("GET", "/v1/messages/00000009ffffffff")
        assert foreign.status == 404
        assert foreign == unknown
        assert (await stranger.call("POST", f"/v1/messages/{message_id}/cancel")).status == 404


async def test_what_no_carrier_has_can_be_cancelled_once() -> None:
    """Cancelled is never sent; what has gone cannot be cancelled."""
    async with api() as client:
        gateway = client.gateway
        later = (await client.send(send_at="2027-01-20T00:00:00Z")).document
        assert later["state"] == "scheduled"
        cancelled = await client.call("POST", f"/v1/messages/{later['id']}/cancel")
        assert (cancelled.status, cancelled.document["state"]) == (200, "cancelled")
        gone = (await client.send()).document["id"]
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        answered = await client.call("POST", f"/v1/messages/{gone}/cancel")
        assert (answered.status, answered.document["type"]) == (409, "problems/already-sent")


async def test_a_long_text_is_one_message() -> None:
    """It has one id, and as many segments as it takes."""
    pools = {"gb": pool_settings("alpha", countries=("GB",))}
    async with api(api_config(pools=pools)) as client:
        document = (await client.send(text="x" * 300)).document
        assert document["segments"] == 2
        russian = (await client.send(text="Ж" * 71)).document
        assert (russian["alphabet"], russian["segments"]) == ("ucs2", 2)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"to": "12"}, "to"),
        ({"to": "0770 0900 123"}, "to"),
        ({"to": "not a number", "region": "GB"}, "to"),
        ({"text": ""}, "text"),
        ({"ttl": 0}, "ttl"),
        ({"send_at": "2030-01-01T00:00:00"}, "send_at"),
        ({"send_at": "2099-01-01T00:00:00Z"}, "send_at"),
        ({"priority": 4}, "priority"),
        ({"message_type": "spam"}, "message_type"),
        ({"account": "other"}, "account"),
    ],
)
async def test_what_is_wrong_is_named(fields: dict[str, Any], path: str) -> None:
    """422 with the member, and nothing is taken."""
    async with api() as client:
        answered = await client.send(**fields)
        assert answered.status == 422
        assert answered.headers["content-type"] == "application/problem+json"
        assert [error["path"] for error in answered.document["errors"]] == [path]
        await client.gateway.settle()
        assert client.gateway.sent == []


async def test_numbers_may_be_written_as_people_do() -> None:
    """With punctuation, or as in their own country."""
    async with api() as client:
        assert (await client.send(to="+44 (7700) 900-123")).document["to"] == "447700900123"
        assert (await client.send(to="07700 900123", region="GB")).document["to"] == "447700900123"


@pytest.mark.parametrize(
    ("key", "status"), [("", 401), ("sk_wrong", 401), (READING_KEY, 403)], ids=["none", "unknown", "reading"]
)
async def test_only_keys_that_may_send_do(key: str, status: int) -> None:
    """No key and a wrong one are not known; one that may only read may not send."""
    async with api() as client:
        client.key = key
        answered = await client.send()
        assert answered.status == status
        assert ("www-authenticate" in answered.headers) == (status == 401)


async def test_who_is_not_known_is_told_nothing_about_the_request() -> None:
    """The key is looked at before the body."""
    async with api() as client:
        client.key = "sk_wrong"
        assert (await client.call("POST", "/v1/messages", b"not json")).status == 401
        assert (await client.call("GET", "/v1/nowhere")).status == 401


async def test_what_is_no_json_and_what_is_not_there_are_problems() -> None:
    """Every error has the same form."""
    async with api() as client:
        assert (await client.call("POST", "/v1/messages", b"{")).document["type"] == "problems/not-json"
        assert (await client.call("GET", "/v1/nowhere")).document["type"] == "problems/not-found"
        assert (await client.call("PUT", "/v1/messages")).document["type"] == "problems/method-not-allowed"


async def test_a_large_request_is_refused() -> None:
    """By what it says, and by what comes."""
    async with api() as client:
        large = b" " * (5 << 20)
        assert (await client.call("POST", "/v1/messages", large)).status == 413
        assert (await client.call("POST", "/v1/messages", b"", content_length=str(len(large)))).status == 413


async def test_a_batch_has_a_result_for_each_message() -> None:
    """What is wrong does not hold up the rest, and all of it is one commit."""
    async with api() as client:
        await client.gateway.settle()
        commits = client.gateway.store.statistics.commits
        batch = [{"to": "447700900123", "text": "one"}, {"to": "nobody", "text": "two"}, {"to": "999", "text": "three"}]
        answered = await client.call("POST", "/v1/messages/batch", {"messages": batch + batch[:1]})
        assert answered.status == 202
        document = answered.document
        assert (document["accepted"], document["refused"]) == (2, 2)
        assert [bool(result["message"]) for result in document["results"]] == [True, False, False, True]
        assert document["results"][1]["problem"]["errors"][0]["path"] == "to"
        assert client.gateway.store.statistics.commits <= commits + 1


async def test_a_batch_is_bounded() -> None:
    """One message too many refuses all."""
    async with api() as client:
        batch = [{"to": "447700900123", "text": "x"}] * 1_001
        answered = await client.call("POST", "/v1/messages/batch", {"messages": batch})
        assert (answered.status, answered.document["type"]) == (413, "problems/batch-too-large")


async def test_the_accounts_rate_counts_for_http_too() -> None:
    """What exceeds it is told 429, in the words of the metric as well."""
    config = api_config()
    account = config.accounts["acme"]
    config.accounts["acme"] = evolve(account, rate=1.0, burst=2)
    async with api(config) as client:
        statuses = [(await client.send()).status for _ in range(3)]
        assert statuses == [202, 202, 429]


async def test_the_same_key_and_request_get_the_same_answer_once_sent() -> None:
    """Repeated at once, later, and by another process over the same store."""
    tables = Tables()
    body = orjson.dumps({"to": "447700900123", "text": "hello"})
    async with api(store=MemoryStore(tables)) as client:
        first = await client.call("POST", "/v1/messages", body, idempotency_key="k1")
        again = await client.call("POST", "/v1/messages", body, idempotency_key="k1")
        assert (first.status, again.status) == (202, 202)
        assert first.body == again.body
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
    async with api(store=MemoryStore(tables)) as client:
        after = await client.call("POST", "/v1/messages", body, idempotency_key="k1")
        assert after.body == first.body
        others = await Client(client.app, client.gateway, OTHERS_KEY).call(
            "POST", "/v1/messages", body, idempotency_key="k1"
        )
        assert others.document["id"] != first.document["id"]
    assert len(tables.messages) + len(tables.history) == 2


async def test_a_key_that_comes_with_another_request_is_refused() -> None:
    """409, and nothing is sent."""
    async with api() as client:
        await client.call("POST", "/v1/messages", {"to": "447700900123", "text": "a"}, idempotency_key="k1")
        answered = await client.call("POST", "/v1/messages", {"to": "447700900123", "text": "b"}, idempotency_key="k1")
        assert (answered.status, answered.document["type"]) == (409, "problems/key-reused")


async def test_twins_that_come_at_once_are_one_message() -> None:
    """The second waits for the first and gets its answer."""
    async with api() as client:
        bodies: list[bytes] = []

        async def send() -> None:
            answered = await client.call(
                "POST", "/v1/messages", {"to": "447700900123", "text": "a"}, idempotency_key="k1"
            )
            bodies.append(answered.body)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(send)
        assert len(set(bodies)) == 1
        await client.gateway.settle()
        assert len(client.gateway.sent) == 1


async def test_a_refused_request_may_be_repeated_with_its_key() -> None:
    """Nothing was taken, so nothing is remembered."""
    async with api() as client:
        await client.gateway.settle()
        client.gateway.store.fail_next(StoreFailed("disk"))
        body = {"to": "447700900123", "text": "a"}
        assert (await client.call("POST", "/v1/messages", body, idempotency_key="k1")).status == 503
        await client.gateway.settle()
        assert (await client.call("POST", "/v1/messages", body, idempotency_key="k1")).status == 202


async def test_keys_follow_the_configuration() -> None:
    """A key that is taken away is refused from then on, and a new one is known."""
    async with api() as client:
        config = api_config()
        client.gateway.engine.core.config = api_config(accounts={"other": config.accounts["other"]})
        client.app.reconfigure()
        assert (await client.call("GET", "/v1/messages/x")).status == 401
        client.key = OTHERS_KEY
        assert (await client.call("GET", "/v1/messages/x")).status == 404


async def test_the_api_describes_itself() -> None:
    """OpenAPI without a key, with the names of the members as they are sent."""
    async with api() as client:
        client.key = ""
        document = (await client.call("GET", "/v1/openapi.json")).document
        assert "from" in document["components"]["schemas"]["NewMessage"]["properties"]
        assert set(document["paths"]) >= {"/v1/messages", "/v1/messages/batch", "/v1/messages/{message_id}"}
        assert KEY not in orjson.dumps(document).decode()


async def test_a_duplicate_is_a_conflict_that_names_the_first() -> None:
    """409 with the id when it is dropped, and without when duplicates are refused; other texts are taken."""
    for mode in ("drop", "refuse"):
        async with api(api_config(abuse=AbuseSettings(duplicates=mode))) as client:
            first = await client.send(text="Your code is 1")
            assert first.status == 202
            again = await client.send(text="Your code is 1")
            assert (again.status, again.document["type"]) == (409, "problems/duplicate")
            assert (first.document["id"] in again.document["detail"]) == (mode == "drop")
            assert (await client.send(text="Your code is 2")).status == 202


async def test_a_frozen_account_is_told_to_slow_down() -> None:
    """429, as over SMPP."""
    async with api() as client:
        client.gateway.engine.guard.freeze("acme", "a test", "uid 0")
        answered = await client.send(text="x")
        assert (answered.status, answered.document["type"]) == (429, "problems/frozen")
