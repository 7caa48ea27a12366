"""``/v1/admin/rate-cards`` and ``price-lists``: what carriers ask of us and we of accounts, as CSV put at run time."""

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from smsagg.api.v1.access import actor_of, operator_of
from smsagg.api.v1.answering import answered
from smsagg.api.v1.danger import PARAMETER as TOTP
from smsagg.api.v1.danger import dangerous
from smsagg.api.v1.messages.reading import read_csv
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
from smsagg.api.v1.resources.shapes import CardAnswer, CardsAnswer
from smsagg.config.overlay import PRICE_LIST, RATE_CARD

CSV = "text/csv"
EXAMPLE = "prefix,price,currency\n44,0.021,EUR\n84,0.035,EUR\n"


class CardKind(NamedTuple):
    """Whose prices."""

    kind: str
    path: str
    what: str
    owner: str


CARD_KINDS = (
    CardKind(RATE_CARD, "rate-cards", "rate card", "carrier"),
    CardKind(PRICE_LIST, "price-lists", "price list", "account"),
)


class Cards:
    """The endpoints of one kind."""

    def __init__(self, of: CardKind, desk: Desk) -> None:
        self._of = of
        self._desk = desk
        self.router = router = APIRouter(tags=["admin"])
        path, one, noun = f"/admin/{of.path}", f"/admin/{of.path}/{{name}}", of.kind
        router.get(
            path,
            response_model=CardsAnswer,
            responses=problems(422),
            operation_id=f"admin_list_{noun}s",
            summary=f"All {of.what}s",
        )(self.list)
        router.get(
            one,
            response_class=Response,
            responses={200: {"content": {CSV: {"schema": {"type": "string"}}}, "headers": TAGGED}, **problems(404)},
            operation_id=f"admin_get_{noun}",
            summary=f"The {of.what} of one {of.owner}",
        )(self.show)
        example = {"schema": {"type": "string"}, "example": EXAMPLE}
        router.put(
            one,
            response_model=CardAnswer,
            responses={
                200: {"headers": TAGGED},
                201: {"model": CardAnswer, "headers": TAGGED, "description": "It is new."},
                **problems(409, 412, 415, 422),
            },
            openapi_extra={"requestBody": {"required": True, "content": {CSV: example}}, "parameters": IF_MATCH},
            operation_id=f"admin_put_{noun}",
            summary=f"Put the {of.what} of one {of.owner}, whole",
        )(self.put)
        router.delete(
            one,
            status_code=204,
            responses=problems(404, 409, 412, 422),
            openapi_extra={"parameters": [*IF_MATCH[:1], TOTP]},
            operation_id=f"admin_delete_{noun}",
            summary=f"Take the {of.what} of one {of.owner} away",
        )(self.delete)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """By name, without their rows."""
        operator_of(request.state.caller, "admin:read")
        found = opened(self._desk).all(self._of.kind)
        page, next_cursor = page_of(found.values(), lambda one: str(one.name), cursor, limit)
        return answered({"items": [_view(one) for one in page], "next_cursor": next_cursor})

    async def show(self, request: Request, name: str) -> Response:
        """As it was put, or stands in its file."""
        operator_of(request.state.caller, "admin:read")
        found = self._found(name)
        return Response(found.value["csv"], headers=etag(found.tag), media_type=CSV)

    async def put(self, request: Request, name: Annotated[str, Name]) -> Response:
        """All rows or none; 422 names the lines that are wrong. In force when it is answered."""
        operator_of(request.state.caller, "admin:write")
        value = {"csv": await read_csv(request)}
        async with changing(self._of.what, name):
            is_new = await opened(self._desk).put(actor_of(request), self._of.kind, name, value, wanted_tag(request))
        found = self._found(name)
        return answered(_view(found), 201 if is_new else 200, etag(found.tag))

    async def delete(self, request: Request, name: Annotated[str, Name]) -> Response:
        """Gone when it is answered: its prices are not known any more."""
        operator_of(request.state.caller, "admin:write")
        self._found(name)
        await dangerous(request, "delete")
        async with changing(self._of.what, name, is_deleting=True):
            if not await opened(self._desk).delete(actor_of(request), self._of.kind, name, wanted_tag(request)):
                raise self._unknown()
        return Response(status_code=204)

    def _found(self, name: str) -> FoundResource:
        found: FoundResource | None = opened(self._desk).find(self._of.kind, name)
        if found is None:
            raise self._unknown()
        return found

    def _unknown(self) -> Problem:
        return Problem(404, "unknown-card", f"The {self._of.owner} has no {self._of.what}.")


def _view(found: FoundResource) -> dict[str, Any]:
    return {
        "name": found.name,
        "source": found.source,
        "in_force": not found.problem,
        "problem": found.problem or None,
        "lines": len(found.value["csv"].splitlines()),
    }
