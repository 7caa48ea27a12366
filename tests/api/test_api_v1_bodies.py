"""Bodies and parameters that are not what they should be."""

from typing import Any

import orjson
import pytest
from v1_bench import READING_KEY, Client, api, api_config

from smsagg.api.v1 import V1
from smsagg.config.http_settings import HttpSettings
from smsagg.config.units import Octets
from smsagg.testing.gateway import run_gateway


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b'{"to": "447700900123", "text": "\xc3("}',
        b'{"to": "447700900123", "text": "\\ud800"}', b'{"to": "447700900123", "reference": "\\udc00", "text": "a"}',
        b'{"to": "447700900123", "text": "a", "ttl": NaN, }', b"{} {}",
    ],
)  # fmt: skip
async def test_what_is_no_json_is_400(body: bytes) -> None:
    """Half of it, no UTF-8, half a surrogate pair, two documents."""
    async with api() as client:
        answered = await client.call("POST", "/v1/messages", body)
        assert (answered.status, answered.document["type"]) == (400, "problems/not-json")
        client.gateway.assert_nothing_is_held()


async def test_a_call_with_nothing_to_say_needs_no_body() -> None:
    """Where all members may be left out; what must be there is named else."""
    async with api() as client:
        assert (await client.call("POST", "/v1/callback-secret", b"")).status == 200
        answered = await client.call("POST", "/v1/suppressions", b"")
        assert (answered.status, answered.document["errors"][0]["path"]) == (422, "number")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"ttl": 10**400}, "ttl"),
        ({"ttl": 300.5}, "ttl"),
        ({"ttl": "300"}, "ttl"),
        ({"ttl": True}, "ttl"),
        ({"priority": -(2**63) - 1}, "priority"),
        ({"to": "\0\0\0"}, "to"),
        ({"to": "+44770090\x00123"}, "to"),
        ({"from": "AC\0ME"}, "from"),
        ({"from": "АКМЭ"}, "from"),
        ({"from": "A" * 21}, "from"),
        ({"send_at": 1_800_000_000}, "send_at"),
        ({"send_at": "1800000000"}, "send_at"),
        ({"send_at": "0001-01-01T00:00:00+14:00"}, "send_at"),
        ({"send_at": "9999-12-31T23:59:59-14:00"}, "send_at"),
        ({"region": "gb"}, "region"),
        ({"text": ["a"]}, "text"),
        ({"to": None}, "to"),
    ],
)
async def test_no_value_is_too_odd_to_be_refused(fields: dict[str, Any], path: str) -> None:
    """422 with the member; what it held is not repeated."""
    async with api() as client:
        body = {"to": "+447700900123", "text": "hello", "from": "ACME"} | fields
        octets = b"{" + b",".join(
            orjson.dumps(name) + b":" + (str(value).encode() if type(value) is int else orjson.dumps(value))
            for name, value in body.items()
        ) + b"}"  # fmt: skip
        answered = await client.call("POST", "/v1/messages", octets)
        assert answered.status == 422
        assert answered.document["errors"][0]["path"] == path
        client.gateway.assert_nothing_is_held()


async def test_what_a_handset_can_show_goes_through() -> None:
    """NUL, escapes and characters beyond the basic plane are a text like any other."""
    async with api() as client:
        answered = await client.send(text="a\0b\x1b\U0001f600", reference="\0")
        assert (answered.status, answered.document["alphabet"]) == (202, "ucs2")
        await client.gateway.settle()
        [sent] = client.gateway.carrier.outstanding
        assert sent.body == "a\0b\x1b\U0001f600".encode("utf-16-be")


async def test_of_a_member_that_comes_twice_the_last_counts() -> None:
    """As nearly every reader of JSON has it."""
    async with api() as client:
        answered = await client.call("POST", "/v1/messages", b'{"to": "1", "to": "447700900123", "text": "a"}')
        assert (answered.status, answered.document["to"]) == (202, "447700900123")


@pytest.mark.parametrize(
    "headers", [{"content_type": "text/plain"}, {"content_type": "x"}, {"content_encoding": "gzip"}]
)
async def test_other_bodies_than_json_are_415(headers: dict[str, str]) -> None:
    """Whatever they hold."""
    async with api() as client:
        body = orjson.dumps({"to": "447700900123", "text": "a"})
        assert (await client.call("POST", "/v1/messages", body, **headers)).status == 415
        answered = await client.call("POST", "/v1/messages", body, content_type="Application/JSON; charset=utf-8")
        assert answered.status == 202


