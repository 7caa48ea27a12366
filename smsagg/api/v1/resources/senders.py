"""``/v1/senders`` and ``/v1/admin/senders``: what accounts may send from, and what they ask for."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, actor_of, operator_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.danger import PARAMETER as TOTP
from smsagg.api.v1.danger import dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.changing import Desk, changing, opened
from smsagg.config.overlay import APPROVED, SENDER
from smsagg.config.senders import WILDCARD, is_name, is_number
from smsagg.directory.caller import Caller
from smsagg.directory.senders import (
    NOTE_CHARACTERS_MAX,
    OF_ACCOUNT_MAX,
    Status,
    asked,
    decided,
    read_sender,
)
from smsagg.engine import Engine

Name = Annotated[str, Path(max_length=20, examples=["ACME"])]
AccountName = Annotated[str, Path(max_length=64, examples=["demo"])]
Word = Annotated[str, Field(max_length=NOTE_CHARACTERS_MAX)]


class SenderRequest(BaseModel):
    """What an account says of a sender that it wants."""

    model_config = ConfigDict(extra="forbid")

    note: Word = ""


class SenderDecision(BaseModel):
    """What the operator says of it."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["approved", "rejected"]
    reason: Word = ""


class SenderAnswer(BaseModel):
    """What an account sends from, or wants to."""

    account: Annotated[str, Field(examples=["demo"])]
    sender: Annotated[str, Field(examples=["ACME"])]
    source: Literal["file", "api"]
    status: Status
    note: str
    reason: str
    asked_at: datetime | None
    decided_at: datetime | None


class SendersAnswer(BaseModel):
    """A page of them."""

    senders: list[SenderAnswer]
    next_cursor: str | None


class _Listed(NamedTuple):
    key: str
    value: Mapping[str, Any] | None
    """``None``: the configuration's file allows it."""


_REQUEST: TypeAdapter[SenderRequest] = TypeAdapter(SenderRequest)
_DECISION: TypeAdapter[SenderDecision] = TypeAdapter(SenderDecision)


