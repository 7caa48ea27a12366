"""Checks of how long what is kept: nothing is to be taken out of messages that are not there any more."""

from collections.abc import Iterator, Set

from smsagg.config.problems import Problem
from smsagg.config.schema import Config
from smsagg.config.units import format_duration


def retention_problems(config: Config, countries: Set[str]) -> Iterator[Problem]:
    """Problems of ``[retention]`` and of the accounts' own. ``countries`` are those that there are."""
    retention, history = config.retention, config.store.history_ttl
    for name in ("bodies", "numbers"):
        if (getattr(retention, name) or 0) > history:
            reason = f"must be history_ttl ({format_duration(history)}) or less, after which the message is gone"
            yield Problem(("retention", name), reason)
    for country in retention.countries:
        if country not in countries:
            yield Problem(("retention", "countries", country), "is no country (ISO 3166 alpha-2, capitals)")
    of_countries = [settings.bodies for settings in retention.countries.values()]
    periods = [
        retention.bodies,
        *of_countries,
        *(a.retention.bodies for a in config.accounts.values() if a.retention is not None),
    ]
    if retention.body_digest_secret and not any(periods):
        yield Problem(("retention", "body_digest_secret"), "means nothing where no text is ever taken out (bodies)")
    for account, settings in config.accounts.items():
        own = settings.retention
        if own is None:
            continue
        kept = own.history or history
        for name in ("bodies", "numbers"):
            if (getattr(own, name) or 0) > kept:
                reason = f"must be {format_duration(kept)} or less, after which the message is gone"
                yield Problem(("accounts", account, "retention", name), reason)
