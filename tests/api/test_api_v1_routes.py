"""Routing rules and look-ups of numbers for messages over HTTP."""

from v1_bench import api, api_config

from smsagg.config.schema import MessageClassSettings, RoutingSettings
from smsagg.config.units import Duration
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.tables import Tables
from smsagg.testing.resolver import FakeResolver, lookup_settings


async def test_a_message_gets_its_ported_network_and_the_life_of_its_class() -> None:
    """As one over SMPP does."""
    classes = {"default": MessageClassSettings(), "otp": MessageClassSettings(ttl=Duration(300.0))}
    config = api_config(message_classes=classes, routing=RoutingSettings(lookup=lookup_settings()))
    rules = [
        rule_of(RuleSettings(name="codes", content_pattern="code", continue_=True, set_class="otp")),
        rule_of(RuleSettings(name="vodafone", networks=("23415",), pool="gb")),
    ]
    resolver = FakeResolver({"447700900123": "23415"})
    tables = Tables(routes=RouteTable(rules, Router(config.pools, config.routing)), resolver=resolver)
    async with api(config, tables=tables) as client:
        await client.gateway.settle()
        assert (await client.send(text="code 1234")).status == 202
        assert (await client.send(text="code 1234", ttl=600)).status == 202
        assert (await client.send(text="hello", to="+447700900124")).status == 202
        await client.gateway.settle()
        seen = [
            (m.message_class, (m.expires_at - m.accepted_at) // 1000, m.network, m.route)
            for m in client.gateway.carrier.outstanding
        ]
        assert sorted(seen) == [
            ("default", 86_400, "", ""),
            ("otp", 300, "23415", "vodafone"),
            ("otp", 600, "23415", "vodafone"),
        ]
