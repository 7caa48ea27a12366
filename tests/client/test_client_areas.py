"""What either client asks beside messages, of the real application: each function once, by its typed answer."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from smsagg.api.v1 import V1
from smsagg.client import (
    ApiError,
    AsyncClient,
    Client,
    clients,
    consents,
    inbound,
    keys,
    me,
    request,
    senders,
    suppressions,
    templates,
    verifications,
    webhooks,
)
from smsagg.client.consent import NumberList
from smsagg.client.credentials import Keys
from smsagg.config.schema import ApiKeySettings
from smsagg.directory.roles import scopes_of
from smsagg.directory.secrets import digest_of
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway
from smsagg.text import text_of

KEY = "sk_client"
NUMBER = "447700900123"


@asynccontextmanager
async def client() -> AsyncIterator[tuple[AsyncClient, FakeGateway]]:
    """An owner's client of the real application."""
    owner = ApiKeySettings(digest_of(KEY), scopes=tuple(sorted(scopes_of("owner", "acme"))))
    settings = account_settings("acme", api_keys={"app": owner}, inbound="http", mo_numbers=("12345",))
    async with run_gateway(make_config(accounts={"acme": settings})) as gateway:
        transport = httpx2.ASGITransport(V1(gateway.engine))
        async with AsyncClient("http://sms.example", KEY, transport=transport, retries=0) as asking:
            yield asking, gateway


@pytest.mark.parametrize("numbers", [suppressions, consents], ids=["suppressions", "consents"])
async def test_lists_of_numbers(numbers: NumberList) -> None:
    """Add, look, list in pages, take in and out as CSV, remove."""
    async with client() as (asking, _):
        added = await asking.ask(numbers.add(f"+{NUMBER}", evidence="by telephone"))
        assert (added.number, added.evidence, added.at.tzinfo) == (NUMBER, "by telephone", UTC)
        rows = "".join(f"4477009{number:05}\n" for number in range(200, 500))
        assert (await asking.ask(numbers.take_in(f"number\n{rows}"))).rows == 300
        assert len([record async for record in asking.each(numbers.all())]) == 301
        assert (await asking.ask(numbers.export())).count("\n") == 302
        assert [record.number for record in (await asking.ask(numbers.of(NUMBER))).records] == [NUMBER]
        await asking.ask(numbers.remove(NUMBER))
        with pytest.raises(ApiError, match="404"):
            await asking.ask(numbers.of(NUMBER))


async def test_templates() -> None:
    """Made as a draft, looked at, previewed, submitted, sent with, told a code with, retired and removed."""
    async with client() as (asking, gateway):
        parameters = {"code": {"type": "code"}}
        texts = {"en": "{code} is it", "de": "{code} ist es"}
        made = await asking.ask(
            templates.put("login", texts, default_locale="en", parameters=parameters, draft=True)
        )  # fmt: skip
        assert (made.in_force, made.versions[0].state, made.versions[0].texts) == (None, "draft", texts)
        [german] = (await asking.ask(templates.preview("login", {"code": "1"}, locale="de-AT"))).previews
        assert (german.text, german.alphabet, german.segments) == ("1 ist es", "gsm7", 1)
        assert (await asking.ask(templates.submit("login"))).in_force == 1
        await asking.send(to=f"+{NUMBER}", template="login", params={"code": "2"}, locale="de")
        await asking.ask(verifications.start(to=f"+{NUMBER}", template="login"))
        await gateway.settle()
        first, second = (text_of(sent.body, sent.data_coding) or "" for sent in gateway.carrier.outstanding)
        assert first == "2 ist es"
        assert re.fullmatch(r"\d{6} is it", second)
        assert [template.name async for template in asking.each(templates.all())] == ["login"]
        assert (await asking.ask(templates.retire("login", 1))).in_force is None
        assert (await asking.ask(templates.look("login"))).versions[0].state == "retired"
        await asking.ask(templates.remove("login"))
        with pytest.raises(ApiError, match="404"):
            await asking.ask(templates.look("login"))


async def test_verifications() -> None:
    """A code is sent, sent again, typed in wrongly and rightly; another is called off."""
    async with client() as (asking, gateway):
        started = await asking.ask(verifications.start(to=f"+{NUMBER}", brand="ACME", ttl=300, idempotency_key="k"))
        assert (started.status, started.to, started.country) == ("pending", NUMBER, "GB")
        await gateway.settle()
        [sent] = gateway.carrier.outstanding
        code = re.findall(r"\d{6}", text_of(sent.body, sent.data_coding) or "")[0]
        checked = await asking.ask(verifications.check(started.id, "000000" if code != "000000" else "111111"))
        assert (checked.status, checked.attempts_left) == ("pending", started.attempts_left - 1)
        with pytest.raises(ApiError) as refused:
            await asking.ask(verifications.resend(started.id))
        assert refused.value.status == 429
        assert (await asking.ask(verifications.check(started.id, code))).status == "approved"
        assert (await asking.ask(verifications.look(started.id))).done_at is not None
        other = await asking.ask(verifications.start(to="+447700900124", brand="ACME"))
        assert (await asking.ask(verifications.cancel(other.id))).status == "cancelled"


