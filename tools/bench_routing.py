"""What routing costs a message: ``python tools/bench_routing.py``.

A table of 500 rules over 10,000 prefixes of all countries, and as many ranges of networks; 20,000 messages of 40
accounts and three classes to numbers all over it. What is measured is what the engine does with each: country, network,
query, decision. One table has static conditions alone; in the second every third rule asks for time, tag, sender or
text as well; in the third twelve rules before all others do so for every message, whatever its destination, and never
hold. Each run is a pass over all messages in CPU time; the first, which makes the short lists, is told apart.

Exits with 1 when the best run of one of the first two is above the goal of 5 µs; the third shows what rules cost that
no destination keeps out of reach.
"""

import statistics
import sys
import time
from itertools import islice
from random import Random

from rich.console import Console
from rich.table import Table

from smsagg.config.schema import PoolMember, PoolSettings, RoutingSettings
from smsagg.routing.networks import NetworkRange, NetworkTable
from smsagg.routing.prefix import country_of
from smsagg.routing.prefixes import PREFIXES
from smsagg.routing.router import Router
from smsagg.routing.rules import Blocked, RouteQuery, RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings

GOAL_MICROS = 5.0
RULES, PREFIXES_IN_ALL, ACCOUNTS, MESSAGES, RUNS = 500, 10_000, 40, 20_000, 9
NOW = 1_700_000_000_000
TAGS = frozenset({"marketing"})
TEXTS = (
    b"Your code is 123456. Do not share it with anyone.",
    b"SALE! 50% off everything this weekend, see our shop",
    b"Your parcel arrives today between 10:00 and 12:00. Track it on our site: example.com/t/98765",
)
SENDERS = ("ACME", "Bank", "Shop-DE", "447700900123", "53849")
PATTERNS = (r"\b(code|otp)\b", "sale", r"\d{6}$", "lottery|casino", "free gift")
COUNTRIES = sorted(PREFIXES)
KINDS = ("time", "tag", "senders", "sender_pattern", "text")
Submit = tuple[str, str, str, str, bytes]
"""Account, class, digits, sender, body."""


def main() -> int:
    rng = Random(1)
    prefixes = make_prefixes(rng)
    networks = NetworkTable(
        NetworkRange(prefix, f"{200 + index % 500}{index % 90:02}") for index, prefix in enumerate(prefixes)
    )
    messages = make_messages(rng, prefixes)
    table = Table(
        "Rules",
        "decided by one",
        "first pass",
        "best",
        "median",
        title=f"Routing, µs of CPU a message ({MESSAGES} messages)",
    )
    worst = 0.0
    for name, dynamic, first_rules in (
        ("static conditions alone", False, 0),
        ("time, tag, sender, text as well", True, 0),
        ("and 12 such rules for everything", True, 12),
    ):
        routes = make_table(Random(2), prefixes, dynamic, first_rules)
        assert len(routes.rules) == RULES
        first, *runs = (measure(routes, networks, messages) for _ in range(RUNS + 1))
        if not first_rules:
            worst = max(worst, min(runs))
        figures = (f"{micros:.2f}" for micros in (first, min(runs), statistics.median(runs)))
        table.add_row(name, f"{share_decided(routes, networks, messages):.0%}", *figures)
    Console().print(table)
    return 1 if worst > GOAL_MICROS else 0


def make_prefixes(rng: Random) -> list[str]:
    """Leading digits below those of countries, in the lengths that operators' ranges have."""
    found: set[str] = set()
    while len(found) < PREFIXES_IN_ALL:
        digits = rng.randint(2, 5)
        found.add(f"{rng.choice(COUNTRIES)}{rng.randrange(10**digits):0{digits}}")
    return sorted(found)


def make_messages(rng: Random, prefixes: list[str]) -> list[Submit]:
    return [
        (
            f"account{rng.randrange(ACCOUNTS)}",
            rng.choice(("default", "otp", "marketing")),
            (rng.choice(rng.choice((prefixes, COUNTRIES))) + f"{rng.randrange(10**9):09}")[:12],
            rng.choice(SENDERS),
            rng.choice(TEXTS),
        )
        for _ in range(MESSAGES)
    ]


def make_table(rng: Random, prefixes: list[str], dynamic: bool, for_everything: int) -> RouteTable:
    """Each prefix stands in one rule; every tenth rule is for countries instead, so that it is in reach of many. The
    first rules are for everything, and do not hold."""
    shuffled = iter(rng.sample(prefixes, len(prefixes)))
    countries = sorted(set(PREFIXES.values()))
    share = -(-len(prefixes) // (RULES - for_everything - RULES // 10))
    rules = [
        RuleSettings(
            name=f"all{number}",
            times=("00:00-00:01",) if number % 4 == 0 else (),
            tags=("none",) if number % 4 == 1 else (),
            senders=("NOBODY*",) if number % 4 == 2 else (),
            content_pattern=f"nothing{number}" if number % 4 == 3 else "",
            pool="odd",
        )
        for number in range(for_everything)
    ]
    for number in range(RULES - for_everything):
        is_wide = number % 10 == 0
        kind = KINDS[number // 3 % len(KINDS)] if dynamic and (is_wide or number % 3 == 0) else ""
        rules.append(
            RuleSettings(
                name=f"r{number}",
                prefixes=() if is_wide else tuple(islice(shuffled, share)),
                countries=tuple(rng.sample(countries, 20)) if is_wide else (),
                accounts=tuple(f"account{n}" for n in rng.sample(range(ACCOUNTS), 8)) if number % 4 == 0 else (),
                classes=(rng.choice(("otp", "marketing")),) if number % 5 == 0 else (),
                times=("22:00-07:00",) if kind == "time" else (),
                weekdays=("mon-fri",) if kind == "time" else (),
                tags=("marketing",) if kind == "tag" else (),
                senders=("ACME", "4477*") if kind == "senders" else (),
                sender_pattern="^[A-Z]+$" if kind == "sender_pattern" else "",
                content_pattern=rng.choice(PATTERNS) if kind == "text" else "",
                pool="even" if number % 2 else "odd",
            )
        )
    assert sum(len(rule.prefixes) for rule in rules) == PREFIXES_IN_ALL
    pools = {name: PoolSettings(carriers=(PoolMember("a"),)) for name in ("even", "odd", "world")}
    return RouteTable([rule_of(rule) for rule in rules], Router(pools, RoutingSettings("world")))


def measure(routes: RouteTable, networks: NetworkTable, messages: list[Submit]) -> float:
    """Microseconds of CPU a message."""
    decide, network_of = routes.decide, networks.find
    began = time.process_time()
    for account, message_class, digits, sender, body in messages:
        country, network = country_of(digits), network_of(digits)
        decide(RouteQuery(account, message_class, digits, country, network, sender, NOW, TAGS, "", body, 0, 0))
    return (time.process_time() - began) / len(messages) * 1e6


def share_decided(routes: RouteTable, networks: NetworkTable, messages: list[Submit]) -> float:
    """Of messages that a rule decides, so that the figures can be seen to be of rules at work."""
    by_rule = 0
    for account, message_class, digits, sender, body in messages:
        query = RouteQuery(account, message_class, digits, country_of(digits), networks.find(digits), sender, NOW, TAGS)
        query.body = body
        decision = routes.decide(query)
        assert not isinstance(decision, Blocked)
        by_rule += bool(decision.rule)
    return by_rule / len(messages)


if __name__ == "__main__":
    sys.exit(main())
