"""Rules that no message can reach: an earlier one decides all that they would, or their conditions exclude each other.

What is told is certain; a rule that only several others together leave nothing is not found. One rule covers another
when each of its conditions holds whenever the other's does. A rule that sets the class or the tag changes what is asked
after it, so no condition on these is compared across it.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_

from smsagg.routing.prefix import country_of
from smsagg.routing.prefixes import PREFIXES
from smsagg.routing.rules.index import Mask, RuleIndex, members
from smsagg.routing.rules.rule import NEVER, Rule


def unreachable(rules: Sequence[Rule]) -> Iterator[tuple[int, str]]:
    """``(place of the rule, why it is never reached)``. Disabled rules are not asked about."""
    index = RuleIndex(rules)
    deciding = _mask_of(place for place, rule in enumerate(rules) if rule.enabled and rule.decision is not None)
    for place, rule in enumerate(rules):
        if not rule.enabled:
            continue
        lands = _countries_of(rule)
        if lands is not None and rule.countries and lands.isdisjoint(rule.countries):
            yield place, f"matches nothing: its prefixes are of {', '.join(sorted(lands - {''})) or 'no country'}"
            continue
        earlier = _that_take_all_of(rule, lands, index) & deciding & ((1 << place) - 1)
        for covering in members(earlier):
            if _asks_no_more(rules[covering], rule, rules[covering + 1 : place]):
                yield place, f'is never reached: route "{rules[covering].name}" decides all that it would'
                break


def _that_take_all_of(rule: Rule, lands: frozenset[str] | None, index: RuleIndex) -> Mask:
    """The rules that take every account, class and destination that ``rule`` takes."""
    countries = rule.countries or lands or frozenset()
    return reduce(
        and_,
        (
            *(index.accounts.get(account, index.any_account) for account in rule.accounts or [""]),
            *(index.classes.get(one, index.any_class) for one in rule.classes or [""]),
            *(index.countries.get(country, index.any_country) for country in countries or [" "]),
            *(_of_network(network, index) for network in rule.networks or [" "]),
            *(index.of_digits(prefix) for prefix in rule.prefixes or ["0"]),
        ),
    )


def _of_network(network: str, index: RuleIndex) -> Mask:
    """For a whole MCC only the rules that take all of it."""
    return index.of_network(network) if network not in index.mccs else index.mccs[network]


def _asks_no_more(earlier: Rule, later: Rule, between: Sequence[Rule]) -> bool:
    """Whether time, tag, sender and text that ``later`` asks for are enough for ``earlier``."""
    if (earlier.classes and any(rule.gives.message_class for rule in between)) or (
        earlier.tags and any(rule.gives.tag for rule in between)
    ):
        return False
    ours, theirs = earlier.settings, later.settings
    return (
        earlier.valid_from <= later.valid_from
        and later.valid_until <= earlier.valid_until <= NEVER
        and (not earlier.tags or bool(later.tags and later.tags <= earlier.tags))
        and (earlier.senders is None or (later.senders is not None and earlier.senders.covers(later.senders)))
        and ours.sender_pattern in ("", theirs.sender_pattern)
        and ours.content_pattern in ("", theirs.content_pattern)
        and _week_holds(earlier.week, later.week)
    )


def _week_holds(week: bytes | None, other: bytes | None) -> bool:
    if week is None or week is other:
        return True
    if other is None:
        return all(week)
    return int.from_bytes(other) & ~int.from_bytes(week) == 0


def _countries_of(rule: Rule) -> frozenset[str] | None:
    """The countries of all numbers below the rule's prefixes, ``""`` when some may have none; ``None`` without
    prefixes."""
    if not rule.prefixes:
        return None
    below = {country for known, country in PREFIXES.items() if known.startswith(rule.prefixes)}
    return frozenset(below | {country_of(prefix) for prefix in rule.prefixes})


def _mask_of(places: Iterator[int]) -> Mask:
    return sum(1 << place for place in places)
