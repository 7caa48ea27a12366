"""Checks of which accounts send from number pools. The pools themselves are in the store, not in this file."""

import re
from collections.abc import Collection, Iterator

from smsagg.config.problems import Problem
from smsagg.config.schema import Config

_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_POOL_WANTED = "must be the name of a number pool: 1 to 64 letters, digits, '-', '_' and '.'"


def number_problems(config: Config, countries: Collection[str]) -> Iterator[Problem]:
    """Names that could be pools, countries that there are, and no key that means nothing. ``countries`` are all."""
    for name, account in config.accounts.items():
        senders = account.senders
        if senders is None:
            continue
        path = ("accounts", name, "senders")
        if senders.from_pool and not _POOL.fullmatch(senders.from_pool):
            yield Problem((*path, "from_pool"), f'{_POOL_WANTED}, not "{senders.from_pool}"')
        for country, pool in senders.from_pool_by_country.items():
            if country not in countries:
                reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
                yield Problem((*path, "from_pool_by_country", country), reason)
            if not _POOL.fullmatch(pool):
                yield Problem((*path, "from_pool_by_country", country), f'{_POOL_WANTED}, not "{pool}"')
        if not senders.from_pool:
            for key in ("from_pool_by_country", "pool_names"):
                if getattr(senders, key):
                    yield Problem((*path, key), "means nothing without from_pool")
