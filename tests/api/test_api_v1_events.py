"""What happened, in pages, for one message, and as it happens."""

from typing import Any

import orjson
import trio
from attrs import evolve
from v1_bench import OTHERS_KEY, Client, api, api_config

from smsagg.config.schema import Config
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings


def following() -> Config:
    config = api_config()
    config.accounts["acme"] = evolve(config.accounts["acme"], events=True)
    return config


def stream_of(client: Client, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/v1/events/stream", "raw_path": b"/v1/events/stream", "query_string": b"", "root_path": "",
        "headers": [(b"authorization", f"Bearer {client.key}".encode()), *headers],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip


async def test_pages_go_on_where_the_last_one_ended() -> None:
    """Nothing is missed and nothing comes twice."""
    async with api(following()) as client:
        for _ in range(5):
            await client.send()
        await client.gateway.settle()
        seen, cursor = [], ""
        while True:
            page = (await client.call("GET", f"/v1/events?limit=2&cursor={cursor}")).document
            seen += [event["id"] for event in page["events"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [f"evt_{n:012x}" for n in range(1, 6)]


async def test_events_are_the_accounts_own() -> None:
    """Another account's pages are empty, and its messages unknown."""
    async with api(following()) as client:
        message_id = (await client.send()).document["id"]
        own = (await client.call("GET", f"/v1/messages/{message_id}/events")).document
        assert [event["type"] for event in own["events"] if event["id"]] == ["message.queued"]
        stranger = Client(client.app, client.gateway, OTHERS_KEY)
        assert (await stranger.call("GET", "/v1/events")).document["events"] == []
        assert (await stranger.call("GET", f"/v1/messages/{message_id}/events")).status == 404


async def test_only_known_kinds_and_ids_are_asked_for() -> None:
    """422 with the member."""
    async with api(following()) as client:
        assert (await client.call("GET", "/v1/events?type=message.eaten")).status == 422
        assert (await client.call("GET", "/v1/events?cursor=x")).status == 422
        assert (await client.call("GET", "/v1/events?limit=1000000000")).status == 422
        await client.send()
        only = (await client.call("GET", "/v1/events?type=message.sent")).document
        assert only["events"] == []


async def test_a_stream_tells_what_happens_and_goes_on_where_it_was_left() -> None:
    """Events as they happen; with Last-Event-ID those that were missed come first."""
    async with api(following()) as client:
        await client.send()
        received = bytearray()
        scope = stream_of(client, (b"last-event-id", b"evt_000000000000"))
        gone = trio.Event()

        async def receive() -> dict[str, object]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            received.extend(message.get("body", b""))  # type: ignore[arg-type]

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.app, scope, receive, send)
            await client.gateway.settle()
            await client.send()
            await client.gateway.settle()
            gone.set()
        lines = received.decode().splitlines()
        assert [line for line in lines if line.startswith("id:")] == ["id: evt_000000000001", "id: evt_000000000002"]
        data = [orjson.loads(line[5:]) for line in lines if line.startswith("data:")]
        assert [event["type"] for event in data] == ["message.queued"] * 2


async def test_a_stream_that_its_client_does_not_read_is_over_with_its_request() -> None:
    """It is counted no longer, whenever its garbage is collected."""
    async with api(following()) as client:
        sent: list[object] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(message)
            if len(sent) > 1:
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.app, stream_of(client), trio.sleep_forever, send)
            await client.gateway.settle()
            assert len(sent) == 2
            nursery.cancel_scope.cancel()
        assert not client.app._events._streams


async def test_the_life_of_a_message_is_told_without_following_it() -> None:
    """Accepted, queued, each attempt, sent, and its end; nobody else may see it."""
    async with api() as client:
        message_id = (await client.send()).document["id"]
        await client.gateway.settle()
        carrier = client.gateway.carrier
        carrier.receipt(carrier.link.accept()[0])
        await client.gateway.settle()
        events = (await client.call("GET", f"/v1/messages/{message_id}/events")).document["events"]
        assert [event["type"].removeprefix("message.") for event in events] == [
            "accepted", "queued", "attempt", "sent", "delivered",
        ]  # fmt: skip
        assert events[2]["data"] == {"attempt": 1, "part": None, "outcome": "accepted"}
        assert all(event["id"] is None for event in events)
        stranger = Client(client.app, client.gateway, OTHERS_KEY)
        assert (await stranger.call("GET", f"/v1/messages/{message_id}/events")).status == 404


async def test_the_parts_of_a_long_message_are_attempts_of_one() -> None:
    """Each part says which it is."""
    carriers = {"alpha": carrier_settings(FakeSettings(long_messages="udh"))}
    async with api(api_config(carriers=carriers)) as client:
        client.gateway.carrier.accept_all()
        message_id = (await client.send(text="x" * 400)).document["id"]
        await client.gateway.settle()
        events = (await client.call("GET", f"/v1/messages/{message_id}/events")).document["events"]
        assert sorted(event["data"]["part"] for event in events if event["type"] == "message.attempt") == [1, 2, 3]
