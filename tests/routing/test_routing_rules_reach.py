"""Rules that nothing reaches."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_rules import STRICT_ROUTER, naive
from test_routing_rules_decide import QUERIES, rules

from smsagg.routing.prefix import country_of
from smsagg.routing.rules import RouteQuery, rule_of
from smsagg.routing.rules.reach import unreachable
from smsagg.routing.rules.settings import RuleSettings


def found(*settings: RuleSettings) -> list[int]:
    return [place for place, _ in unreachable([rule_of(one) for one in settings])]


def covers(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    return found(RuleSettings(name="a", pool="gb", **earlier), RuleSettings(name="b", pool="fr", **later)) == [1]


YEAR, NEXT = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {"content_pattern": "x", "times": ("22:00-07:00",), "tags": ("t",)}),
        ({"accounts": ("a", "b")}, {"accounts": ("b",)}),
        ({"countries": ("GB", "FR")}, {"countries": ("FR",)}),
        ({"countries": ("FR",)}, {"prefixes": ("336",)}),
        ({"prefixes": ("44",)}, {"prefixes": ("4477", "4478")}),
        ({"networks": ("234",)}, {"networks": ("23415", "23410")}),
        ({"networks": ("234",)}, {"networks": ("234",)}),
        ({"senders": ("ACME*",)}, {"senders": ("ACME", "ACME-1", "ACME-*")}),
        ({"senders": ("*",)}, {"senders": ("4477*", "ACME")}),
        ({"sender_pattern": "^A"}, {"sender_pattern": "^A", "senders": ("ACME",)}),
        ({"content_pattern": "x"}, {"content_pattern": "x", "countries": ("GB",)}),
        ({"times": ("20:00-08:00",)}, {"times": ("22:00-07:00",), "weekdays": ("fri",)}),
        ({"weekdays": ("sat-sun",)}, {"times": ("10:00-11:00",), "weekdays": ("sun",)}),
        ({"times": ("00:00-24:00",)}, {}),
        ({"tags": ("x", "y")}, {"tags": ("x",)}),
        ({"valid_from": YEAR}, {"valid_from": NEXT}),
        ({"valid_until": NEXT}, {"valid_until": YEAR}),
    ],
)
def test_a_rule_is_covered_by_one_that_asks_for_less(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    """And not the other way round, unless they ask for the same."""
    assert covers(earlier, later)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"accounts": ("a",)}, {"accounts": ("a", "b")}),
        ({"accounts": ("a",)}, {}),
        ({"countries": ("GB",)}, {"prefixes": ("44",)}),  # Jersey
        ({"prefixes": ("4477",)}, {"prefixes": ("44",)}),
        ({"countries": ("CZ", "SK", "LI")}, {"prefixes": ("42",)}),  # +422 is nobody's
        ({"networks": ("23415",)}, {"networks": ("234",)}),
        ({"networks": ("23415", "23410")}, {"networks": ("234",)}),
        ({"senders": ("ACME-*",)}, {"senders": ("ACME*",)}),
        ({"senders": ("4*",)}, {"senders": ("A*",)}),
        ({"sender_pattern": "^A"}, {"senders": ("ACME",)}),
        ({"content_pattern": "x"}, {}),
        ({"times": ("20:00-08:00",)}, {"weekdays": ("fri",)}),
        ({"times": ("22:00-07:00",), "weekdays": ("fri",)}, {"times": ("23:00-06:00",), "weekdays": ("sat",)}),
        ({"tags": ("x",)}, {"tags": ("x", "y")}),
        ({"valid_from": NEXT}, {"valid_from": YEAR}),
        ({"valid_until": YEAR}, {}),
        ({"enabled": False}, {}),
    ],
)
def test_a_rule_is_reached_where_the_earlier_one_asks_for_more(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    """Whatever the condition."""
    assert not covers(earlier, later)


def test_what_a_rule_between_sets_is_not_compared() -> None:
    """The class was another when the first rule was asked."""
    otp = RuleSettings(name="a", classes=("otp",), pool="gb")
    sets = RuleSettings(name="b", content_pattern="code", continue_=True, set_class="otp")
    again = RuleSettings(name="c", classes=("otp",), countries=("GB",), pool="fr")
    assert found(otp, sets, again) == []
    assert found(sets, otp, again) == [2]
    tagged = RuleSettings(name="a", tags=("t",), pool="gb")
    tags = RuleSettings(name="b", continue_=True, set_tag="t")
    assert found(tagged, tags, RuleSettings(name="c", tags=("t",), pool="fr")) == []


def test_a_rule_that_goes_on_covers_nothing() -> None:
    """Nor is one that blocks left out."""
    goes_on = RuleSettings(name="a", continue_=True, set_tag="t")
    assert found(goes_on, RuleSettings(name="b", pool="gb")) == []
    assert found(RuleSettings(name="a", block="x"), goes_on) == [1]


def test_prefixes_of_other_countries_match_nothing() -> None:
    """It says of which they are."""
    rule = RuleSettings(name="a", countries=("FR",), prefixes=("34", "49"), pool="gb")
    assert list(unreachable([rule_of(rule)])) == [(0, "matches nothing: its prefixes are of DE, ES")]


@settings(max_examples=60)
@given(rules(), st.lists(QUERIES, min_size=1, max_size=8))
def test_what_is_called_unreachable_decides_nothing(drawn: list[RuleSettings], queries: list[RouteQuery]) -> None:
    """For any rules, and messages whose country is that of their number."""
    never = {drawn[place].name for place in found(*drawn)}
    for asked in queries:
        asked.country = country_of(asked.digits)
        assert naive(drawn, asked, STRICT_ROUTER).rule not in never
