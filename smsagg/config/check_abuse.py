"""Checks of the settings about abuse: countries exist, and every key is of use where it stands."""

from collections.abc import Collection, Iterator

from smsagg.config.abuse import AccountAbuseSettings
from smsagg.config.problems import Problem
from smsagg.config.schema import Config

_MEANS_NOTHING_WITHOUT = {
    "sequences_numbers": "sequences",
    "sequences_gap": "sequences",
    "sequences_window": "sequences",
    "sequences_exempt": "sequences",
    "delivery_collapse_share": "delivery_collapse",
    "delivery_collapse_messages": "delivery_collapse",
    "bounces_share": "bounces",
    "opt_outs_share": "opt_outs",
    "duplicates_period": "duplicates",
    "takeover_freeze_on": "takeover",
    "takeover_factor": "takeover",
    "takeover_messages": "takeover",
    "takeover_after": "takeover",
}


def abuse_problems(config: Config, countries: Collection[str]) -> Iterator[Problem]:
    """All problems of ``[abuse]`` and of the accounts' own tables; ``countries`` are those that there are."""
    yield from _countries(("abuse",), config.abuse, countries)
    for name, account in config.accounts.items():
        if account.abuse is not None:
            path = ("accounts", name, "abuse")
            yield from _countries(path, account.abuse, countries)
            yield from _idle_keys(path, account.abuse, config.abuse)


def _countries(path: tuple[str, ...], settings: AccountAbuseSettings, countries: Collection[str]) -> Iterator[Problem]:
    for key in ("countries", "countries_blocked"):
        for i, country in enumerate(getattr(settings, key) or ()):
            if country not in countries:
                reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
                yield Problem((*path, key, f"[{i}]"), reason)


def _idle_keys(path: tuple[str, ...], own: AccountAbuseSettings, defaults: AccountAbuseSettings) -> Iterator[Problem]:
    """An account's keys that say how to do what is not done; in ``[abuse]`` they may stand for accounts that do it."""
    for key, switch in _MEANS_NOTHING_WITHOUT.items():
        if getattr(own, key) is not None and (getattr(own, switch) or getattr(defaults, switch) or "off") == "off":
            yield Problem((*path, key), f'means nothing with {switch} = "off"')
