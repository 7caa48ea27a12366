"""``/v1/users`` and ``/v1/admin/users``: people."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER, Danger, dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.directory.key_shapes import NAME, UserAnswer, UserFields, UsersAnswer, roles_of
from smsagg.api.v1.directory.sides import Side
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.clock import Clock
from smsagg.directory.caller import Caller
from smsagg.directory.roles import scopes_of
from smsagg.directory.user import User
from smsagg.engine.directory.directory import Directory
from smsagg.errors import RegisterFull

ME = "me"
"""Nobody's name: whoever asks."""
UserName = Annotated[str, Path(pattern=NAME)]
_FIELDS: TypeAdapter[UserFields] = TypeAdapter(UserFields)


class Users:
    """The endpoints on one side."""

    def __init__(self, directory: Directory, side: Side, clock: Clock) -> None:
        self._directory = directory
        self._side = side
        self._clock = clock
        self.router = router = APIRouter(tags=["directory"])
        path = f"{side.prefix}/users"
        said = {"parameters": side.parameters}
        changing = {"parameters": [*side.parameters, PARAMETER]}
        router.get(
            path,
            response_model=UsersAnswer,
            responses=problems(404, 422),
            openapi_extra=said,
            operation_id=side.operation("list", "users"),
            summary="All people",
        )(self.list)
        router.get(
            f"{path}/{{name}}",
            response_model=UserAnswer,
            responses=problems(404, 422),
            openapi_extra=said,
            operation_id=side.operation("get", "user"),
            summary="Look at a person",
        )(self.show)
        body = json_of(UserFields, {"an analyst": {"role": "analyst", "full_name": "Ann Example"}})
        router.put(
            f"{path}/{{name}}",
            response_model=UserAnswer,
            responses={201: {"description": "Is new.", "model": UserAnswer}, **problems(404, 409, 415, 422, 429)},
            openapi_extra={**body, **changing},
            operation_id=side.operation("put", "user"),
            summary="Add or change a person",
        )(self.put)
        router.delete(
            f"{path}/{{name}}",
            status_code=204,
            responses=problems(404, 422, 429),
            openapi_extra=changing,
            operation_id=side.operation("delete", "user"),
            summary="Remove a person with all of their keys",
        )(self.delete)
        router.delete(
            f"{path}/{{name}}/totp",
            status_code=204,
            responses=problems(404, 422, 429),
            openapi_extra=changing,
            operation_id=side.operation("delete", "totp"),
            summary="Take a person's second factor away",
        )(self.delete_totp)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """By name."""
        account = self._side.enter(request, "read")
        page, next_cursor = page_of(self._directory.users.all(account), lambda user: user.name, cursor, limit)
        document = {"users": [self._view(user) for user in page], "next_cursor": next_cursor}
        return answered(document)

    async def show(self, request: Request, name: UserName) -> Response:
        """Their role, and whether they have a second factor."""
        account = self._side.enter(request, "read")
        return answered(self._view(self._found(account, name)))

    async def put(self, request: Request, name: UserName) -> Response:
        """What is not named gets its default. Another role, or `enabled: false`, holds for their keys at once."""
        account = self._side.enter(request, "write")
        fields = await read_as(request, _FIELDS)
        if fields.role not in roles_of(account):
            detail = f"there are {', '.join(roles_of(account))}"
            raise Problem(422, "invalid-request", "There is no such role.", [{"path": "role", "detail": detail}])
        if name == ME:
            raise Problem(409, "name-taken", "me is whoever asks.")
        present = self._directory.users.find(account, name)
        self._grant(request, account, fields.role, present)
        await dangerous(request, "users")
        by = actor_of(request)
        created_at, created_by = self._clock.now_ms(), by.name
        if present is not None:
            created_at, created_by = present.created_at, present.created_by
        user = User(account, name, fields.role, fields.full_name, fields.enabled, created_at, created_by)
        try:
            await asked(self._directory.put_user(by, user))
        except RegisterFull as full:
            raise Problem(409, "too-many-users", f"No more can be added: {full}.") from None
        return answered(self._view(user), 201 if present is None else 200)

    async def delete(self, request: Request, name: UserName) -> Response:
        """From the answer on none of their keys lets in."""
        account = self._side.enter(request, "write")
        user = self._found(account, name)
        self._grant(request, account, user.role)
        await dangerous(request, "users")
        if not await asked(self._directory.delete_user(actor_of(request), account, name)):
            raise _unknown()
        return Response(status_code=204)

    async def delete_totp(self, request: Request, name: UserName) -> Response:
        """For somebody who has lost it; they may enrol again. One's own goes by a code of it, whatever the policy says:
        a stolen key could put another in its place."""
        account = self._side.enter(request, "write")
        self._grant(request, account, self._found(account, name).role)
        caller: Caller = request.state.caller
        is_own = (caller.account, caller.user) == (account, name)
        if is_own and self._directory.second_factor.is_confirmed(account, name):
            danger: Danger = request.state.danger
            await danger.check_code(request, "totp")
        else:
            await dangerous(request, "users")
        if not await asked(self._directory.second_factor.remove(actor_of(request), account, name)):
            raise Problem(404, "no-totp", "This person has no second factor.")
        return Response(status_code=204)

    def _grant(self, request: Request, account: str, role: str, present: User | None = None) -> None:
        """Nobody makes, changes or removes somebody who may more than they do."""
        roles = {role, present.role if present else role}
        scopes = frozenset[str]().union(*(scopes_of(one, account) for one in roles))
        self._side.grants(request.state.caller, account, scopes)

    def _found(self, account: str, name: str) -> User:
        user = self._directory.users.find(account, name)
        if user is None:
            raise _unknown()
        return user

    def _view(self, user: User) -> dict[str, Any]:
        return {
            "name": user.name,
            "role": user.role,
            "full_name": user.full_name,
            "enabled": user.enabled,
            "has_totp": self._directory.second_factor.is_confirmed(user.account, user.name),
            "created_at": instant(user.created_at),
            "created_by": user.created_by,
        }


def _unknown() -> Problem:
    return Problem(404, "unknown-user", "There is nobody of that name.")
