"""Codes by HTTP: sent, checked, sent again, cancelled."""

import re
from collections import Counter
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock
from v1_bench import OTHERS_KEY, READING_KEY, Answered, Client, api, api_config

from smsagg.config.schema import ApiKeySettings, Config, MessageClassSettings, VerificationSettings
from smsagg.config.units import Duration, MessageLimit
from smsagg.directory.secrets import digest_of
from smsagg.errors import StoreFailed
from smsagg.store.memory import MemoryStore
from smsagg.text import text_of

TO = "+447700900123"


def config_with(**values: Any) -> Config:
    settings = VerificationSettings(**({"recipient_limits": (), "prefix_limits": ()} | values))
    return evolve(api_config(), verification=settings, message_classes={"otp": MessageClassSettings()})


async def start(client: Client, to: str = TO, **fields: Any) -> Any:
    answered = await client.call("POST", "/v1/verifications", {"to": to, "brand": "ACME"} | fields)
    assert answered.status == 202, answered
    return answered.document


def texts(client: Client) -> list[str]:
    """What the carrier was given."""
    return [text_of(sent.body, sent.data_coding) or "" for sent in client.gateway.carrier.outstanding]


async def code_of(client: Client, place: int = -1) -> str:
    await client.gateway.settle()
    return re.findall(r"code is (\w+)\.", texts(client)[place])[0]


def wrong(code: str) -> str:
    return code[:-1] + ("0" if code[-1] != "0" else "1")


async def check(client: Client, verification_id: str, code: str) -> Answered:
    return await client.call("POST", f"/v1/verifications/{verification_id}/check", {"code": code})


async def test_a_code_is_sent_and_typed_in() -> None:
    """202 after one commit of the verification and its message; the right code approves, once."""
    async with api(config_with()) as client:
        document = await start(client, reference="login-7")
        assert (document["status"], document["to"], document["country"]) == ("pending", "447700900123", "GB")
        assert (document["attempts_left"], document["messages_left"], document["reference"]) == (5, 3, "login-7")
        code = await code_of(client)
        assert re.fullmatch(r"\d{6}", code)
        [sent] = client.gateway.carrier.outstanding
        assert (sent.message_id, sent.message_class, sent.is_secret) == (document["messages"][0], "otp", True)
        assert sent.expires_at - sent.accepted_at == 600_000
        bad = await check(client, document["id"], wrong(code))
        assert (bad.status, bad.document["status"], bad.document["attempts_left"]) == (200, "pending", 4)
        good = await check(client, document["id"], f" {code[:3]}-{code[3:]}")
        assert good.document == {"id": document["id"], "status": "approved", "attempts_left": 0}
        again = await check(client, document["id"], code)
        assert (again.status, again.document["type"]) == (409, "problems/verification-approved")
        shown = (await client.call("GET", f"/v1/verifications/{document['id']}")).document
        assert (shown["status"], shown["messages_left"], shown["resend_at"]) == ("approved", 0, None)
        assert shown["done_at"] is not None


async def test_codes_are_as_they_were_asked_for() -> None:
    """Length, alphabet, language, life, sender."""
    async with api(config_with()) as client:
        await start(
            client, code_length=10, alphabet="alphanumeric", locale="de-AT", ttl=60, **{"from": "Shop"}
        )  # fmt: skip
        await client.gateway.settle()
        assert re.fullmatch("Ihr Code für ACME lautet [34679CFGHJKMNPRTWXY]{10}.", texts(client)[0])
        [sent] = client.gateway.carrier.outstanding
        assert (sent.source_addr, sent.expires_at - sent.accepted_at) == ("Shop", 60_000)


async def test_a_code_is_told_by_a_template() -> None:
    """Its parameter ``code`` is the code; the others are the caller's, and wrong ones are named."""
    texts_of = {"en": "{code} is good for {minutes} minutes", "de": "{code} gilt {minutes} Minuten"}
    parameters = {"code": {"type": "code"}, "minutes": {"type": "integer"}}
    template = {"texts": texts_of, "default_locale": "en", "parameters": parameters}
    async with api(config_with(resend_interval=Duration(0))) as client:
        assert (await client.call("PUT", "/v1/templates/login", template)).status == 200
        by_template = {"brand": "", "template": "login"}
        wrong = await client.call("POST", "/v1/verifications", {"to": TO} | by_template)
        assert [error["path"] for error in wrong.document["errors"]] == ["params.minutes"]
        document = await start(client, params={"minutes": 10}, locale="de", **by_template)
        assert (await client.call("POST", f"/v1/verifications/{document['id']}/resend")).status == 202
        await client.gateway.settle()
        first, second = texts(client)
        assert re.fullmatch(r"\d{6} gilt 10 Minuten", first)
        assert first != second
        assert (await check(client, document["id"], first[:6])).document["status"] == "approved"


async def test_two_right_codes_at_once_approve_once() -> None:
    """One is told approved, the other that it is over."""
    async with api(config_with()) as client:
        document = await start(client)
        code = await code_of(client)
        answers: list[Answered] = []

        async def one() -> None:
            answers.append(await check(client, document["id"], code))

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(one)
        assert sorted(answer.status for answer in answers) == [200, 409]


