"""``/v1/audit`` and ``/v1/admin/audit``: who did what."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from smsagg.api.v1.access import account_of, operator_of, require
from smsagg.api.v1.asking import asked
from smsagg.api.v1.messages.shapes import Instant
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.problem import problems
from smsagg.api.v1.times import milliseconds_of
from smsagg.directory.audit import AuditRecord, AuditSought
from smsagg.directory.caller import Caller
from smsagg.engine import Engine

PAGE_MAX = 500
SEQ_MAX = (1 << 53) - 1
OPERATOR = "operator"
"""What an account is told of who of the operator's own it was."""

Cursor = Annotated[int, Query(ge=0, le=SEQ_MAX, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Since = Annotated[Instant | None, Query(description="From then on.")]
Word = Annotated[str, Query(max_length=200)]


class AuditAnswer(BaseModel):
    """One thing that somebody did."""

    seq: Annotated[int, Field(examples=[42])]
    at: str
    actor: Annotated[str, Field(examples=["key:crm"])]
    actor_account: str | None
    """``null``: one of the operator's own."""
    address: str | None
    account: str | None
    """Whom it concerns."""
    action: Annotated[str, Field(examples=["sender.put"])]
    subject: Annotated[str, Field(examples=["acme/ACME"])]
    details: dict[str, object]
    hash: str


class AuditsAnswer(BaseModel):
    """A page of records, the newest first."""

    records: list[AuditAnswer]
    next_cursor: int | None
    """For the next page, which may be empty; ``null``: there are no more."""


class Audit:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.router = router = APIRouter(tags=["audit"])
        router.get(
            "/audit",
            response_model=AuditsAnswer,
            responses=problems(422),
            operation_id="list_audit",
            summary="Who did what in the account",
        )(self.own)
        router.get(
            "/admin/audit",
            response_model=AuditsAnswer,
            responses=problems(422),
            operation_id="admin_list_audit",
            summary="Who did what",
        )(self.all)

    async def own(
        self, request: Request, since: Since = None, actor: Word = "", subject: Word = "", cursor: Cursor = 0,
        limit: Limit = 100,
    ) -> Response:  # fmt: skip
        """What concerns the account; of the operator's people it is not told who they are."""
        caller: Caller = request.state.caller
        require(caller, "audit:read")
        account = account_of(caller, self._engine.accounts).name
        return await self._page(AuditSought(_since(since), account, "", subject), cursor, limit, actor)

    async def all(
        self, request: Request, since: Since = None, actor: Word = "", subject: Word = "", account: Word = "",
        cursor: Cursor = 0, limit: Limit = 100,
    ) -> Response:  # fmt: skip
        """All of it. `smsagg audit verify` says whether it is as it was written."""
        operator_of(request.state.caller, "audit:read")
        return await self._page(AuditSought(_since(since), account, actor, subject), cursor, limit, None)

    async def _page(self, sought: AuditSought, cursor: int, limit: int, told_actor: str | None) -> Response:
        """``told_actor``: whom an account asked for, by the name that it is told; ``None``: an operator asks."""
        found, before = await asked(self._engine.core.store.find_audit(sought, cursor, limit))
        records = [_told(record, is_operator=told_actor is None) for record in found]
        if told_actor:
            records = [record for record in records if record["actor"] == told_actor]
        return Response(
            orjson.dumps({"records": records, "next_cursor": before or None}), media_type="application/json"
        )


def _since(at: Any) -> int:
    return 0 if at is None else max(milliseconds_of(at, "since"), 0)


def _told(record: AuditRecord, *, is_operator: bool) -> dict[str, Any]:
    entry = record.entry
    is_hidden = not is_operator and not entry.actor_account
    return {
        "seq": record.seq,
        "at": instant(entry.at),
        "actor": OPERATOR if is_hidden else entry.actor,
        "actor_account": entry.actor_account or None,
        "address": None if is_hidden else entry.address or None,
        "account": entry.account or None,
        "action": entry.action,
        "subject": entry.subject,
        "details": orjson.Fragment(entry.details),
        "hash": record.hash.hex(),
    }
