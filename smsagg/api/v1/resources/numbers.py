"""``/v1/numbers`` and ``/v1/admin/numbers``: what the inventory has, and who has it."""

from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, closing, suppress
from itertools import islice
from typing import Annotated, Any, TypeVar

import trio
from fastapi import APIRouter, Path, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, actor_of, operator_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER as TOTP
from smsagg.api.v1.danger import dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as, read_csv
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.number_shapes import (
    NumberAction,
    NumberAnswer,
    NumberAssignment,
    NumbersAnswer,
    NumbersImported,
)
from smsagg.api.v1.times import milliseconds_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.numbers.number_desk import NumberDesk, Wanted
from smsagg.errors import InventoryError
from smsagg.inventory.number import Number
from smsagg.inventory.table import RefusedTable

CSV = "text/csv"
EXAMPLE = "number,type,country,pool\n447700900900,long,GB,gb-long\n"
PROBLEMS_MAX = 50
IN_ONE_STEP = 1_000
Done = TypeVar("Done")
Word = Annotated[str, Query(max_length=64)]
Name = Annotated[str, Path(max_length=32)]
_ASSIGNMENT: TypeAdapter[NumberAssignment] = TypeAdapter(NumberAssignment)
_ACTION: TypeAdapter[NumberAction] = TypeAdapter(NumberAction)