async def test_a_body_of_100_mb_is_413_and_not_read() -> None:
    """By what is announced, and as it comes when nothing is."""
    async with api(api_config(http=HttpSettings(body_octets_max=Octets(2_000)))) as client:
        assert (await client.call("POST", "/v1/messages", b"", content_length="100000000")).status == 413
        assert (await client.call("POST", "/v1/messages", bytes(2_001))).status == 413


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000, b'{"a":' * 100_000, b'{"to": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"]
)
async def test_a_depth_bomb_is_400(bomb: bytes) -> None:
    """Nothing recurses without end."""
    async with api() as client:
        assert (await client.call("POST", "/v1/messages", bomb)).status == 400
        assert (await client.call("POST", "/v1/messages/batch", b'{"messages": ' + bomb)).status == 400


async def test_a_million_recipients_are_413() -> None:
    """Reading ends at the first message too many; and at the body's bound before that."""
    async with api(api_config(http=HttpSettings(batch_max=3))) as client:
        one = b'{"to": "447700900123", "text": "a"}'
        body = b'{"messages": [' + b",".join([one] * 4 + [b"{}"] * 100_000) + b"]}"
        answered = await client.call("POST", "/v1/messages/batch", body)
        assert (answered.status, answered.document["type"]) == (413, "problems/batch-too-large")
        whole = await client.call("POST", "/v1/messages/batch", b"", content_length=str(35 * 1_000_000))
        assert whole.status == 413
        client.gateway.assert_nothing_is_held()


async def test_errors_are_told_up_to_a_bound() -> None:
    """A batch in which everything is wrong has a short answer."""
    async with api() as client:
        answered = await client.call("POST", "/v1/messages/batch", {"messages": [{}] * 1_000})
        assert answered.status == 422
        assert len(answered.document["errors"]) == 50
        assert answered.document["errors"][0]["path"] == "messages[0].to"


async def test_a_page_of_a_billion_is_refused() -> None:
    """422, for events as for messages."""
    async with run_gateway(api_config()) as gateway:

        async def find(**_: Any) -> tuple[list[Any], int]:
            raise AssertionError("nothing is sought")

        client = Client(V1(gateway.engine, find), gateway)
        for path in ("/v1/messages", "/v1/events"):
            answered = await client.call("GET", f"{path}?limit=1000000000")
            assert (answered.status, answered.document["errors"][0]["path"]) == (422, "limit")


@pytest.mark.parametrize("member", ["account", "tenant_id", "price", "is_admin", "state", "id", "message_class"])
async def test_members_that_are_not_the_callers_to_set_are_refused(member: str) -> None:
    """In a message and beside the messages of a batch; nothing is taken."""
    async with api() as client:
        one = {"to": "447700900123", "text": "a"}
        assert (await client.send(**{member: "other"})).status == 422
        for body in ({"messages": [one | {member: 1}]}, {"messages": [one], member: 1}):
            answered = await client.call("POST", "/v1/messages/batch", body)
            assert answered.status == 422
            assert answered.document["errors"][0]["path"].endswith(member)
        client.gateway.assert_nothing_is_held()


async def test_a_key_may_do_what_its_scopes_say() -> None:
    """A key that reads does not send, nor cancel, nor follow events."""
    async with api() as client:
        client.key = READING_KEY
        one = {"to": "447700900123", "text": "a"}
        calls: list[tuple[str, str, Any]] = [
            ("POST", "/v1/messages", one), ("POST", "/v1/messages/batch", {"messages": [one]}),
            ("POST", "/v1/messages/x/cancel", None), ("GET", "/v1/events", None), ("GET", "/v1/events/stream", None),
            ("GET", "/v1/messages/x/events", None),
        ]  # fmt: skip
        for method, path, body in calls:
            assert (await client.call(method, path, body)).status == 403


async def test_a_method_that_is_not_there_names_those_that_are() -> None:
    """405 with Allow for the very path."""
    async with api() as client:
        batch = await client.call("DELETE", "/v1/messages/batch")
        assert (batch.status, batch.headers["allow"]) == (405, "POST")
        message = await client.call("PATCH", "/v1/messages/00000001b5d0c9f2")
        assert (message.status, message.headers["allow"]) == (405, "GET")
        actions = await client.call("PATCH", "/v1/admin/numbers/GB/447700900123/actions")
        assert (actions.status, actions.headers["allow"]) == (405, "POST")
        assert (await client.call("GET", "/v1/messages/x/")).status == 404
