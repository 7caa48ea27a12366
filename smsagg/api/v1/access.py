"""Who calls: API keys and what they may do.

A key is ``sk_`` and 43 characters from 32 random octets. It is shown once, when it is made; only its SHA-256 is kept,
which suffices for a secret that nobody can guess. It is found by that digest, so that how long a look-up takes tells
nothing about keys that exist.
"""

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256

from smsagg.api.v1.problem import Problem
from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.caller import Caller
from smsagg.directory.roles import scopes_of
from smsagg.engine.accounts import Account

KEY_PREFIX = "sk_"
HASH_PREFIX = "sha256:"
KEY_OCTETS = 32
_BEARER = "bearer "


class ApiKeys:
    """All keys, by the digest of what the caller shows."""

    def __init__(self, config: Config, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._by_digest: Mapping[str, Caller] = {}
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Heed the keys of ``config`` from now on; an account that is not enabled has none."""
        self._by_digest = {
            settings.hash: _caller_of(account, name, settings)
            for account, customer in config.accounts.items()
            if customer.enabled
            for name, settings in customer.api_keys.items()
        }

    def caller(self, authorization: str) -> Caller:
        """Whose request bears this ``Authorization`` header; raises :class:`Problem` 401."""
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise not_authenticated("An API key is needed: Authorization: Bearer sk_…")
        caller = self._by_digest.get(hash_of_key(authorization[len(_BEARER) :].strip()))
        if caller is None or not self.holds(caller):
            raise not_authenticated()
        return caller

    def holds(self, caller: Caller) -> bool:
        """Whether who was let in would be so still, and may do the same."""
        if self._by_digest.get(caller.credential) != caller:
            return False
        return caller.expires_at is None or caller.expires_at > self._now_ms()


def require(caller: Caller, scope: str) -> None:
    """Raises :class:`Problem` 403 when ``caller`` does not have ``scope``."""
    if scope not in caller.scopes:
        raise Problem(403, "scope-missing", f"This caller ({caller.name}) does not have the scope {scope}.")


def account_of(caller: Caller, accounts: Mapping[str, Account]) -> Account:
    """Whose caller it is; raises :class:`Problem`: 403 for one of the operator's own, 401 when the account has left the
    configuration since it was checked."""
    if not caller.account:
        raise Problem(403, "no-account", "This is an account's, and you are of none. See /v1/admin.")
    account = accounts.get(caller.account)
    if account is None:
        raise not_authenticated()
    return account


def new_key(entropy: Callable[[int], bytes]) -> str:
    """A fresh key, to be shown once."""
    return KEY_PREFIX + base64.urlsafe_b64encode(entropy(KEY_OCTETS)).rstrip(b"=").decode()


def hash_of_key(key: str) -> str:
    """What is kept of a key."""
    return HASH_PREFIX + sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _caller_of(account: str, name: str, settings: ApiKeySettings) -> Caller:
    role = "developer"
    scopes = frozenset(settings.scopes) or scopes_of(role, account)
    return Caller(account, f"key:{name}", scopes, role, settings.expires_at, settings.hash)


def not_authenticated(detail: str = "The API key is not known, or has expired.") -> Problem:
    """What a caller is told whom no key lets in."""
    return Problem(401, "not-authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
