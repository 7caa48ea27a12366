"""What must be looked at message by message: time, tag, sender. The text comes last, see the route table.

A condition is a function of the query; a rule has a tuple of them, the cheap ones first.
"""

from collections.abc import Callable

from smsagg.routing.rules.query import RouteQuery
from smsagg.routing.rules.rule import ALWAYS, NEVER, Rule, SenderSet
from smsagg.routing.zones import LocalTimes
from smsagg.text.patterns import Pattern

Condition = Callable[[RouteQuery], object]
"""What it returns is true when it holds."""

SENDERS_REMEMBERED = 10_000
"""Of each sender pattern: senders whose answer is known, because senders come again; then it starts anew."""


def named_conditions(rule: Rule, local_times: LocalTimes) -> list[tuple[str, Condition]]:
    """The conditions of a rule that are neither static nor about the text, each with the key that asks for it."""
    found: list[tuple[str, Condition]] = []
    if rule.valid_from != ALWAYS:
        found.append(("valid_from", _from(rule.valid_from)))
    if rule.valid_until != NEVER:
        found.append(("valid_until", _until(rule.valid_until)))
    if rule.tags:
        found.append(("tags", _tagged(rule.tags)))
    if rule.week is not None:
        found.append(("times", _in_week(rule.week, local_times)))
    if rule.senders is not None:
        found.append(("senders", _from_one_of(rule.senders)))
    if rule.settings.sender_pattern:
        found.append(("sender_pattern", _from_like(Pattern(rule.settings.sender_pattern))))
    return found


def _from(instant: int) -> Condition:
    return lambda query: query.now >= instant


def _until(instant: int) -> Condition:
    return lambda query: query.now < instant


def _tagged(tags: frozenset[str]) -> Condition:
    return lambda query: query.tag in tags or not tags.isdisjoint(query.tags)


def _in_week(week: bytes, local_times: LocalTimes) -> Condition:
    def holds(query: RouteQuery) -> object:
        if query.minute < 0:
            query.minute = local_times.minute_of_week(query.digits, query.now)
        return week[query.minute]

    return holds


def _from_one_of(senders: SenderSet) -> Condition:
    return lambda query: query.sender in senders


def _from_like(pattern: Pattern) -> Condition:
    known: dict[str, bool] = {}

    def holds(query: RouteQuery) -> object:
        sender = query.source_addr
        found = known.get(sender)
        if found is None:
            if len(known) >= SENDERS_REMEMBERED:
                known.clear()
            found = known[sender] = pattern.is_in(sender)
        return found

    return holds
