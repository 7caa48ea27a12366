"""Who calls: API keys and what they may do.

A key is ``sk_`` and 43 characters from 32 random octets. It is shown once, when it is made; only its SHA-256 is kept,
which suffices for a secret that nobody can guess. It is found by that digest, so that how long a look-up takes tells
nothing about keys that exist.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from attrs import define, field

from smsagg.api.v1.problem import Problem
from smsagg.config.schema import API_SCOPES, ApiKeySettings, Config
from smsagg.engine.accounts import Account

KEY_PREFIX = "sk_"
HASH_PREFIX = "sha256:"
KEY_OCTETS = 32
_BEARER = "bearer "


@define(frozen=True)
class ApiKey:
    """One key of an account."""

    account: str
    name: str
    """For people: which of the account's keys it is."""
    scopes: frozenset[str]
    expires_at: int | None
    """UTC milliseconds; ``None``: it does not."""
    hash: str = field(default="", repr=False)
    """What is kept of the key itself."""


class ApiKeys:
    """All keys, by the digest of what the caller shows."""

    def __init__(self, config: Config, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._by_digest: Mapping[str, ApiKey] = {}
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Heed the keys of ``config`` from now on; an account that is not enabled has none."""
        self._by_digest = {
            settings.hash: _key_of(account, name, settings)
            for account, customer in config.accounts.items()
            if customer.enabled
            for name, settings in customer.api_keys.items()
        }

    def caller(self, authorization: str) -> ApiKey:
        """Whose request bears this ``Authorization`` header; raises :class:`Problem` 401."""
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise not_authenticated("An API key is needed: Authorization: Bearer sk_…")
        key = self._by_digest.get(hash_of_key(authorization[len(_BEARER) :].strip()))
        if key is None or not self.holds(key):
            raise not_authenticated()
        return key

    def holds(self, key: ApiKey) -> bool:
        """Whether a key that was shown is one still, and may do the same."""
        return self._by_digest.get(key.hash) == key and (key.expires_at is None or key.expires_at > self._now_ms())


def require(key: ApiKey, scope: str) -> None:
    """Raises :class:`Problem` 403 when ``key`` does not have ``scope``."""
    if scope not in key.scopes:
        raise Problem(403, "scope-missing", f'The API key "{key.name}" does not have the scope {scope}.')


def account_of(key: ApiKey, accounts: Mapping[str, Account]) -> Account:
    """Whose key it is; raises :class:`Problem` 401 when the account has left the configuration since it was checked."""
    account = accounts.get(key.account)
    if account is None:
        raise not_authenticated()
    return account


def new_key(entropy: Callable[[int], bytes]) -> str:
    """A fresh key, to be shown once."""
    return KEY_PREFIX + base64.urlsafe_b64encode(entropy(KEY_OCTETS)).rstrip(b"=").decode()


def hash_of_key(key: str) -> str:
    """What is kept of a key."""
    return HASH_PREFIX + sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _key_of(account: str, name: str, settings: ApiKeySettings) -> ApiKey:
    scopes: Iterable[str] = settings.scopes or API_SCOPES
    return ApiKey(account, name, frozenset(scopes), settings.expires_at, settings.hash)


def not_authenticated(detail: str = "The API key is not known, or has expired.") -> Problem:
    """What a caller is told whom no key lets in."""
    return Problem(401, "not-authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
