"""``/v1/admin/accounts``, ``pools``, ``keywords`` and ``routes``: tables of the configuration, put at run time.

What the configuration's files have is shown, and changed there. A change is checked with all the rest as a reload is,
and is in force when it is answered.
"""

from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of, operator_of
from smsagg.api.v1.answering import answered
from smsagg.api.v1.danger import PARAMETER as TOTP
from smsagg.api.v1.danger import dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.changing import (
    IF_MATCH,
    TAGGED,
    Desk,
    FoundResource,
    Name,
    changing,
    etag,
    opened,
    wanted_tag,
)
from smsagg.api.v1.resources.shapes import ResourceAnswer, ResourcesAnswer, Settings
from smsagg.config.overlay import ACCOUNT, KEYWORD, POOL, ROUTE

PLACE_MAX = 1_000_000
_SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)


class Kind(NamedTuple):
    """One kind of them."""

    kind: str
    path: str
    what: str
    table: str
    example: dict[str, Any]

    @property
    def operation(self) -> str:
        return self.path.replace("-", "_")


KINDS = (
    Kind(ACCOUNT, "accounts", "account", "[accounts.NAME]", {"system_id": "crm", "password": "s3cret", "rate": "50/s"}),
    Kind(POOL, "pools", "pool", "[pools.NAME]", {"carriers": ["alpha"], "countries": ["IE"]}),
    Kind(KEYWORD, "keywords", "keyword", "[[mo_routes]]", {"account": "demo", "number": "44*", "keyword": "WIN"}),
    Kind(ROUTE, "routes", "route", "[[routes]]", {"place": 10, "countries": ["GB"], "pool": "gb"}),
)


class Resources:
    """The endpoints of one kind."""

    def __init__(self, of: Kind, desk: Desk) -> None:
        self._of = of
        self._desk = desk
        self.router = router = APIRouter(tags=["admin"])
        path, one = f"/admin/{of.path}", f"/admin/{of.path}/{{name}}"
        shown = {"responses": {200: {"headers": TAGGED}, **problems(404, 422)}}
        if of.kind != ACCOUNT:
            router.get(
                path,
                response_model=ResourcesAnswer,
                responses=problems(422),
                operation_id=f"admin_list_{of.operation}",
                summary=f"All {of.path}",
            )(self.list)
        router.get(
            f"{one}/settings" if of.kind == ACCOUNT else one,
            response_model=ResourceAnswer,
            operation_id=f"admin_get_{of.what}" + ("_settings" if of.kind == ACCOUNT else ""),
            summary=f"The settings of one of the {of.path}",
            **shown,  # type: ignore[arg-type]
        )(self.show)
        body = json_of(Settings, {"one": of.example})
        router.put(
            one,
            response_model=ResourceAnswer,
            responses={
                200: {"headers": TAGGED},
                201: {"model": ResourceAnswer, "headers": TAGGED, "description": "It is new."},
                **problems(409, 412, 415, 422),
            },
            openapi_extra={**body, "parameters": IF_MATCH},
            operation_id=f"admin_put_{of.what}",
            summary=f"Put one of the {of.path}, as {of.table} has it",
        )(self.put)
        router.delete(
            one,
            status_code=204,
            responses=problems(404, 409, 412, 422),
            openapi_extra={"parameters": [*IF_MATCH[:1], TOTP]},
            operation_id=f"admin_delete_{of.what}",
            summary=f"Take one of the {of.path} away",
        )(self.delete)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """By name: those of the configuration's files, and those that were put."""
        operator_of(request.state.caller, "admin:read")
        found = opened(self._desk).all(self._of.kind)
        page, next_cursor = page_of(found.values(), lambda one: str(one.name), cursor, limit)
        return answered({"items": [_view(one) for one in page], "next_cursor": next_cursor})

    async def show(self, request: Request, name: str) -> Response:
        """With its ETag."""
        operator_of(request.state.caller, "admin:read")
        return self._shown(name)

    async def put(self, request: Request, name: Annotated[str, Name]) -> Response:
        """In force when it is answered, and after each restart; 422 says what does not fit."""
        operator_of(request.state.caller, "admin:write")
        value = await self._read(request)
        async with changing(self._of.what, name):
            is_new = await opened(self._desk).put(actor_of(request), self._of.kind, name, value, wanted_tag(request))
        return self._shown(name, 201 if is_new else 200)

    async def delete(self, request: Request, name: Annotated[str, Name]) -> Response:
        """Gone when it is answered. 409: others need it."""
        operator_of(request.state.caller, "admin:write")
        if opened(self._desk).find(self._of.kind, name) is None:
            raise self._unknown()
        await dangerous(request, "delete")
        async with changing(self._of.what, name, is_deleting=True):
            if not await opened(self._desk).delete(actor_of(request), self._of.kind, name, wanted_tag(request)):
                raise self._unknown()
        return Response(status_code=204)

    async def _read(self, request: Request) -> dict[str, Any]:
        value = (await read_as(request, _SETTINGS)).__pydantic_extra__
        place = value.get("place", 0) if self._of.kind == ROUTE else 0
        if isinstance(place, bool) or not isinstance(place, int) or abs(place) > PLACE_MAX:
            raise _invalid("place", f"must be a whole number from -{PLACE_MAX} to {PLACE_MAX}")
        if self._of.kind == ROUTE and "name" in value:
            raise _invalid("name", "is said by the address")
        try:
            kept = orjson.loads(orjson.dumps(value))
        except TypeError:
            kept = None
        if kept != value:
            raise _invalid("", "holds a number that is too large, or none")
        return dict(value)

    def _shown(self, name: str, status: int = 200) -> Response:
        found: FoundResource | None = opened(self._desk).find(self._of.kind, name)
        if found is None:
            raise self._unknown()
        return answered(_view(found), status, etag(found.tag))

    def _unknown(self) -> Problem:
        return Problem(404, f"unknown-{self._of.what}", f"There is no such {self._of.what}.")


def _view(found: FoundResource) -> dict[str, Any]:
    return {
        "name": found.name,
        "source": found.source,
        "in_force": not found.problem,
        "problem": found.problem or None,
        "settings": found.value,
    }


def _invalid(path: str, reason: str) -> Problem:
    return Problem(422, "invalid-request", "The request is not as it must be.", [{"path": path, "detail": reason}])
