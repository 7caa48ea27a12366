"""Checks of keys for the HTTP API: each opens one door, and what they say means something."""

import re
from collections.abc import Iterator

from smsagg.config.directory_settings import AccountHttpSettings, ApiKeySettings, OperatorSettings
from smsagg.config.problems import Problem
from smsagg.config.schema import Config
from smsagg.directory.roles import scopes_of

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Of keys: a part of addresses, and of who did what in the audit trail."""


def directory_problems(config: Config) -> Iterator[Problem]:
    """Problems of ``accounts.*.api_keys``, ``accounts.*.http``, ``operators`` and ``directory``."""
    owner: dict[str, str] = {}
    for path, key in _keys(config):
        here = ".".join(path)
        if not _NAME.fullmatch(path[-1]):
            yield Problem(path, "a name is 1 to 64 letters, digits, '-', '_' and '.'")
        opens_with, what = ("hash", key.hash) if key.hash else ("certificate", key.certificate.lower())
        if not what:
            yield Problem(path, "needs a hash, a certificate, or both")
        elif owner.setdefault(what, here) != here:
            yield Problem((*path, opens_with), f"is the {opens_with} of {owner[what]} already")
        if key.certificate:
            yield from _unseen_certificate(config, (*path, "certificate"))
        yield from _idle_burst(path, key)
    for name, account in config.accounts.items():
        yield from _idle_burst(("accounts", name, "http"), account.http)
        if account.http.require_certificate:
            yield from _unseen_certificate(config, ("accounts", name, "http", "require_certificate"))
    if config.directory.totp_for and "keys" not in config.directory.totp_for:
        reason = "must name keys too: who may make keys without a code makes one of somebody without a second factor"
        yield Problem(("directory", "totp_for"), reason)
    for name, operator in config.operators.items():
        for scope in operator.scopes:
            if scope not in scopes_of(operator.role, ""):
                yield Problem(("operators", name, "scopes"), f"the role {operator.role} does not have {scope}")


def _unseen_certificate(config: Config, path: tuple[str, ...]) -> Iterator[Problem]:
    if config.server.https is None or not config.server.https.client_ca_file:
        yield Problem(path, "no client is asked for a certificate without [server.https] client_ca_file")


def _keys(config: Config) -> Iterator[tuple[tuple[str, ...], ApiKeySettings | OperatorSettings]]:
    for name, account in config.accounts.items():
        for key, settings in account.api_keys.items():
            yield ("accounts", name, "api_keys", key), settings
    for operator, its in config.operators.items():
        yield ("operators", operator), its


def _idle_burst(
    path: tuple[str, ...], limit: ApiKeySettings | OperatorSettings | AccountHttpSettings
) -> Iterator[Problem]:
    if limit.burst is not None and limit.rate is None:
        yield Problem((*path, "burst"), "means nothing without a rate")
