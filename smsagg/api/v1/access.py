"""Who calls, and whether they may."""

from collections.abc import Mapping

from fastapi import Request

from smsagg.api.v1.problem import Problem
from smsagg.directory.audit import Actor
from smsagg.directory.caller import Caller
from smsagg.engine.accounts import Account

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


def sees(caller: Caller) -> bool:
    """Whether texts and whole numbers are shown to ``caller``; to others numbers are masked."""
    return "texts:read" in caller.scopes


def account_of(caller: Caller, accounts: Mapping[str, Account]) -> Account:
    """Whose caller it is; raises :class:`Problem`: 403 for one of the operator's own, 401 when the account has left the
    configuration since it was checked."""
    if not caller.account:
        raise Problem(403, "no-account", "This is an account's, and you are of none. See /v1/admin.")
    account = accounts.get(caller.account)
    if account is None:
        raise not_authenticated()
    return account


def operator_of(caller: Caller, scope: str) -> Caller:
    """One of the operator's own with ``scope``; raises :class:`Problem` 403 for all others."""
    if caller.account:
        raise Problem(403, "operators-only", f"This is the operator's, and {caller.name} is of {caller.account}.")
    require(caller, scope)
    return caller


def actor_of(request: Request) -> Actor:
    """Who makes a request, for the audit trail."""
    caller: Caller = request.state.caller
    return Actor(caller.name, caller.account, request.state.address_of(request.scope))


def not_authenticated(detail: str = "The API key is not known, or has expired.") -> Problem:
    """What a caller is told whom no key lets in."""
    return Problem(401, "not-authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
