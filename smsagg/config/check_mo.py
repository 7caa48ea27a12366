"""Checks of what says whose messages from handsets are: ``mo_routes``, and the ``mo_numbers`` of accounts."""

import re
from collections.abc import Iterator

from smsagg.config.keyword import fold_keyword
from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config

_NUMBER = re.compile(r"\*|[0-9A-Za-z]{1,20}\*?")
_NUMBER_WANTED = 'must be an address of 1 to 20 digits or letters, such a prefix and "*", or "*"'

_Key = tuple[str, str, str]
"""Number, folded keyword, carrier."""


def mo_problems(config: Config) -> Iterator[Problem]:
    """Nobody has a number twice, every route leads to an account, and something can reach it."""
    owners: dict[_Key, str] = {}
    for name, account in config.accounts.items():
        for i, number in enumerate(account.mo_numbers):
            path = ("accounts", name, "mo_numbers", f"[{i}]")
            if not _NUMBER.fullmatch(number):
                yield Problem(path, f'{_NUMBER_WANTED}, not "{number}"')
            elif (number, "", "") in owners:
                yield Problem(path, f'"{number}" belongs to {owners[number, "", ""]} already')
            else:
                owners[number, "", ""] = f"accounts.{name}"
    yield from _routes(config, owners)
    yield from _unreachable(config, owners)


def _routes(config: Config, owners: dict[_Key, str]) -> Iterator[Problem]:
    for i, route in enumerate(config.mo_routes):
        path = ("mo_routes", f"[{i}]")
        yield from unknown_name((*path, "account"), route.account, config.accounts, "account")
        if route.carrier:
            yield from unknown_name((*path, "carrier"), route.carrier, config.carriers, "carrier")
        if not _NUMBER.fullmatch(route.number):
            yield Problem((*path, "number"), f'{_NUMBER_WANTED}, not "{route.number}"')
            continue
        key = _key(route.number, route.keyword, route.carrier)
        if key in owners:
            what = f'number "{route.number}"' + (f' with keyword "{route.keyword}"' if route.keyword else "")
            yield Problem(path, f"{what} belongs to {owners[key]} already")
        else:
            owners[key] = f"mo_routes[{i}]"


def _unreachable(config: Config, owners: dict[_Key, str]) -> Iterator[Problem]:
    """A route for any carrier means nothing when each carrier has its own."""
    for i, route in enumerate(config.mo_routes):
        if route.carrier or not config.carriers:
            continue
        if all(_key(route.number, route.keyword, carrier) in owners for carrier in config.carriers):
            yield Problem(("mo_routes", f"[{i}]"), "nothing reaches it: each carrier has a route of its own for that")


def _key(number: str, keyword: str, carrier: str) -> _Key:
    return number, fold_keyword(keyword) if keyword else "", carrier