@pytest.mark.parametrize("kind", [keys, clients], ids=["keys", "clients"])
async def test_keys_and_clients(kind: Keys) -> None:
    """Make, look, list, rotate, revoke; the secret is there once."""
    async with client() as (asking, gateway):
        expires_at = datetime.fromtimestamp(gateway.clock.now_ms() // 1000 + 3_600, UTC)
        made = await asking.ask(kind.create("crm", scopes=["messages:read"], expires_at=expires_at))
        assert (made.scopes, made.expires_at, made.source) == (["messages:read"], expires_at, "api")
        rotated = await asking.ask(kind.rotate("crm", overlap_s=60))
        assert rotated.secret != made.secret
        assert (await asking.ask(kind.look("crm"))).old_secret_until is not None
        assert "crm" in [key.name async for key in asking.each(kind.all())]
        await asking.ask(kind.revoke("crm"))
        with pytest.raises(ApiError, match="404"):
            await asking.ask(kind.look("crm"))
        assert (await asking.ask(me())).account == "acme"


async def test_webhooks() -> None:
    """Make, change, test, replay, stop and start, rotate, remove; and the secret for callbacks."""
    async with client() as (asking, gateway):
        made = await asking.ask(webhooks.create("crm", "https://crm.example/", events=["message.delivered"]))
        assert (made.secret[:6], made.health.state) == ("whsec_", "ok")
        assert (await asking.ask(webhooks.change("crm", concurrency=2))).concurrency == 2
        assert (await asking.ask(webhooks.test("crm"))).event.startswith("evt_")
        since = datetime.fromtimestamp(gateway.clock.now_ms() / 1000, UTC) - timedelta(hours=1)
        assert (await asking.ask(webhooks.replay("crm", since))).owed == 0
        assert (await asking.ask(webhooks.disable("crm"))).health.disabled_for == "asked"
        assert (await asking.ask(webhooks.enable("crm"))).health.state == "ok"
        assert (await asking.ask(webhooks.rotate_secret("crm"))).secret != made.secret
        assert [one.name async for one in asking.each(webhooks.all())] == ["crm"]
        assert (await asking.ask(webhooks.look("crm"))).url == "https://crm.example/"
        await asking.ask(webhooks.remove("crm"))
        assert [one async for one in asking.each(webhooks.all())] == []
        assert (await asking.ask(webhooks.rotate_callback_secret())).secret.startswith("whsec_")
        assert (await asking.ask(webhooks.callback_secret())).source == "api"


async def test_messages_from_handsets() -> None:
    """Whole pages of them, and one."""
    async with client() as (asking, gateway):
        for number in range(3):
            gateway.carrier.mo("12345", b"text %d" % number, source_addr=NUMBER)
        await gateway.settle()
        found = [message async for message in asking.each(inbound.all(sender=NUMBER))]
        assert [(one.sender, one.text) for one in found] == [(NUMBER, f"text {number}") for number in range(3)]
        assert await asking.ask(inbound.look(found[1].id)) == found[1]
        assert [one.id async for one in asking.each(inbound.all(after=found[1].id))] == [found[2].id]


async def test_senders() -> None:
    """Asked for, listed, taken back; there are no numbers without an inventory."""
    async with client() as (asking, _):
        wanted = await asking.ask(senders.ask_for("ACME", note="our brand"))
        assert (wanted.sender, wanted.note, wanted.decided_at) == ("ACME", "our brand", None)
        assert "ACME" in [one.sender async for one in asking.each(senders.all())]
        await asking.ask(senders.remove("ACME"))
        assert "ACME" not in [one.sender async for one in asking.each(senders.all())]
        assert [one async for one in asking.each(senders.numbers())] == []


async def test_what_has_no_function_is_asked_all_the_same() -> None:
    """As the API has it."""
    async with client() as (asking, _):
        put = request("PUT", "/v1/users/ann", {"role": "analyst"})
        assert (await asking.ask(put))["role"] == "analyst"
        assert [one["name"] for one in (await asking.ask(request("GET", "/v1/users", limit=5)))["users"]] == ["ann"]
        assert await asking.ask(request("DELETE", "/v1/users/ann")) is None


def test_the_synchronous_client_asks_the_same() -> None:
    """One thing, and a list of two pages."""
    record = {"number": NUMBER, "sender": None, "at": "2027-01-15T08:00:00.000Z", "how": "api", "evidence": ""}
    asked = []

    def answer(call: httpx2.Request) -> httpx2.Response:
        asked.append(f"{call.method} {call.url.raw_path.decode()}")
        if call.method == "POST":
            return httpx2.Response(201, json=record | {"added_later": 1})
        is_first = "cursor" not in call.url.params
        return httpx2.Response(200, json={"records": [record], "next_cursor": "c2" if is_first else None})

    with Client("http://sms.example", KEY, transport=httpx2.MockTransport(answer)) as asking:
        assert asking.ask(suppressions.add(NUMBER)).number == NUMBER
        assert [one.number for one in asking.each(suppressions.all())] == [NUMBER, NUMBER]
    path = "/v1/suppressions"
    assert asked == [f"POST {path}", f"GET {path}?limit=200", f"GET {path}?limit=200&cursor=c2"]


@pytest.mark.parametrize("name", ["a/b", "a b", "ä?x=1"])
def test_a_name_stays_one_part_of_the_path(name: str) -> None:
    """Nothing else is asked for than the thing of that name."""
    path = webhooks.look(name).call.path
    assert path.startswith("/v1/webhooks/")
    assert path.count("/") == 3
    assert "?" not in path


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_name_is_no_path(name: str) -> None:
    """A client would take them out, and ask for something else."""
    with pytest.raises(ValueError, match="nothing has the name"):
        webhooks.remove(name)