class Senders:
    """The endpoints of both sides."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self.router = router = APIRouter(tags=["senders"])
        one, changed = "/senders/{sender}", problems(404, 409, 412, 415, 422)
        router.get(
            "/senders",
            response_model=SendersAnswer,
            responses=problems(422),
            operation_id="list_senders",
            summary="What the account may send from, and what it asked for",
        )(self.list)
        router.put(
            one,
            response_model=SenderAnswer,
            responses=changed,
            openapi_extra=json_of(SenderRequest, {"a brand": {"note": "our brand, registered in GB"}}),
            operation_id="request_sender",
            summary="Ask for a sender",
        )(self.ask)
        router.delete(
            one,
            status_code=204,
            responses=problems(404, 409, 412, 422),
            openapi_extra={"parameters": [TOTP]},
            operation_id="delete_sender",
            summary="Give a sender up",
        )(self.delete)
        router.get(
            "/admin/senders",
            response_model=SendersAnswer,
            responses=problems(422),
            operation_id="admin_list_senders",
            summary="What accounts asked for",
        )(self.all)
        router.put(
            "/admin/senders/{account}/{sender}",
            response_model=SenderAnswer,
            responses=changed,
            openapi_extra=json_of(SenderDecision, {"approve": {"status": "approved", "reason": "seen the register"}}),
            operation_id="admin_decide_sender",
            summary="Approve or reject a sender",
        )(self.decide)
        router.delete(
            "/admin/senders/{account}/{sender}",
            status_code=204,
            responses=problems(404, 409, 412, 422),
            openapi_extra={"parameters": [TOTP]},
            operation_id="admin_delete_sender",
            summary="Take a sender from an account",
        )(self.take_away)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """Those of the configuration's file as it writes them, patterns and all."""
        return self._page(self._listed(self._account(request, "senders:read")), cursor, limit)

    async def all(
        self,
        request: Request,
        status: Annotated[Status | None, Query()] = None,
        account: Annotated[str, Query(max_length=64)] = "",
        cursor: Cursor = "",
        limit: Limit = 100,
    ) -> Response:
        """By account and name; `status=pending` are those that wait for a decision."""
        operator_of(request.state.caller, "admin:read")
        found = self._listed(account) if account in self._engine.accounts else () if account else self._all()
        return self._page((one for one in found if status in (None, _status(one))), cursor, limit)

    async def ask(self, request: Request, sender: Name) -> Response:
        """Pending until the operator decides; one that was rejected is asked for anew."""
        account = self._account(request, "senders:write")
        note = (await read_as(request, _REQUEST)).note
        key, register = _key(account, sender), self._engine.register
        present = register.get(SENDER, key)
        if present is None and len(register.all(SENDER, f"{account}/")) >= OF_ACCOUNT_MAX:
            raise Problem(409, "too-many", f"An account has at most {OF_ACCOUNT_MAX} senders.")
        before = None if present is None else read_sender(present)
        value = asked(before, note, self._engine.core.clock.now_ms())._asdict()
        async with changing("sender", sender):
            await register.put(actor_of(request), SENDER, key, value, tag=register.tag(SENDER, key), action=_ASKED)
        return self._shown(key)

    async def decide(self, request: Request, account: AccountName, sender: Name) -> Response:
        """In force when it is answered, over HTTP and SMPP; asked for or not."""
        operator_of(request.state.caller, "admin:write")
        if account not in self._engine.accounts:
            raise Problem(404, "unknown-account", "There is no such account.")
        decision = await read_as(request, _DECISION)
        key, register = _key(account, sender), self._engine.register
        present = register.get(SENDER, key)
        before = None if present is None else read_sender(present)
        value = decided(before, decision.status, decision.reason, self._engine.core.clock.now_ms())._asdict()
        async with changing("sender", key):
            tag, action = register.tag(SENDER, key), f"sender.{decision.status}"
            await opened(self._desk).put(actor_of(request), SENDER, key, value, tag, action)
        return self._shown(key)

    async def delete(self, request: Request, sender: Name) -> Response:
        """Not allowed any more when it is answered, if the configuration's file does not say so."""
        return await self._delete(request, _key(self._account(request, "senders:write"), sender))

    async def take_away(self, request: Request, account: AccountName, sender: Name) -> Response:
        """As if nobody had asked for it."""
        operator_of(request.state.caller, "admin:write")
        return await self._delete(request, _key(account, sender))

    async def _delete(self, request: Request, key: str) -> Response:
        register, by = self._engine.register, actor_of(request)
        self._present(key)
        await dangerous(request, "delete")
        is_in_force = self._present(key)["status"] == APPROVED  # it may have been decided meanwhile
        async with changing("sender", key, is_deleting=True):
            if is_in_force:
                await opened(self._desk).delete(by, SENDER, key, register.tag(SENDER, key))
            else:
                await register.delete(by, SENDER, key, tag=register.tag(SENDER, key))
        return Response(status_code=204)

    def _present(self, key: str) -> Mapping[str, Any]:
        present = self._engine.register.get(SENDER, key)
        if present is None:
            raise Problem(404, "unknown-sender", "The account has no such sender.")
        return present

    def _account(self, request: Request, scope: str) -> str:
        caller: Caller = request.state.caller
        require(caller, scope)
        return account_of(caller, self._engine.accounts).name

    def _all(self) -> Iterator[_Listed]:
        put: dict[str, dict[str, Mapping[str, Any]]] = {}
        for key, value in self._engine.register.all(SENDER).items():
            put.setdefault(key.partition("/")[0], {})[key] = value
        for account in self._engine.accounts:
            yield from self._with_allowed(account, put.get(account, {}))

    def _listed(self, account: str) -> Iterator[_Listed]:
        return self._with_allowed(account, self._engine.register.all(SENDER, f"{account}/"))

    def _with_allowed(self, account: str, put: Mapping[str, Mapping[str, Any]]) -> Iterator[_Listed]:
        """``put``, and what the configuration's file allows."""
        yield from (_Listed(key, value) for key, value in put.items())
        rules = self._engine.accounts[account].settings.senders
        for sender in (rules.allowed if rules is not None else None) or ():
            if f"{account}/{sender}" not in put:
                yield _Listed(f"{account}/{sender}", None)

    def _page(self, found: Iterable[_Listed], cursor: str, limit: int) -> Response:
        page, next_cursor = page_of(found, lambda one: one.key, cursor, limit)
        document = {"senders": [_view(one) for one in page], "next_cursor": next_cursor}
        return answered(document)

    def _shown(self, key: str) -> Response:
        view = _view(_Listed(key, self._engine.register.get(SENDER, key)))
        return answered(view)


_ASKED = "sender.request"


def _key(account: str, sender: str) -> str:
    """Of the register; raises :class:`Problem` 422 for what is no sender, or would be a pattern of many."""
    if WILDCARD in sender or not (is_number(sender) or is_name(sender)):
        reason = "is neither a number nor a name of at most 11 characters"
        raise Problem(422, "invalid-sender", f"The sender {reason}.", [{"path": "sender", "detail": reason}])
    return f"{account}/{sender.removeprefix('+') if is_number(sender) else sender}"


def _status(one: _Listed) -> Status:
    return APPROVED if one.value is None else read_sender(one.value).status


def _view(one: _Listed) -> dict[str, Any]:
    account, _, sender = one.key.partition("/")
    known = None if one.value is None else read_sender(one.value)
    return {
        "account": account,
        "sender": sender,
        "source": "file" if known is None else "api",
        "status": _status(one),
        "note": known.note if known else "",
        "reason": known.reason if known else "",
        "asked_at": instant(known.asked_at) if known else None,
        "decided_at": instant(known.decided_at) if known and known.decided_at else None,
    }
