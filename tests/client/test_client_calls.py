"""The clients against the application, and against servers that fail."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson
import pytest
import trio
from attrs import evolve

from smsagg.api.v1 import V1
from smsagg.client import ApiError, AsyncClient, BadSignature, Client, Unreachable, verify_webhook, verify_webhooks
from smsagg.config.schema import ApiKeySettings
from smsagg.directory.secrets import digest_of
from smsagg.model import Message
from smsagg.signing import signed_headers
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, make_message, run_gateway

KEY = "sk_client"
SECRET = "whsec_" + "QUFB" * 10
MESSAGE = {
    "id": "00a1", "state": "queued", "to": "447700900123", "from": "ACME", "alphabet": "gsm7", "segments": 1,
    "price": {"amount": "0.0360", "currency": "EUR"}, "reference": "", "accepted_at": "2027-01-15T08:00:00.000Z",
    "send_at": None, "expires_at": "2027-01-16T08:00:00.000Z", "done_at": None, "error": None,
}  # fmt: skip


@asynccontextmanager
async def client() -> AsyncIterator[tuple[AsyncClient, FakeGateway]]:
    """A client of the real application over a running gateway."""
    keys = {"app": ApiKeySettings(digest_of(KEY))}
    config = make_config(accounts={"acme": evolve(account_settings("acme", api_keys=keys), events=True)})
    async with run_gateway(config) as gateway:

        async def search(*, before_seq: int, limit: int, **_: Any) -> tuple[list[Message], int]:
            seq = before_seq - 1 if before_seq else 3
            return [make_message(gateway.clock.now_ms(), seq=seq, message_id=f"id{seq}")], seq if seq > 1 else 0

        transport = httpx2.ASGITransport(V1(gateway.engine, search))
        async with AsyncClient("http://sms.example", KEY, transport=transport, retries=0) as asking:
            yield asking, gateway


async def test_a_message_is_sent_looked_at_found_and_followed() -> None:
    """Everything that an application does, by the asynchronous client and the real application."""
    async with client() as (asking, gateway):
        message = await asking.send(to="+447700900123", text="hello", sender="ACME", reference="r", ttl=300)
        assert (message.state, message.sender, message.reference, message.price) == ("queued", "ACME", "r", None)
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        assert (await asking.get(message.id)).state == "sent"
        with pytest.raises(ApiError) as refused:
            await asking.cancel(message.id)
        assert (refused.value.status, refused.value.kind) == (409, "already-sent")
        later = await asking.send(to="+447700900123", text="b", send_at=datetime(2027, 1, 20, tzinfo=UTC))
        assert (await asking.cancel(later.id)).state == "cancelled"
        kinds = [event.type async for event in asking.events()]
        assert kinds[:2] == ["message.queued", "message.sent"]
        life = [event.type for event in await asking.events_of(message.id)]
        assert life == ["message.accepted", "message.queued", "message.attempt", "message.sent"]
        assert [found.id async for found in asking.search(to="+447700900123")] == ["id3", "id2", "id1"]


async def test_a_batch_tells_of_each_message() -> None:
    """Either a message or why not."""
    async with client() as (asking, _):
        good, bad = await asking.send_batch([{"to": "+447700900123", "text": "a"}, {"to": "nobody", "text": "a"}])
        assert good.message is not None
        assert good.error is None
        assert bad.message is None
        assert bad.error is not None
        assert bad.error.kind == "invalid-number"


async def test_what_is_wrong_is_an_error_with_its_members() -> None:
    """As the API tells it; a key of one's own is heeded."""
    async with client() as (asking, _):
        with pytest.raises(ApiError, match="422") as refused:
            await asking.send(to="+447700900123", text="a", priority=7)
        assert refused.value.errors[0]["path"] == "priority"
        first = await asking.send(to="+447700900123", text="a", idempotency_key="k")
        assert (await asking.send(to="+447700900123", text="a", idempotency_key="k")).id == first.id


Answer = Callable[[httpx2.Request], httpx2.Response]


def failing(monkeypatch: pytest.MonkeyPatch, *answers: httpx2.Response | Exception) -> tuple[Client, list[Any]]:
    """A client of a server that answers so, one after the other; and what it was asked, and the pauses."""
    monkeypatch.setattr(time, "sleep", lambda seconds: seen.append(round(seconds, 3)))
    left, seen = list(answers), list[Any]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return Client("http://sms.example", KEY, transport=httpx2.MockTransport(answer), retries=3), seen


def taken() -> httpx2.Response:
    return httpx2.Response(202, json=MESSAGE)


def test_sending_is_repeated_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a broken connection, a gate's 502 and a 503 with Retry-After, whose pause is kept."""
    busy = httpx2.Response(503, json={"type": "problems/busy"}, headers={"Retry-After": "7"})
    client, seen = failing(monkeypatch, httpx2.ReadError("reset"), httpx2.Response(502), busy, taken())
    assert client.send(to="447700900123", text="a").currency == "EUR"
    requests, pauses = [one for one in seen if not isinstance(one, float)], [s for s in seen if isinstance(s, float)]
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    assert len({request.content for request in requests}) == 1
    assert len(pauses) == 3
    assert pauses[2] == 7.0


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the retries the last failure is told."""
    client, seen = failing(monkeypatch, *[httpx2.ConnectError("refused")] * 4)
    with pytest.raises(Unreachable, match="refused"):
        client.get("00a1")
    assert len(seen) == 7
    client, _ = failing(monkeypatch, *[httpx2.Response(503, content=b"<html>")] * 4)
    with pytest.raises(ApiError, match="503"):
        client.get("00a1")


def test_cancelling_is_not_repeated_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that was lost may have cancelled; a connection that never was has not."""
    client, seen = failing(monkeypatch, httpx2.ReadError("reset"))
    with pytest.raises(Unreachable):
        client.cancel("00a1")
    assert len(seen) == 1
    client, _ = failing(monkeypatch, httpx2.ConnectError("refused"), httpx2.Response(200, json=MESSAGE))
    assert client.cancel("00a1").id == "00a1"