async def test_a_thousand_wrong_codes_at_once_use_no_more_than_the_attempts() -> None:
    """The right one among them may be too late, and never comes after the end."""
    async with api(config_with()) as client:
        document = await start(client)
        code = await code_of(client)
        statuses: Counter[str] = Counter()

        async def one() -> None:
            checked = await client.gateway.engine.verifications.check("acme", document["id"], wrong(code))
            assert checked is not None
            statuses["late" if checked.is_late else checked.verification.state] += 1

        async with trio.open_nursery() as nursery:
            for _ in range(1_000):
                nursery.start_soon(one)
        assert statuses == {"pending": 4, "failed": 1, "late": 995}
        late = await check(client, document["id"], code)
        assert (late.status, late.document["type"]) == (409, "problems/verification-failed")


async def test_a_crash_gives_no_attempt_back() -> None:
    """What was answered before it is in the store; what was asked and not answered may count."""
    store = MemoryStore()
    async with api(config_with(), store) as client:
        document = await start(client)
        code = await code_of(client)
        for left in (4, 3):
            assert (await check(client, document["id"], wrong(code))).document["attempts_left"] == left
    async with api(config_with(), MemoryStore(store.tables)) as client:
        assert (await check(client, document["id"], wrong(code))).document["attempts_left"] == 2
        assert (await check(client, document["id"], code)).document["status"] == "approved"


async def test_no_check_is_answered_before_its_commit() -> None:
    """What is answered is in the store at that moment."""
    store = MemoryStore()
    async with api(config_with(), store) as client:
        document = await start(client)
        code = await code_of(client)
        for attempts in (1, 2):
            assert (await check(client, document["id"], wrong(code))).status == 200
            assert store.tables.verifications[document["id"]].attempts == attempts
        assert (await check(client, document["id"], code)).status == 200
        assert store.tables.verifications[document["id"]].state == "approved"


async def test_without_its_commit_there_is_neither_a_verification_nor_a_message() -> None:
    """503, and nothing is kept or sent."""
    store = MemoryStore()
    async with api(config_with(), store) as client:
        await client.gateway.settle()
        store.fail_next(StoreFailed("disk"))
        answered = await client.call("POST", "/v1/verifications", {"to": TO, "brand": "ACME"})
        assert answered.status == 503
        await client.gateway.settle()
        assert not store.tables.verifications
        assert client.gateway.sent == []
        client.gateway.assert_nothing_is_held()


async def test_a_repeated_call_sends_one_code() -> None:
    """The same key and request get the same answer; another request gets 409."""
    async with api(config_with()) as client:
        body = {"to": TO, "brand": "ACME"}
        first = await client.call("POST", "/v1/verifications", body, Idempotency_Key="k1")
        again = await client.call("POST", "/v1/verifications", body, Idempotency_Key="k1")
        assert (again.status, again.body, again.headers["idempotent-replayed"]) == (202, first.body, "true")
        other = await client.call("POST", "/v1/verifications", body | {"brand": "B"}, Idempotency_Key="k1")
        assert (other.status, other.document["type"]) == (409, "problems/key-reused")
        await client.gateway.settle()
        assert len(client.gateway.sent) == 1


async def test_a_further_message_has_a_code_of_its_own_and_both_count(autojump_clock: MockClock) -> None:
    """Not at once, not for ever, and a repeated call sends none."""
    settings = config_with(messages_max=2, resend_interval=Duration(30))
    async with api(settings) as client:
        document = await start(client)
        path = f"/v1/verifications/{document['id']}/resend"
        early = await client.call("POST", path)
        assert (early.status, early.document["type"], early.headers["retry-after"]) == (429, "problems/too-soon", "30")
        await trio.sleep(30)
        again = await client.call("POST", path, Idempotency_Key="again")
        assert (again.status, len(again.document["messages"]), again.document["messages_left"]) == (202, 2, 0)
        assert (await client.call("POST", path, Idempotency_Key="again")).body == again.body
        first, second = await code_of(client, 0), await code_of(client, 1)
        assert first != second
        await trio.sleep(30)
        more = await client.call("POST", path)
        assert (more.status, more.document["type"]) == (409, "problems/no-more-messages")
        assert (await check(client, document["id"], first)).document["status"] == "approved"
        assert (await client.call("POST", path)).document["type"] == "problems/verification-approved"


async def test_what_is_cancelled_is_of_no_use_and_not_sent() -> None:
    """Its message is taken back while no carrier has it."""
    async with api(config_with()) as client:
        document = await start(client)
        cancelled = await client.call("POST", f"/v1/verifications/{document['id']}/cancel")
        assert (cancelled.status, cancelled.document["status"]) == (200, "cancelled")
        assert (await check(client, document["id"], "123456")).document["type"] == "problems/verification-cancelled"
        assert (await client.call("POST", f"/v1/verifications/{document['id']}/cancel")).status == 409


