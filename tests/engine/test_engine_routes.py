"""Routing by rules: what messages get, what is refused, and where those go whose pool is gone."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, RoutingSettings
from smsagg.engine.admission.admission import Admission
from smsagg.model import Message, Refusal
from smsagg.routing.networks import NetworkRange, NetworkTable
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.store.memory import MemoryStore
from smsagg.store.memory_tables import Tables as StoreTables
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
)

POOLS = {"gb": pool_settings("alpha", countries=("GB",)), "codes": pool_settings("alpha")}
UNBOUND = {"alpha": carrier_settings(FakeSettings(bound=False))}


def tables_of(config: Config, *rules: RuleSettings, networks: NetworkTable | None = None) -> Tables:
    return Tables(
        routes=RouteTable([rule_of(rule) for rule in rules], Router(config.pools, config.routing)), networks=networks
    )


def admit(gateway: FakeGateway, digits: str = "447700900123", **fields: Any) -> tuple[Message, Refusal | None]:
    now = gateway.clock.now_ms()
    message = make_message(now, destination_addr=digits, country="", pool="", **fields)
    admission: Admission = gateway.engine.admission
    return message, admission.admit(gateway.engine.accounts[message.account], message, digits, now)


async def test_a_rule_gives_a_message_its_pool_and_more() -> None:
    """Its name, class, tag and lane stand in the message; decisions are counted by rule."""
    config = make_config(pools=POOLS, accounts={"acme": account_settings("acme", tags=("vip",))})
    rules = (
        RuleSettings(name="vip", tags=("vip",), continue_=True, set_priority=3, set_tag="gold"),
        RuleSettings(name="code", content_pattern="code", networks=("23415",), pool="codes", set_class="otp"),
    )
    networks = NetworkTable([NetworkRange("4477009", "23415")])
    async with run_gateway(config, tables=tables_of(config, *rules, networks=networks)) as gateway:
        message, refusal = admit(gateway, body=b"Your code: 1234")
        assert refusal is None
        assert (message.pool, message.route, message.network, message.country) == ("codes", "code", "23415", "GB")
        assert (message.message_class, message.tag, message.priority) == ("otp", "gold", 3)
        other, refusal = admit(gateway)
        assert refusal is None
        assert (other.pool, other.route, other.message_class, other.tag) == ("gb", "", "default", "gold")
        counts = {rule: value.n for rule, value in gateway.metrics.routed.items()}
        assert counts == {"code": 1, "default": 1}


async def test_a_blocked_message_is_refused_with_the_rules_status() -> None:
    """And counted by its rule; one without a pool is refused as ever."""
    config = make_config(pools=POOLS)
    rule = RuleSettings(name="no-fr", countries=("FR",), block="too dear", command_status=0x45)
    async with run_gateway(config, tables=tables_of(config, rule)) as gateway:
        assert admit(gateway, "33612345678")[1] == Refusal(0x45, "route_blocked")
        assert admit(gateway, "12125551234")[1] == Refusal(0x0B, "no_route")
        assert {rule: value.n for rule, value in gateway.metrics.route_blocked.items()} == {"no-fr": 1}


async def test_without_rules_countries_decide() -> None:
    """And no decision is counted."""
    async with run_gateway(make_config(routing=RoutingSettings())) as gateway:
        message, refusal = admit(gateway)
        assert refusal is None
        assert (message.pool, message.route, message.network) == ("gb", "", "")
        assert admit(gateway, "12125551234")[1] == Refusal(0x0B, "no_route")
        assert not gateway.metrics.routed


async def test_what_waited_in_a_pool_that_is_gone_goes_by_the_rules() -> None:
    """As it would be routed now; what a rule would block now was accepted, and waits."""
    clock, store = FakeClock(), StoreTables()
    before = make_config(carriers=UNBOUND, pools={"old": pool_settings("alpha", countries=("GB",))})
    async with run_gateway(before, MemoryStore(store), clock) as gateway:
        code = await gateway.accept_one(pool="old", body=b"code 1234")
        sale = await gateway.accept_one(pool="old", body=b"SALE")
        hello = await gateway.accept_one(pool="old")
    after = make_config(carriers=UNBOUND, pools=POOLS)
    rules = (
        RuleSettings(name="codes", content_pattern="code", pool="codes"),
        RuleSettings(name="no-sale", content_pattern="sale", block="x"),
    )
    async with run_gateway(after, MemoryStore(store), clock, tables=tables_of(after, *rules)) as gateway:
        await gateway.settle()
        pools = {message.seq: (await gateway.find(message)).pool for message in (code, hello)}  # type: ignore[union-attr]
        assert pools == {code.seq: "codes", hello.seq: "gb"}
        waiting = await gateway.find(sale)
        assert waiting is not None
        assert not waiting.state.is_final
        assert {name: pool.depth for name, pool in gateway.engine.core.pools.items()} == {"gb": 1, "codes": 1}


def part_of(number: int, text: bytes, reference: int = 7) -> dict[str, Any]:
    """Part ``number`` of two, as a customer submits it."""
    return {"esm_class": 0x40, "body": bytes((5, 0, 3, reference, 2, number)) + text}


async def test_parts_of_a_message_go_where_the_first_one_went() -> None:
    """Though the rule sees only the first one's text; a part that a rule blocks is blocked."""
    config = make_config(pools=POOLS)
    rules = (
        RuleSettings(name="code", content_pattern="code", pool="codes", set_class="otp"),
        RuleSettings(name="pill", content_pattern="pill", block="x"),
    )
    async with run_gateway(config, tables=tables_of(config, *rules)) as gateway:
        first, _ = admit(gateway, **part_of(1, b"Your code is 1234, and it"))
        second, _ = admit(gateway, **part_of(2, b"is for you alone"))
        assert (first.pool, first.message_class) == (second.pool, second.message_class) == ("codes", "otp")
        assert second.route == "code"
        assert admit(gateway, **part_of(2, b"is for you alone", reference=8))[0].pool == "gb"
        assert admit(gateway, "447700900124", **part_of(2, b"is for you alone"))[0].pool == "gb"
        assert admit(gateway, **part_of(2, b"a pill"))[1] == Refusal(0x0B, "route_blocked")
        await trio.sleep(config.long_messages.siblings_window)
        assert admit(gateway, **part_of(2, b"is for you alone"))[0].pool == "gb"


