"""On whose behalf directories are looked at and changed: an account on its own, or the operator on any."""

from fastapi import Request

from smsagg.api.v1.access import account_of, operator_of, require
from smsagg.api.v1.problem import Problem
from smsagg.directory.caller import Caller
from smsagg.engine import Engine

ACCOUNT_PARAMETER = {
    "name": "account",
    "in": "query",
    "required": False,
    "description": "Whose; empty: the operator's own.",
    "schema": {"type": "string"},
    "example": "demo",
}


class Side:
    """An account's own (``/v1/…``), or the operator's (``/v1/admin/…?account=…``)."""

    def __init__(self, engine: Engine, *, is_operators: bool) -> None:
        self._engine = engine
        self.is_operators = is_operators
        self.prefix = "/admin" if is_operators else ""
        self.parameters = [ACCOUNT_PARAMETER] if is_operators else []
        """What OpenAPI says beside."""

    def operation(self, verb: str, noun: str) -> str:
        """An operationId."""
        return f"admin_{verb}_{noun}" if self.is_operators else f"{verb}_{noun}"

    def enter(self, request: Request, access: str) -> str:
        """Whose directory it is about, of a caller who may ``read`` or ``write`` it; raises :class:`Problem`."""
        caller: Caller = request.state.caller
        if not self.is_operators:
            require(caller, f"users:{access}")
            return account_of(caller, self._engine.accounts).name
        operator_of(caller, f"admin:{access}")
        account = request.query_params.get("account", "")
        if account and account not in self._engine.accounts:
            raise Problem(404, "unknown-account", "There is no such account.")
        return account

    @property
    def asks_for_certificates(self) -> bool:
        """Whether any client is asked for a certificate."""
        https = self._engine.core.config.server.https
        return https is not None and bool(https.client_ca_file)

    def grants(self, caller: Caller, account: str, scopes: frozenset[str]) -> None:
        """Nobody gives what they do not have; the operator rules what an account has. Raises :class:`Problem` 403."""
        beyond = frozenset() if self.is_operators and account else scopes - caller.scopes
        if beyond:
            detail = f"You do not have {', '.join(sorted(beyond))} yourself."
            raise Problem(403, "beyond-your-scopes", detail)