class Numbers:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine, desk: NumberDesk) -> None:
        self._engine = engine
        self._desk = desk
        self.router = router = APIRouter(tags=["numbers"])
        one = "/admin/numbers/{number:path}"
        router.get(
            "/numbers",
            response_model=NumbersAnswer,
            responses=problems(422),
            operation_id="list_numbers",
            summary="The account's own numbers",
        )(self.own)
        router.get(
            "/admin/numbers",
            response_model=NumbersAnswer,
            responses=problems(422),
            operation_id="admin_list_numbers",
            summary="The inventory",
        )(self.all)
        router.post(
            "/admin/numbers/import",
            response_model=NumbersImported,
            responses=problems(409, 415, 422),
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {CSV: {"schema": {"type": "string"}, "example": EXAMPLE}},
                }
            },
            operation_id="admin_import_numbers",
            summary="Add and change numbers by CSV",
        )(self.import_)
        router.get(
            one,
            response_model=NumberAnswer,
            responses=problems(404, 409),
            operation_id="admin_get_number",
            summary="Look at a number",
        )(self.show)
        router.post(
            f"{one}/assign",
            response_model=NumberAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(NumberAssignment, {"for good": {"account": "demo"}}),
            operation_id="admin_assign_number",
            summary="Give a number to an account",
        )(self.assign)
        extra = json_of(NumberAction, {"suspend": {"action": "suspend"}}) | {"parameters": [TOTP]}
        router.post(
            f"{one}/actions",
            response_model=NumberAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=extra,
            operation_id="admin_change_number",
            summary="Suspend, resume, retire, restore a number, or take it from its account",
        )(self.act)

    async def own(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """Those that it has, alone or with others."""
        caller: Caller = request.state.caller
        require(caller, "numbers:read")
        account = account_of(caller, self._engine.accounts).name
        own = self._engine.numbers.inventory.of_account(account)
        found = [number for number in await self._now(own) if account in number.accounts]
        page, next_cursor = page_of(found, _name, cursor, limit)
        return answered({"numbers": [_view(one) for one in page], "next_cursor": next_cursor})

    async def all(
        self, request: Request, account: Word = "", pool: Word = "", status: Word = "", country: Word = "",
        cursor: Cursor = "", limit: Limit = 100,
    ) -> Response:  # fmt: skip
        """Those that fit all that is said."""
        operator_of(request.state.caller, "admin:read")
        book = self._engine.numbers.inventory
        found = [
            number
            for number in await self._now(book.of_account(account) if account else book.numbers.values())
            if account in ("", *number.accounts)
            and pool in ("", number.pool)
            and status in ("", number.status.value)
            and country in ("", number.country)
        ]
        page, next_cursor = page_of(found, _name, cursor, limit)
        return answered({"numbers": [_view_of_operator(one) for one in page], "next_cursor": next_cursor})

    async def show(self, request: Request, number: Name) -> Response:
        """Who has it, and how it stands."""
        operator_of(request.state.caller, "admin:read")
        return answered(_view_of_operator(self._found(number)))

    async def import_(self, request: Request) -> Response:
        """All rows or none; numbers that are there are changed to what the row says. Columns as of `smsagg numbers
        import`."""
        operator_of(request.state.caller, "admin:write")
        text = await read_csv(request)

        async def told(_done: int, _of: int) -> None:
            return

        importing = self._desk.import_file(text, "line", told)
        imported = await self._done(request, importing, "import", "", {"lines": len(text.splitlines())})
        return answered(imported._asdict())

    async def assign(self, request: Request, number: Name) -> Response:
        """It is the account's when it is answered: its sender, and what handsets write to it."""
        operator_of(request.state.caller, "admin:write")
        wanted = await read_as(request, _ASSIGNMENT)
        until = None if wanted.until is None else milliseconds_of(wanted.until, "until")
        name = self._found(number).name
        numbers, account = Wanted([name]), wanted.account
        doing = self._desk.assign(numbers, account) if until is None else self._desk.lease(numbers, account, until)
        await self._done(request, doing, "assign", name, {"until": until}, account)
        return answered(_view_of_operator(self._found(name)))

    async def act(self, request: Request, number: Name) -> Response:
        """A number that was taken from its account rests before another has it."""
        operator_of(request.state.caller, "admin:write")
        action = (await read_as(request, _ACTION)).action
        found = self._found(number)
        if action in ("unassign", "retire"):
            await dangerous(request, "delete")
        concerned = found.accounts[0] if len(found.accounts) == 1 else ""
        if action == "unassign":
            doing = self._desk.unassign([found.name], concerned)
        else:
            doing = getattr(self._desk, action)([found.name])
        await self._done(request, doing, action, found.name, {}, concerned)
        return answered(_view_of_operator(self._found(found.name)))

    async def _done(
        self,
        request: Request,
        doing: Coroutine[Any, Any, Done],
        action: str,
        subject: str,
        details: Mapping[str, Any],
        account: str = "",
    ) -> Done:
        by, register = actor_of(request), self._engine.register
        return await inventory(noted(doing, register.noting(by, f"numbers.{action}", subject, details, account)))

    async def _now(self, numbers: Iterable[Number]) -> list[Number]:
        """As they stand; however many, the loop goes on meanwhile."""
        book, now = self._engine.numbers.inventory, self._engine.core.clock.now_ms()
        found, left = list[Number](), iter(list(numbers))
        while some := list(islice(left, IN_ONE_STEP)):
            found += [book.as_of(number, now) for number in some]
            await trio.lowlevel.checkpoint()
        return found

    def _found(self, name: str) -> Number:
        """Raises :class:`Problem` 404, or 409 for a name that several countries have."""
        book = self._engine.numbers.inventory
        with suppress(InventoryError):
            return book.as_of(book.find(name), self._engine.core.clock.now_ms())
        raise Problem(404, "unknown-number", "There is no such number, or several of this name.")


async def noted(doing: Coroutine[Any, Any, Done], noting: AbstractAsyncContextManager[None]) -> Done:
    """``doing``, which does not begin before it is noted."""
    with closing(doing):
        async with noting:
            return await doing


async def inventory(doing: Awaitable[Done]) -> Done:
    """What the inventory answers; raises :class:`Problem` 409 for what cannot be, 422 for a wrong table, 503."""
    try:
        return await asked(doing)
    except RefusedTable as error:
        errors = [{"path": "", "detail": line} for line in error.problems[:PROBLEMS_MAX]]
        raise Problem(422, "invalid-table", "Nothing was imported.", errors) from error
    except (InventoryError, ValueError) as error:
        raise Problem(409, "inventory", f"That cannot be: {error}.") from error


def _name(number: Number) -> str:
    return number.name


def _view(number: Number) -> dict[str, Any]:
    return {
        "number": number.name,
        "country": number.country,
        "type": number.type.value,
        "capabilities": list(number.capabilities),
        "status": number.status.value,
        "assignment": number.assignment,
        "leased_until": instant(number.leased_until) if number.leased_until else None,
    }


def _view_of_operator(number: Number) -> dict[str, Any]:
    return _view(number) | {
        "pool": number.pool,
        "provider": number.provider,
        "accounts": list(number.accounts),
        "tags": list(number.tags),
        "quarantine_until": instant(number.quarantine_until) if number.quarantine_until else None,
    }
