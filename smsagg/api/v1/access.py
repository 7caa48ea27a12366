"""Who calls: API keys and what they may do.

A key is ``sk_`` and 43 characters from 32 random octets. It is shown once, when it is made; only its SHA-256 is kept,
which suffices for a secret that nobody can guess. It is found by that digest, so that how long a look-up takes tells
nothing about keys that exist.
"""

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256

from smsagg.api.v1.problem import Problem
from smsagg.directory.caller import Caller
from smsagg.engine.accounts import Account

KEY_PREFIX = "sk_"
HASH_PREFIX = "sha256:"
KEY_OCTETS = 32
_BEARER = "bearer "


def bearer_of(authorization: str) -> str:
    """The secret in an ``Authorization`` header; raises :class:`Problem` 401 when it bears none."""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        raise not_authenticated("An API key is needed: Authorization: Bearer sk_…")
    return authorization[len(_BEARER) :].strip()


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


def not_authenticated(detail: str = "The API key is not known, or has expired.") -> Problem:
    """What a caller is told whom no key lets in."""
    return Problem(401, "not-authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