async def test_only_so_many_long_messages_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one whose first part came longest ago is forgotten first."""
    monkeypatch.setattr("smsagg.engine.admission.routing.SIBLINGS_MAX", 2)
    config = make_config(pools=POOLS)
    rule = RuleSettings(name="code", content_pattern="code", pool="codes")
    async with run_gateway(config, tables=tables_of(config, rule)) as gateway:
        for reference in (1, 2, 3):
            admit(gateway, **part_of(1, b"code", reference))
        pools = [admit(gateway, **part_of(2, b"more", reference))[0].pool for reference in (3, 2, 1)]
        assert pools == ["codes", "codes", "gb"]


async def test_parts_that_waited_in_a_pool_that_is_gone_stay_together() -> None:
    """Whichever of them is asked about first."""
    clock, store = FakeClock(), StoreTables()
    before = make_config(carriers=UNBOUND, pools={"old": pool_settings("alpha", countries=("GB",))})
    async with run_gateway(before, MemoryStore(store), clock) as gateway:
        parts = [
            await gateway.accept_one(pool="old", **part_of(number, text))
            for number, text in ((1, b"Your code is 1234, and it"), (2, b"is for you alone"))
        ]
    after = make_config(carriers=UNBOUND, pools=POOLS)
    rule = RuleSettings(name="codes", content_pattern="code", pool="codes")
    async with run_gateway(after, MemoryStore(store), clock, tables=tables_of(after, rule)) as gateway:
        await gateway.settle()
        pools = {(await gateway.find(part)).pool for part in parts}  # type: ignore[union-attr]
        assert len(pools) == 1
        assert pools != {"old"}
