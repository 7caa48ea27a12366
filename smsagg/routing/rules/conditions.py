"""What must be looked at message by message: time, tag, sender. The text comes last, see the route table.

A condition is a function of the query; of one rule the cheap ones come first.
"""

from collections.abc import Callable, Sequence

from smsagg.routing.rules.query import RouteQuery
from smsagg.routing.rules.rule import ALWAYS, NEVER, Rule
from smsagg.routing.zones import LocalTimes
from smsagg.text.patterns import Pattern

Condition = Callable[[RouteQuery], object]
"""What it returns is true when it holds."""

SENDERS_REMEMBERED = 10_000
"""Of each condition on senders: senders whose answer is known, because senders come again; then it starts anew."""


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
        found.append(("senders", _remembered(rule.senders.has)))
    if rule.settings.sender_pattern:
        found.append(("sender_pattern", _remembered(Pattern(rule.settings.sender_pattern).is_in)))
    return found


def all_of(conditions: Sequence[Condition]) -> Condition | None:
    """One condition for all of these; ``None`` when there is none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return lambda query: all(holds(query) for holds in conditions)


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


def _remembered(is_asked_for: Callable[[str], bool]) -> Condition:
    """Whether it is true of the sender."""
    known: dict[str, bool] = {}

    def holds(query: RouteQuery) -> object:
        sender = query.source_addr
        found = known.get(sender)
        if found is None:
            if len(known) >= SENDERS_REMEMBERED:
                known.clear()
            found = known[sender] = is_asked_for(sender)
        return found

    return holds
