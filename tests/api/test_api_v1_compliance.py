"""The rules of countries over HTTP: they are told, and messages hear of them."""

from typing import Any

import pytest
from trio.testing import MockClock
from v1_bench import READING_KEY, api, api_config

from smsagg.compliance import ComplianceMap, CountryRules, Hours, RequiredText
from smsagg.config.schema import MessageClassSettings
from smsagg.routing.rules.week import week_of
from smsagg.tables import Tables

MARKETING = frozenset({"marketing"})
CLASSES = {name: MessageClassSettings() for name in ("marketing", "otp")}


def tables(**rules: Any) -> Tables:
    """Rules for GB."""
    return Tables(compliance=ComplianceMap({"GB": CountryRules("GB", **rules)}))


def mornings(*, holds: bool = True) -> dict[str, Hours]:
    """Of marketing; the tests begin at 8:00."""
    week = week_of(("10:00-12:00",), ())
    assert week is not None
    return {"marketing": Hours(week, frozenset({20_000}), holds, ("10:00-12:00",))}


async def test_a_message_out_of_hours_is_scheduled(autojump_clock: MockClock) -> None:
    """Its answer says when it goes."""
    config = api_config(message_classes=CLASSES)
    async with api(config, tables=tables(hours=mornings())) as client:
        sent = (await client.send(message_type="marketing")).document
        assert (sent["state"], sent["send_at"]) == ("scheduled", "2027-01-15T10:00:00.000Z")
        assert (await client.send(message_type="otp")).document["state"] == "queued"
        late = await client.send(message_type="marketing", ttl=60)
        assert (late.status, late.document["type"]) == (422, "problems/outside-sending-hours")


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        ({"hours": mornings(holds=False)}, "outside-sending-hours"),
        ({"classes": frozenset({"otp"})}, "class-not-allowed"),
        ({"opt_in": MARKETING}, "not-opted-in"),
        ({"texts": (RequiredText(MARKETING, ("<ADV>",), ""),)}, "text-missing"),
    ],
)
async def test_each_rule_has_its_problem(rules: dict[str, Any], kind: str, autojump_clock: MockClock) -> None:
    """422, and in a batch beside those that are taken."""
    async with api(api_config(message_classes=CLASSES), tables=tables(**rules)) as client:
        refused = await client.send(message_type="marketing")
        assert (refused.status, refused.document["type"]) == (422, f"problems/{kind}")
        new = {"to": "+447700900123", "from": "ACME", "text": "hello"}
        both = {"messages": [new | {"message_type": "marketing"}, new | {"message_type": "otp"}]}
        results = (await client.call("POST", "/v1/messages/batch", both)).document["results"]
        assert [one["problem"] is None for one in results] == [False, True]


async def test_the_rules_in_force_are_told() -> None:
    """Of a country with rules, of one without, and of none."""
    texts = (RequiredText(MARKETING, ("STOP",), ""),)
    async with api(tables=tables(hours=mornings(), texts=texts, opt_in=MARKETING)) as client:
        assert (await client.call("GET", "/v1/compliance/GB")).document == {
            "country": "GB", "classes": None, "senders": "any", "opt_in": ["marketing"], "templates": [],
            "hours": {"marketing": {"open": ["10:00-12:00"], "outside": "hold"}}, "holidays": ["2024-10-04"],
            "texts": [{"classes": ["marketing"], "has": ["STOP"], "add": None}], "caps": {},
        }  # fmt: skip
        assert (await client.call("GET", "/v1/compliance/FR")).document["hours"] == {}
        assert (await client.call("GET", "/v1/compliance/QQ")).status == 404
        assert (await client.call("GET", "/v1/compliance/france")).status == 422
        assert (await client.with_key(READING_KEY).call("GET", "/v1/compliance/GB")).status == 403
