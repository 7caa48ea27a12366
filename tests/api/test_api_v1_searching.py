"""Searching for messages over HTTP."""

from typing import Any

import pytest
from v1_bench import Client, api_config

from smsagg.api.v1 import V1
from smsagg.errors import StoreFailed
from smsagg.model import Message, MessageState
from smsagg.testing.gateway import make_message, run_gateway


class FakeSearch:
    """Keeps what it was asked, and answers as told."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.found: list[Message] = []
        self.before_seq = 0
        self.error: Exception | None = None

    async def __call__(self, **asked: Any) -> tuple[list[Message], int]:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return self.found, self.before_seq


async def test_a_page_says_what_was_found_and_where_to_go_on() -> None:
    """The account is the key's, whatever is asked; the cursor comes back as it went."""
    search = FakeSearch()
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, search), gateway)
        now = gateway.clock.now_ms()
        search.found, search.before_seq = [make_message(now, seq=7, message_id="id7", state=MessageState.DELIVERED)], 7
        page = (
            await client.call("GET", "/v1/messages?to=%2B447700900123&state=delivered&reference=r&limit=1")
        ).document
        assert [(one["id"], one["state"]) for one in page["messages"]] == [("id7", "delivered")]
        [asked] = search.asked
        assert (asked["account"], asked["to"], asked["reference"], asked["limit"]) == ("acme", "447700900123", "r", 1)
        assert asked["states"] == (MessageState.DELIVERED,)
        assert asked["until"] - asked["since"] == 86_400_000
        await client.call("GET", f"/v1/messages?cursor={page['next_cursor']}")
        assert search.asked[1]["before_seq"] == 7


async def test_what_is_scheduled_is_told_from_what_is_queued() -> None:
    """The store has one state for both."""
    search = FakeSearch()
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, search), gateway)
        now = gateway.clock.now_ms()
        search.found = [
            make_message(now, seq=2, message_id="later", not_before=now + 60_000),
            make_message(now, seq=1, message_id="now"),
        ]
        for state, message_id in (("scheduled", "later"), ("queued", "now")):
            page = (await client.call("GET", f"/v1/messages?state={state}")).document
            assert [one["id"] for one in page["messages"]] == [message_id]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1000000000", "state=eaten", "cursor=x", "cursor=msg_zz", "since=yesterday",
        "since=2027-01-01T00:00:00", "since=2020-01-01T00:00:00Z", "since=2027-02-01T00:00:00Z", "account=other",
    ],
)  # fmt: skip
async def test_what_cannot_be_sought_is_refused(query: str) -> None:
    """422 with the member; a member that does not exist changes nothing."""
    search = FakeSearch()
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, search), gateway)
        answered = await client.call("GET", f"/v1/messages?{query}")
        if query == "account=other":
            assert search.asked[0]["account"] == "acme"
        else:
            assert answered.status == 422
            assert search.asked == []


async def test_a_store_that_cannot_be_read_is_told() -> None:
    """503, to be tried again."""
    search = FakeSearch()
    search.error = StoreFailed("gone")
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, search), gateway)
        assert (await client.call("GET", "/v1/messages")).status == 503
