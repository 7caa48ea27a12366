"""Message classes of submits: by service_type, and by routing rules."""

from typing import Any

import trio.testing
from esme_bench import account, front_door

from smsagg.config.schema import MessageClassSettings, RoutingSettings
from smsagg.config.units import Duration
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.tables import Tables
from smsagg.testing.gateway import pool_settings

Clock = trio.testing.MockClock
CLASSES = {
    "default": MessageClassSettings(),
    "otp": MessageClassSettings(ttl=Duration(300.0)),
    "smart": MessageClassSettings(encoding="smart"),
}
POOLS = {"gb": pool_settings("alpha", countries=("GB",))}
BY_TYPE = {"acme": account("acme", class_by_service_type={"OTP": "otp", "TXT": "smart"})}


async def test_a_service_type_names_the_class(autojump_clock: Clock) -> None:
    """Its life is that class's, and how its text is encoded; other service types have the account's class."""
    text = "ok".encode("utf-16-be")
    async with front_door(accounts=BY_TYPE, message_classes=CLASSES) as bench:
        client = await bench.bound()
        for service_type in ("OTP", "TXT", "", "WAP"):
            await client.submit_ok(service_type=service_type, short_message=text, data_coding=8)
        assert [
            (message.message_class, message.expires_at - message.accepted_at, message.body) for message in bench.stored
        ] == [
            ("otp", 300_000, text),
            ("smart", 86_400_000, b"ok"),
            ("default", 86_400_000, text),
            ("default", 86_400_000, text),
        ]


async def test_a_rule_that_gives_a_class_gives_its_life(autojump_clock: Clock) -> None:
    """The life that a submit asks for stays, within the class's bounds."""
    rules = [rule_of(RuleSettings(name="codes", content_pattern="code", continue_=True, set_class="otp"))]
    tables = Tables(routes=RouteTable(rules, Router(POOLS, RoutingSettings())))
    async with front_door(tables=tables, message_classes=CLASSES, pools=POOLS) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=b"code 1234")
        await client.submit_ok(short_message=b"code 1234", validity_period="000000001000000R")
        await client.submit_ok(short_message=b"hello")
        stored: list[Any] = [(m.message_class, (m.expires_at - m.accepted_at) // 1000) for m in bench.stored]
        assert stored == [("otp", 300), ("otp", 600), ("default", 86_400)]
