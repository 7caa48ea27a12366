"""Checks of how long what is kept: nothing is to be taken out of messages that are not there any more."""

from collections.abc import Iterator

from smsagg.config.problems import Problem
from smsagg.config.schema import Config
from smsagg.config.units import format_duration


def retention_problems(config: Config) -> Iterator[Problem]:
    """Problems of ``[retention]`` and of the accounts' own."""
    retention, history = config.retention, config.store.history_ttl
    for name in ("bodies", "numbers"):
        if (getattr(retention, name) or 0) > history:
            reason = f"must be history_ttl ({format_duration(history)}) or less, after which the message is gone"
            yield Problem(("retention", name), reason)
    periods = [retention.bodies, *(a.retention.bodies for a in config.accounts.values() if a.retention is not None)]
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
