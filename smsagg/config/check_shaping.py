"""Checks of the tables about carriers and countries that do badly."""

from collections.abc import Collection, Iterator

from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config
from smsagg.config.shaping_settings import CONDITIONS, ShapingRuleSettings


def shaping_problems(config: Config, countries: Collection[str]) -> Iterator[Problem]:
    """``countries`` are the codes that there are."""
    names: dict[str, int] = {}
    for i, rule in enumerate(config.shaping_rules):
        path = ("shaping_rules", f"[{i}]")
        first = names.setdefault(rule.name, i)
        if first != i:
            yield Problem((*path, "name"), f'"{rule.name}" is the name of shaping_rules[{first}] already')
        if rule.carrier != "*":
            yield from unknown_name((*path, "carrier"), rule.carrier, config.carriers, "carrier")
        if rule.country not in ("", "*") and rule.country not in countries:
            yield _no_country((*path, "country"), rule.country)
        yield from _condition(path, rule)
        if rule.rate is not None and rule.action != "slow":
            yield Problem((*path, "rate"), f'means nothing with action = "{rule.action}"')
    for country, pace in config.countries.items():
        if country not in countries:
            yield _no_country(("countries", country), country)
        elif pace.rate is None and not pace.adaptive:
            yield Problem(("countries", country), "must have a rate, or adaptive = true")
    for name, account in config.accounts.items():
        if account.per_recipient is None and account.per_recipient_burst != 10:
            yield Problem(("accounts", name, "per_recipient_burst"), "means nothing without per_recipient")


def _condition(path: tuple[str, ...], rule: ShapingRuleSettings) -> Iterator[Problem]:
    given = [key for key in CONDITIONS if getattr(rule, key) is not None]
    if len(given) != 1:
        seen = f"not {', '.join(given)}" if given else "and has none"
        yield Problem(path, f"must have exactly one condition ({', '.join(CONDITIONS)}), {seen}")
    by_status = [key for key in given if key.startswith("status_")]
    if by_status and not rule.statuses:
        yield Problem((*path, by_status[0]), "needs statuses")
    if rule.statuses and given and not by_status:
        yield Problem((*path, "statuses"), f"means nothing with {given[0]}")


def _no_country(path: tuple[str, ...], country: str) -> Problem:
    return Problem(path, f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")')
