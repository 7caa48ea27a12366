"""``/v1/admin/accounts``: the operator's customers, as they are in force, and whether they may send.

Secrets are never shown.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of, operator_of
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER, dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.changing import Desk
from smsagg.config.overlay import ACCOUNT
from smsagg.directory.audit import Actor
from smsagg.engine import Engine
from smsagg.engine.accounts import Account


class AccountHttp(BaseModel):
    """What holds for all of its keys and clients together."""

    networks: list[str]
    require_certificate: bool
    rate: float | None
    burst: int | None


class AccountSmpp(BaseModel):
    """What holds for its ESMEs."""

    system_id: str
    binds_max: int
    window_max: int
    networks: list[str]
    require_tls: bool


class AccountAnswer(BaseModel):
    """A customer. Rates are per second; ``null``: unlimited."""

    name: str
    source: Literal["file", "api"]
    """``file``: the configuration file has it; it is changed there."""
    enabled: bool
    sandbox: bool
    is_frozen: bool
    message_class: str
    rate: float | None
    burst: int | None
    queue_max: int
    queued: int
    """Messages that no carrier has yet."""
    billing: str
    tags: list[str]
    keys_in_file: list[str]
    smpp: AccountSmpp
    http: AccountHttp


class AccountsAnswer(BaseModel):
    """A page of customers, by name."""

    accounts: list[AccountAnswer]
    next_cursor: str | None


class Freeze(BaseModel):
    """Why an account is frozen."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
    """For people and the audit trail."""


_FREEZE: TypeAdapter[Freeze] = TypeAdapter(Freeze)


class Accounts:
    """The endpoints."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self.router = router = APIRouter(tags=["admin"])
        router.get(
            "/admin/accounts",
            response_model=AccountsAnswer,
            responses=problems(422),
            operation_id="admin_list_accounts",
            summary="All accounts",
        )(self.list)
        router.get(
            "/admin/accounts/{name}",
            response_model=AccountAnswer,
            responses=problems(404),
            operation_id="admin_get_account",
            summary="Look at an account",
        )(self.show)

        changing = {"parameters": [PARAMETER]}
        router.post(
            "/admin/accounts/{name}/freeze",
            response_model=AccountAnswer,
            responses=problems(404, 415, 422, 429),
            openapi_extra={**json_of(Freeze, {"an odd pattern": {"reason": "sends to new countries"}}), **changing},
            operation_id="admin_freeze_account",
            summary="Freeze an account",
        )(self.freeze)
        router.post(
            "/admin/accounts/{name}/unfreeze",
            response_model=AccountAnswer,
            responses=problems(404, 429),
            openapi_extra=changing,
            operation_id="admin_unfreeze_account",
            summary="Let a frozen account go",
        )(self.unfreeze)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """By name, with their limits and whether they may send."""
        operator_of(request.state.caller, "admin:read")
        page, next_cursor = page_of(self._engine.accounts.values(), lambda account: account.name, cursor, limit)
        document = {"accounts": [self._view(account) for account in page], "next_cursor": next_cursor}
        return answered(document)

    async def show(self, request: Request, name: str) -> Response:
        """Its limits, and whether it may send."""
        operator_of(request.state.caller, "admin:read")
        return self._shown(name)

    async def freeze(self, request: Request, name: str) -> Response:
        """What it has waiting is held, and nothing more is taken; twice is as once."""
        operator_of(request.state.caller, "admin:write")
        self._found(name)
        reason = (await read_as(request, _FREEZE)).reason
        by = await self._noted(request, "freeze", name, {"reason": reason})
        self._engine.guard.freeze(name, reason, by.name)
        await self._engine.core.store.flush()
        return self._shown(name)

    async def unfreeze(self, request: Request, name: str) -> Response:
        """What was held goes on its way; of an account that is not frozen nothing changes."""
        operator_of(request.state.caller, "admin:write")
        self._found(name)
        by = await self._noted(request, "unfreeze", name, {})
        self._engine.guard.unfreeze(name, by.name)
        await self._engine.core.store.flush()
        return self._shown(name)

    async def _noted(self, request: Request, action: str, name: str, details: Mapping[str, Any]) -> Actor:
        """What is about to be done is in the audit trail; by whom."""
        await dangerous(request, "freeze")
        by = actor_of(request)
        await asked(self._engine.register.note(by, f"account.{action}", name, details, account=name))
        return by

    def _found(self, name: str) -> Account:
        account = self._engine.accounts.get(name)
        if account is None:
            raise Problem(404, "unknown-account", "There is no such account.")
        return account

    def _shown(self, name: str) -> Response:
        return answered(self._view(self._found(name)))

    def _is_put(self, name: str) -> bool:
        desk = self._desk()
        return desk is not None and desk.is_put(ACCOUNT, name)

    def _view(self, account: Account) -> dict[str, Any]:
        settings = account.settings
        return {
            "name": account.name,
            "source": "api" if self._is_put(account.name) else "file",
            "enabled": settings.enabled,
            "sandbox": settings.sandbox,
            "is_frozen": account.name in self._engine.freezing.frozen,
            "message_class": settings.message_class,
            "rate": settings.rate,
            "burst": account.burst or None,
            "queue_max": settings.queue_max,
            "queued": account.queued,
            "billing": settings.billing,
            "tags": list(settings.tags),
            "keys_in_file": sorted(settings.api_keys),
            "smpp": {
                "system_id": settings.system_id,
                "binds_max": settings.binds_max,
                "window_max": settings.window_max,
                "networks": list(settings.networks),
                "require_tls": settings.require_tls,
            },
            "http": {
                "networks": list(settings.http.networks),
                "require_certificate": settings.http.require_certificate,
                "rate": settings.http.rate,
                "burst": settings.http.burst,
            },
        }
