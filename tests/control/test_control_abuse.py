"""What operators ask about abuse, and what that does to a running engine."""

from collections.abc import Mapping
from typing import Any

import pytest

from smsagg.abuse import ContentRule, ContentRules
from smsagg.config.abuse import AccountAbuseSettings
from smsagg.control.abuse import AbuseService
from smsagg.control.server import Caller
from smsagg.errors import ControlError
from smsagg.model import HELD_UNTIL, Refusal
from smsagg.tables import Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, make_message, run_gateway

HELD: dict[str, Any] = {"next_attempt_at": HELD_UNTIL, "trail": "0||held by content rule phishing"}
CALLER = Caller(1, 1000)


async def ask(gateway: FakeGateway, command: str, **arguments: Any) -> list[dict[str, Any]]:
    """What the service answers."""
    service = AbuseService(gateway.engine)
    answers: list[dict[str, Any]] = []

    async def send(record: Mapping[str, Any]) -> None:
        answers.append(dict(record))

    handler = {"abuse": service.serve, "held": service.serve_held, "account": service.serve_account}[command]
    await handler(arguments, send, CALLER)
    return answers


def submit(gateway: FakeGateway, digits: str, body: bytes = b"hello") -> object:
    engine, now = gateway.engine, gateway.clock.now_ms()
    message = make_message(now, destination_addr=digits, body=body)
    return engine.admission.admit(engine.accounts["acme"], message, digits, now)


async def test_status_shows_alarms_prefixes_and_what_is_remembered(autojump_clock: Any) -> None:
    """Of one account or of all; clearing lets the prefix go on and forgets the alarms."""
    settings = AccountAbuseSettings(sequences="block", takeover="monitor", duplicates="drop")
    config = make_config(accounts={"acme": account_settings("acme", abuse=settings), "b": account_settings("b")})
    async with run_gateway(config) as gateway:
        for number in range(100):
            submit(gateway, f"4477009{number:05d}")
        records = await ask(gateway, "abuse", do="status")
        assert [record["is"] for record in records] == ["alarm", "prefix", "account"]
        assert records[0] | {"kind": "sequence", "subject": "4477009", "action": "block", "count": 1} == records[0]
        assert records[1] | {"prefix": "4477009", "kind": "sequence", "action": "block"} == records[1]
        assert records[2]["usage"] | {"this_hour": 100, "countries": ["GB"]} == records[2]["usage"]
        assert records[2]["remembered"]["sequences"] == 1
        assert await ask(gateway, "abuse", do="status", account="b") == []
        assert await ask(gateway, "abuse", do="clear", prefix="4400000") == [{"prefixes": 0}]
        assert await ask(gateway, "abuse", do="clear", account="acme") == [{"prefixes": 1}]
        assert [record["is"] for record in await ask(gateway, "abuse", do="status")] == ["account"]
        assert submit(gateway, "447700900999") is None


async def test_held_messages_are_listed_released_and_rejected(autojump_clock: Any) -> None:
    """By id, by account, by rule, or all; with their texts, for the operator to judge."""
    async with run_gateway() as gateway:
        messages = await gateway.accept(3, body=b"verify your account", **HELD)
        listed = await ask(gateway, "held", do="list")
        assert [record["id"] for record in listed] == [message.message_id for message in messages]
        assert listed[0] | {"rule": "phishing", "text": "verify your account", "to": "447700900123"} == listed[0]
        assert await ask(gateway, "held", do="list", rule="other") == []
        assert await ask(gateway, "held", do="release", id=messages[0].message_id) == [{"messages": 1}]
        assert await ask(gateway, "held", do="reject", rule="phishing", account="acme") == [{"messages": 2}]
        assert await ask(gateway, "held", do="release", all=True) == [{"messages": 0}]
        await gateway.settle()
        assert gateway.sent == [messages[0].seq]


async def test_more_held_messages_than_a_batch(autojump_clock: Any) -> None:
    """All of them, however many."""
    async with run_gateway() as gateway:
        for _ in range(12):
            await gateway.accept(100, **HELD)
        assert len(await ask(gateway, "held", do="list")) == 1_200
        assert await ask(gateway, "held", do="release", all=True) == [{"messages": 1_200}]
        assert await ask(gateway, "held", do="list") == []


async def test_an_account_is_frozen_and_let_go(autojump_clock: Any) -> None:
    """With who did it, and durable when the command returns."""
    async with run_gateway() as gateway:
        frozen = await ask(gateway, "account", do="freeze", account="acme", reason="a call")
        assert frozen == [{"account": "acme", "changed": True}]
        assert await ask(gateway, "account", do="freeze", account="acme") == [{"account": "acme", "changed": False}]
        (record,) = await ask(gateway, "account", do="list")
        assert record | {"account": "acme", "reason": "a call", "by": "uid 1000"} == record
        assert isinstance(submit(gateway, "447700900123"), Refusal)
        assert await gateway.store.load_entities("frozen_account")
        (status,) = await ask(gateway, "abuse", do="status")
        assert status["frozen"]
        assert await ask(gateway, "account", do="unfreeze", account="acme") == [{"account": "acme", "changed": True}]
        assert await ask(gateway, "account", do="unfreeze", account="acme") == [{"account": "acme", "changed": False}]
        assert not await gateway.store.load_entities("frozen_account")
        assert submit(gateway, "447700900123") is None


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("abuse", {}, "do: must be"),
        ("abuse", {"do": "status", "account": "nobody"}, "there is no account nobody"),
        ("held", {"do": "burn"}, "do: must be"),
        ("held", {"do": "release"}, "which?"),
        ("held", {"do": "release", "id": "0000000104b3e568"}, "is held"),
        ("held", {"do": "release", "id": 5}, "must be a string"),
        ("account", {"do": "freeze"}, "which?"),
        ("account", {"do": "burn", "account": "acme"}, "do: must be"),
    ],
)
async def test_a_bad_request_says_what_is_wrong(
    autojump_clock: Any, command: str, arguments: dict[str, Any], reason: str
) -> None:
    """For the operator; nothing is done."""
    async with run_gateway() as gateway:
        with pytest.raises(ControlError, match=reason.replace("?", r"\?")):
            await ask(gateway, command, **arguments)


async def test_a_flagged_text_is_in_the_alarms_without_its_words(autojump_clock: Any) -> None:
    """K05: alarms name the rule, never the text or the number."""
    rules = ContentRules([ContentRule("odd", "flag", ("odd",))])
    async with run_gateway(tables=Tables(content=rules)) as gateway:
        assert submit(gateway, "447700900123", b"an odd secret") is None
        alarm, _ = await ask(gateway, "abuse", do="status")
        assert (alarm["kind"], alarm["subject"], alarm["action"]) == ("content", "odd", "flag")
        assert "secret" not in str(alarm)
        assert "447700900123" not in str(alarm)


async def test_a_held_text_with_a_code_is_not_shown(autojump_clock: Any) -> None:
    """The operator judges by the rule that holds it."""
    async with run_gateway() as gateway:
        await gateway.accept(1, body=b"verify: 123456", **HELD, is_secret=True)
        [listed] = await ask(gateway, "held", do="list")
        assert (listed["rule"], listed["text"]) == ("phishing", None)
