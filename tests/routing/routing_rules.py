"""Rules, queries, and an evaluator that asks every rule about everything, to compare the table with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import re2

from smsagg.config.schema import PoolMember, PoolSettings, RoutingSettings
from smsagg.routing.router import Router
from smsagg.routing.rules import Blocked, Decision, Routed, RouteQuery, RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.routing.zones import zone_of

POOLS = {
    "gb": PoolSettings(carriers=(PoolMember("a"),), countries=("GB",)),
    "fr": PoolSettings(carriers=(PoolMember("a"),), countries=("FR",)),
    "world": PoolSettings(carriers=(PoolMember("a"),)),
}
ROUTER = Router(POOLS, RoutingSettings(default_pool="world"))
STRICT_ROUTER = Router(POOLS, RoutingSettings())
NOW = 1_700_000_000_000
"""Tuesday, 2023-11-14 22:13:20 UTC."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def table_of(*settings: RuleSettings, router: Router = ROUTER) -> RouteTable:
    return RouteTable([rule_of(one) for one in settings], router)


def query(**fields: Any) -> RouteQuery:
    """About a message of ``acme`` to a British mobile."""
    values: dict[str, Any] = {
        "account": "acme",
        "message_class": "default",
        "digits": "447400123456",
        "country": "GB",
        "network": "",
        "source_addr": "ACME",
        "now": NOW,
    }
    return RouteQuery(**(values | fields))


def naive(settings: list[RuleSettings], asked: RouteQuery, router: Router) -> Decision:
    """What the rules say, by their documentation."""
    message_class, tag, priority = asked.message_class, asked.tag, None
    given_class = given_tag = ""
    for rule in settings:
        if not rule.enabled or not _holds(rule, asked, message_class, tag):
            continue
        if rule.block:
            return Blocked(rule.name, rule.block, rule.command_status or 0x0B)
        given_class, given_tag = rule.set_class or given_class, rule.set_tag or given_tag
        message_class, tag = rule.set_class or message_class, rule.set_tag or tag
        priority = priority if rule.set_priority is None else rule.set_priority
        if not rule.continue_:
            return Routed(rule.pool, rule.name, given_class, given_tag, priority)
    pool = router.route(asked.country)
    if isinstance(pool, str):
        return Routed(pool, "", given_class, given_tag, priority)
    return Blocked("", "no_route", 0x0B)


def _holds(rule: RuleSettings, asked: RouteQuery, message_class: str, tag: str) -> bool:
    now = datetime.fromtimestamp(asked.now / 1000, UTC)
    return (
        (not rule.accounts or asked.account in rule.accounts)
        and (not rule.classes or message_class in rule.classes)
        and (not rule.countries or asked.country in rule.countries)
        and (not rule.prefixes or any(asked.digits.startswith(prefix) for prefix in rule.prefixes))
        and (not rule.networks or asked.network in rule.networks or asked.network[:3] in rule.networks)
        and (not rule.tags or tag in rule.tags or any(one in rule.tags for one in asked.tags))
        and (not rule.senders or any(_is_from(one, asked.source_addr) for one in rule.senders))
        and (not rule.sender_pattern or re2.search(rule.sender_pattern, asked.source_addr) is not None)
        and (rule.valid_from is None or now >= rule.valid_from)
        and (rule.valid_until is None or now < rule.valid_until)
        and _is_time(rule, asked, now)
        and (not rule.content_pattern or _has(rule.content_pattern, asked.text))
    )


def _is_from(pattern: str, sender: str) -> bool:
    plain, wanted = sender.removeprefix("+"), pattern.removeprefix("+")
    if not wanted.endswith("*"):
        return plain == wanted
    beginning = wanted[:-1]
    return plain.startswith(beginning) and (not beginning or beginning.isdigit() == plain.isdigit())


def _has(pattern: str, text: str | None) -> bool:
    return text is not None and re2.search("(?i)" + pattern, text) is not None


def _is_time(rule: RuleSettings, asked: RouteQuery, now: datetime) -> bool:
    if not rule.times and not rule.weekdays:
        return True
    local = now.astimezone(ZoneInfo(zone_of(asked.digits) or "UTC"))
    windows = rule.times or ("00:00-24:00",)
    return any(_is_in(window, rule.weekdays, local) for window in windows)


def _is_in(window: str, weekdays: tuple[str, ...], local: datetime) -> bool:
    begin, end = window.split("-")
    time = local.strftime("%H:%M")
    if begin < end:
        return begin <= time < end and _is_day(weekdays, local)
    if time >= begin:
        return _is_day(weekdays, local)
    return time < end and _is_day(weekdays, local - timedelta(days=1))


def _is_day(weekdays: tuple[str, ...], local: datetime) -> bool:
    return not weekdays or any(DAYS[local.weekday()] in _days(one) for one in weekdays)


def _days(text: str) -> tuple[str, ...]:
    first, _, last = text.partition("-")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return DAYS[begin : end + 1] if begin <= end else (*DAYS[begin:], *DAYS[: end + 1])
