"""Why a message goes where it goes: each rule that was asked, and the first of its conditions that did not hold."""

from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime
from enum import Enum

from attrs import define

from smsagg.routing.rules.conditions import named_conditions
from smsagg.routing.rules.query import RouteQuery
from smsagg.routing.rules.rule import Rule
from smsagg.routing.rules.week import DAYS
from smsagg.routing.zones import MINUTES_A_DAY, LocalTimes
from smsagg.text.patterns import Pattern

LISTED_MAX = 6
"""Values of a list that are told."""


class Verdict(Enum):
    DISABLED = "disabled"
    PASSED = "passed"
    """Some condition does not hold."""
    CONTINUED = "continued"
    """It set something, and the next rule was asked."""
    DECIDED = "decided"


@define(frozen=True)
class RuleVerdict:
    """What one rule made of a message."""

    rule: str
    verdict: Verdict
    why: str


def explain(rules: Iterable[Rule], query: RouteQuery, local_times: LocalTimes) -> list[RuleVerdict]:
    """The rules in order up to the one that decides, all of them when none does."""
    query, verdicts = copy(query), []
    for rule in rules:
        if not rule.enabled:
            verdicts.append(RuleVerdict(rule.name, Verdict.DISABLED, "enabled = false"))
            continue
        why = first_failure(rule, query, local_times)
        if why:
            verdicts.append(RuleVerdict(rule.name, Verdict.PASSED, why))
            continue
        is_last = rule.decision is not None
        verdicts.append(RuleVerdict(rule.name, Verdict.DECIDED if is_last else Verdict.CONTINUED, said(rule)))
        if is_last:
            break
        query.message_class = rule.gives.message_class or query.message_class
        query.tag = rule.gives.tag or query.tag
    return verdicts


def said(rule: Rule) -> str:
    """What a rule does, as its file writes it."""
    settings = rule.settings
    words = [f"set_{key} {value}" for key, value in (("class", settings.set_class), ("tag", settings.set_tag)) if value]
    if settings.set_priority is not None:
        words.append(f"set_priority {settings.set_priority}")
    if settings.pool:
        words.append(f"pool {settings.pool}")
    if settings.block:
        words.append(f"block: {settings.block}")
    return ", ".join(words)


def first_failure(rule: Rule, query: RouteQuery, local_times: LocalTimes) -> str:
    """The first condition that does not hold, with what the message is instead; ``""`` when all hold."""
    for what, is_value, asked in (
        ("account", query.account, rule.accounts),
        ("class", query.message_class, rule.classes),
        ("country", query.country, rule.countries),
    ):
        if asked and is_value not in asked:
            return f"{what} is {is_value or 'unknown'}, not {_listed(asked)}"
    if rule.prefixes and not query.digits.startswith(rule.prefixes):
        return f"number begins with none of {_listed(rule.settings.prefixes)}"
    if rule.networks and rule.networks.isdisjoint((query.network, query.network[:3])):
        return f"network is {query.network or 'unknown'}, not {_listed(rule.networks)}"
    for key, holds in named_conditions(rule, local_times):
        if not holds(query):
            return _failed(key, rule, query)
    pattern = rule.settings.content_pattern
    if pattern:
        if query.text is None:
            return "the message is binary, and content_pattern asks for a text"
        if not Pattern(pattern, fold=True).is_in(query.text):
            return f"text has no {pattern}"
    return ""


def local_time(minute: int) -> str:
    """``"fri 22:15"`` of a minute of the week."""
    day, minute = divmod(minute, MINUTES_A_DAY)
    return f"{DAYS[day]} {minute // 60:02}:{minute % 60:02}"


def _failed(key: str, rule: Rule, query: RouteQuery) -> str:
    settings = rule.settings
    if key == "valid_from":
        return f"holds from {_instant(rule.valid_from)}"
    if key == "valid_until":
        return f"held until {_instant(rule.valid_until)}"
    if key == "tags":
        tags = sorted({query.tag, *query.tags} - {""})
        return f"tags are {', '.join(tags) or 'none'}, not {_listed(rule.tags)}"
    if key == "times":
        windows = " ".join((*settings.times, *settings.weekdays))
        return f"it is {local_time(query.minute)} there, not {windows}"
    if key == "senders":
        return f"sender is {query.source_addr or 'empty'}, not {_listed(settings.senders)}"
    return f"sender {query.source_addr or '(empty)'} has no {settings.sender_pattern}"


def _listed(values: Iterable[str]) -> str:
    values = sorted(values)
    more = f" … ({len(values)})" if len(values) > LISTED_MAX else ""
    return ", ".join(values[:LISTED_MAX]) + more


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