async def test_time_ends_a_verification_and_then_forgets_it(autojump_clock: MockClock) -> None:
    """Checked too late it is over; some time later there is none."""
    async with api(config_with(kept=Duration(60))) as client:
        document = await start(client, ttl=60)
        code = await code_of(client)
        await trio.sleep(60)
        late = await check(client, document["id"], code)
        assert (late.status, late.document["type"]) == (409, "problems/verification-expired")
        await trio.sleep(130)
        assert (await client.call("GET", f"/v1/verifications/{document['id']}")).status == 404


async def test_foreign_and_unknown_verifications_answer_alike() -> None:
    """For every call; and a key without the scope is told so."""
    async with api(config_with()) as client:
        document = await start(client)
        stranger, reader = client.with_key(OTHERS_KEY), client.with_key(READING_KEY)
        for method, tail, body in (
            ("GET", "", None),
            ("POST", "/check", {"code": "123456"}),
            ("POST", "/resend", None),
            ("POST", "/cancel", None),
        ):
            foreign = await stranger.call(method, f"/v1/verifications/{document['id']}{tail}", body)
            unknown = await stranger.call(method, f"/v1/verifications/ver_none{tail}", body)
            assert foreign == unknown
            assert foreign.status == 404
            assert (await reader.call(method, f"/v1/verifications/{document['id']}{tail}", body)).status == 403


async def test_a_number_is_masked_for_who_may_not_see_it() -> None:
    """A key without the scope to see texts and numbers."""
    key = "sk_masked"
    settings = ApiKeySettings(digest_of(key), scopes=("verifications:write",))
    config = config_with(resend_interval=Duration(0))
    acme = config.accounts["acme"]
    accounts = config.accounts | {"acme": evolve(acme, api_keys=acme.api_keys | {"masked": settings})}
    async with api(evolve(config, accounts=accounts)) as client:
        document = await start(client)
        masked, path = client.with_key(key), f"/v1/verifications/{document['id']}"
        shown = (await masked.call("GET", path)).document
        assert shown["to"] == "44770•••"
        assert shown | {"to": ""} == document | {"to": ""}
        again = await client.call("POST", f"{path}/resend", Idempotency_Key="again")
        repeated = await masked.call("POST", f"{path}/resend", Idempotency_Key="again")
        assert (repeated.status, repeated.headers["idempotent-replayed"]) == (202, "true")
        assert repeated.document == again.document | {"to": "44770•••"}
        assert (await masked.call("POST", f"{path}/cancel")).document["to"] == "44770•••"


@pytest.mark.parametrize(
    ("scope", "subject"), [("recipient", None), ("prefix", "4477009"), ("country", "GB"), ("account", "codes")]
)
async def test_too_many_codes_are_refused_and_raise_an_alarm(scope: str, subject: str | None) -> None:
    """429 with when to try again; of a single number there is no alarm, for it would name the number."""
    async with api(config_with(**{f"{scope}_limits": (MessageLimit(2, 600),)})) as client:
        for _ in range(2):
            await start(client)
        refused = await client.call("POST", "/v1/verifications", {"to": TO, "brand": "ACME"})
        assert (refused.status, refused.document["type"]) == (429, "problems/too-many-codes")
        assert refused.headers["retry-after"] == "60"
        assert refused.document["detail"] == f"More than 2/10m codes by {scope}."
        client.gateway.metrics.refresh()
        assert client.gateway.metrics.verification_limited["acme", scope].n == 1
        alarms = [alarm.finding for alarm in client.gateway.engine.guard.alarms]
        assert [finding.subject for finding in alarms] == ([subject] if subject else [])
        await client.gateway.settle()
        assert len(client.gateway.sent) == 2
        stranger = await client.with_key(OTHERS_KEY).call("POST", "/v1/verifications", {"to": TO, "brand": "B"})
        assert stranger.status == 202


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"code_length": 3}, "code_length"),
        ({"alphabet": "emoji"}, "alphabet"),
        ({"channel": "voice"}, "channel"),
        ({"ttl": 10}, "ttl"),
        ({"brand": ""}, "brand"),
        ({"template": "login"}, "brand"),
        ({"brand": "", "template": "login"}, "template"),
        ({"brand": "", "template": "login", "params": {"code": "1"}}, "params.code"),
        ({"params": {"minutes": 10}}, "params"),
        ({"code_length": "6"}, "code_length"),
        ({"brand": "A\u202eB"}, "brand"),
        ({"locale": "deutsch"}, "locale"),
        ({"code": "123456"}, "code"),
        ({"to": "nobody"}, "to"),
    ],
)
async def test_what_is_wrong_is_named(fields: dict[str, Any], path: str) -> None:
    """422 with the member, and nothing is sent."""
    async with api(config_with()) as client:
        answered = await client.call("POST", "/v1/verifications", {"to": TO, "brand": "ACME"} | fields)
        assert (answered.status, answered.document["errors"][0]["path"]) == (422, path)
        assert client.gateway.sent == []
