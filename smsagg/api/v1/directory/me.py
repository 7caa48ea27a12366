"""``/v1/me``: who asks, and their second factor."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of, not_authenticated
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER, Danger, problem_of_code
from smsagg.api.v1.description import json_of
from smsagg.api.v1.directory.key_shapes import TotpAnswer, TotpCode
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.problem import Problem, problems
from smsagg.config.schema import Config
from smsagg.directory.caller import Caller
from smsagg.engine.directory.directory import Directory
from smsagg.engine.directory.second_factor import CodeRefused

_CODE: TypeAdapter[TotpCode] = TypeAdapter(TotpCode)


class MeAnswer(BaseModel):
    """Who asks."""

    name: Annotated[str, Field(examples=["user:ann"])]
    """As it stands in the audit trail."""
    account: str | None
    """``null``: one of the operator's own."""
    user: str | None
    role: str
    scopes: list[str]
    expires_at: str | None
    has_totp: bool
    totp_for: list[str]
    """Operations that need a code of a second factor."""


class Me:
    """The endpoints."""

    def __init__(self, directory: Directory, config: Callable[[], Config]) -> None:
        self._directory = directory
        self._second_factor = directory.second_factor
        self._config = config
        self.router = router = APIRouter(tags=["directory"])
        router.get("/me", response_model=MeAnswer, responses=problems(), operation_id="get_me", summary="Who asks")(
            self.show
        )
        router.post(
            "/users/me/totp",
            status_code=201,
            response_model=TotpAnswer,
            responses=problems(429),
            openapi_extra={"parameters": [PARAMETER]},
            operation_id="enrol_totp",
            summary="Begin with a second factor",
        )(self.enrol)
        router.post(
            "/users/me/totp/confirm",
            status_code=204,
            responses=problems(415, 422, 429),
            openapi_extra=json_of(TotpCode, {"a code": {"code": "123456"}}),
            operation_id="confirm_totp",
            summary="Confirm a second factor",
        )(self.confirm)

    async def show(self, request: Request) -> Response:
        """Name, role and scopes of whoever's key this is."""
        caller: Caller = request.state.caller
        document = {
            "name": caller.name,
            "account": caller.account or None,
            "user": caller.user or None,
            "role": caller.role,
            "scopes": sorted(caller.scopes),
            "expires_at": None if caller.expires_at is None else instant(caller.expires_at),
            "has_totp": bool(caller.user) and self._second_factor.is_confirmed(caller.account, caller.user),
            "totp_for": list(self._config().directory.totp_for),
        }
        return answered(document)

    async def enrol(self, request: Request) -> Response:
        """A person's own. Whoever has one that was confirmed shows a code of it, whatever the policy says."""
        caller = _person(request)
        if self._second_factor.is_confirmed(caller.account, caller.user):
            danger: Danger = request.state.danger
            await danger.check_code(request, "totp")
        uri = await asked(self._directory.enrol(actor_of(request), caller.account, caller.user))
        if uri is None:
            raise not_authenticated()
        return answered({"uri": uri}, 201, {"Cache-Control": "no-store"})

    async def confirm(self, request: Request) -> Response:
        """With its first code; from then on it counts."""
        caller = _person(request)
        code = (await read_as(request, _CODE)).code
        try:
            await asked(self._second_factor.confirm(actor_of(request), caller.account, caller.user, code))
        except CodeRefused as refused:
            raise problem_of_code(refused) from None
        return Response(status_code=204)


def _person(request: Request) -> Caller:
    caller: Caller = request.state.caller
    if not caller.user:
        raise Problem(403, "no-user", "This key is nobody's; people have second factors.")
    return caller
