"""Rules on carriers, paces of countries and caps per number, checked by themselves and against the rest of the file."""

from typing import Any

import pytest
from test_config_check import account, told

from smsagg.carriers.registry import settings_class
from smsagg.config.load import parse_config
from smsagg.config.schema import CountrySettings, Rate, ShapingRuleSettings, StatusCode
from smsagg.errors import ConfigError


def rule(**values: Any) -> ShapingRuleSettings:
    defaults: dict[str, Any] = {"name": "r", "action": "slow", "error_share": 0.5}
    return ShapingRuleSettings(**(defaults | values))


def test_sound_rules() -> None:
    """One condition each, for a carrier or all, a country, each or none."""
    rules = (
        rule(carrier="one", country="GB"),
        rule(name="s", error_share=None, status_count=5, statuses=(StatusCode(0x14),), rate=Rate(5.0)),
        rule(name="t", error_share=None, delivery_below=0.5, country="*", action="shift"),
    )
    assert told(shaping_rules=rules, countries={"GB": CountrySettings(rate=Rate(5.0))}) == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([rule(), rule()], 'shaping_rules[1].name: "r" is the name of shaping_rules[0] already'),
        ([rule(carrier="on")], 'shaping_rules[0].carrier: "on" is no carrier in this file; did you mean'),
        ([rule(country="UK")], 'shaping_rules[0].country: "UK" is no country code of ISO 3166'),
        ([rule(error_share=None)], "shaping_rules[0]: must have exactly one condition (status_count, "),
        ([rule(delivery_below=0.5)], "receipt_latency), not error_share, delivery_below"),
        ([rule(error_share=None, status_share=0.5)], "shaping_rules[0].status_share: needs statuses"),
        ([rule(statuses=(StatusCode(8),))], "shaping_rules[0].statuses: means nothing with error_share"),
        ([rule(action="suspend", rate=Rate(1.0))], 'shaping_rules[0].rate: means nothing with action = "suspend"'),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(rules: list[ShapingRuleSettings], problem: str) -> None:
    """With its key."""
    (line,) = told(shaping_rules=tuple(rules))
    assert problem in line


def test_what_is_wrong_with_countries_and_caps() -> None:
    """A country that is none, one of which nothing is said, a burst without a limit."""
    lines = told(
        accounts={"a": account(per_recipient_burst=3)},
        countries={"UK": CountrySettings(rate=Rate(1.0)), "GB": CountrySettings()},
    )
    assert len(lines) == 3
    assert any(line.startswith('countries.UK: "UK" is no country code') for line in lines)
    assert any(line.startswith("countries.GB: must have a rate, or adaptive = true") for line in lines)
    assert any(line.startswith("accounts.a.per_recipient_burst: means nothing") for line in lines)


def test_single_values_are_checked_all_at_once() -> None:
    """Shares are shares, actions are words that there are, durations have units."""
    text = """
[[shaping_rules]]
name = ""
action = "stop"
error_share = 1.5
window = 60
hysteresis = -1
[countries.GB]
rate = 5
errors_above = 0
"""
    with pytest.raises(ConfigError) as raised:
        parse_config(text, "x.toml", settings_class)
    for key in ("name", "action", "error_share", "window", "hysteresis"):
        assert f"x.toml: shaping_rules[0].{key}: " in str(raised.value)
    for key in ("rate", "errors_above"):
        assert f"x.toml: countries.GB.{key}: " in str(raised.value)