@pytest.mark.parametrize("message_id", ["", "..", "a/b", "a?b"])
def test_an_id_is_no_path(message_id: str) -> None:
    """Nothing else is asked for than a message."""
    with pytest.raises(ValueError, match="no message has the id"):
        Client("http://sms.example", KEY).get(message_id)


def stream_of(*numbers: int) -> httpx2.Response:
    events = b"".join(
        b"id: evt_%d\nevent: message.sent\ndata: %s\n\n"
        % (number, orjson.dumps({"id": f"evt_{number}", "type": "message.sent", "timestamp": "2027-01-15T08:00:00Z"}))
        for number in numbers
    )
    return httpx2.Response(200, content=b": here\n\n" + events, headers={"Content-Type": "text/event-stream"})


def test_a_stream_that_breaks_goes_on_behind_its_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Last-Event-ID, after a pause, also when nobody is there for a while."""
    client, seen = failing(monkeypatch, stream_of(1, 2), httpx2.ConnectError("refused"), stream_of(3))
    stream = client.stream(types=["message.sent"], after="evt_0")
    assert [next(stream).id for _ in range(3)] == ["evt_1", "evt_2", "evt_3"]
    asked = [one.headers["Last-Event-ID"] for one in seen if not isinstance(one, float)]
    assert asked == ["evt_0", "evt_2", "evt_2"]


async def test_a_stream_that_is_refused_says_why() -> None:
    """A key that may not is no reason to try again."""
    problem = {"type": "problems/scope-missing", "detail": "no"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(403, json=problem))
    async with AsyncClient("http://sms.example", KEY, transport=transport) as asking:
        with pytest.raises(ApiError, match="scope-missing"):
            await anext(asking.stream())


async def test_the_asynchronous_client_waits_as_the_loop_does(autojump_clock: trio.testing.MockClock) -> None:
    """Its pauses hold up nobody else."""
    answers = [httpx2.Response(429, headers={"Retry-After": "20"}), httpx2.Response(200, json=MESSAGE)]
    async with AsyncClient("http://x", KEY, transport=httpx2.MockTransport(lambda _: answers.pop(0))) as asking:
        assert (await asking.get("00a1")).id == "00a1"
    assert trio.current_time() >= 20


def test_webhooks_are_verified() -> None:
    """By any of the secrets; not when changed, nor by another secret."""
    body = b'{"id": "evt_1", "type": "message.sent", "timestamp": "2027-01-15T08:00:00Z", "data": {}}'
    headers = {name.decode(): value.decode() for name, value in signed_headers([SECRET], "evt_1", 1_000, body)}
    other = "whsec_" + "QkJC" * 10
    assert verify_webhook([other, SECRET], headers, body, now_s=1_010).id == "evt_1"
    assert verify_webhook(SECRET, {name.upper(): value for name, value in headers.items()}, body, now_s=990).data == {}
    for wrong in (body + b" ", body.replace(b"sent", b"lost")):
        with pytest.raises(BadSignature):
            verify_webhook(SECRET, headers, wrong, now_s=1_010)
    with pytest.raises(BadSignature):
        verify_webhook(other, headers, body, now_s=1_010)
    for missing in headers:
        with pytest.raises(BadSignature):
            verify_webhook(
                SECRET, {name: value for name, value in headers.items() if name != missing}, body, now_s=1_010
            )


def test_a_batch_of_events_is_verified_as_one() -> None:
    """And one event by itself is a list of one."""
    single = b'{"id": "evt_1", "type": "message.sent", "timestamp": "2027-01-15T08:00:00Z", "data": {}}'
    batch = (
        b'{"id": "bat_1", "type": "webhook.batch", "timestamp": "2027-01-15T08:00:00Z", "data": {"events": [%s, %s]}}'
    )
    for body, count in ((single, 1), (batch % (single, single), 2)):
        headers = {name.decode(): value.decode() for name, value in signed_headers([SECRET], "x", 1_000, body)}
        events = verify_webhooks(SECRET, headers, body, now_s=1_010)
        assert [event.id for event in events] == ["evt_1"] * count
        with pytest.raises(BadSignature):
            verify_webhooks(SECRET, headers, body + b" ", now_s=1_010)


def test_a_webhook_that_is_sent_again_later_is_refused() -> None:
    """More than five minutes after it was signed it proves nothing; a retry of ours has a new time and the same id."""
    body = b'{"id": "evt_1", "type": "message.sent", "timestamp": "2027-01-15T08:00:00Z", "data": {}}'
    first = {name.decode(): value.decode() for name, value in signed_headers([SECRET], "evt_1", 1_000, body)}
    with pytest.raises(BadSignature, match="long ago"):
        verify_webhook(SECRET, first, body, now_s=1_600)
    forged = first | {"webhook-timestamp": "1600"}
    with pytest.raises(BadSignature, match="signed"):
        verify_webhook(SECRET, forged, body, now_s=1_600)
    again = {name.decode(): value.decode() for name, value in signed_headers([SECRET], "evt_1", 1_600, body)}
    assert verify_webhook(SECRET, again, body, now_s=1_600).id == verify_webhook(SECRET, first, body, now_s=1_000).id
