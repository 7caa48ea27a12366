"""``/v1/personal-data`` and ``/v1/admin/personal-data``: what is held about a number, and having it taken out."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated

import trio
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response, StreamingResponse

from smsagg.api.v1.access import account_of, actor_of, operator_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER, dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.problem import Problem, problems
from smsagg.consent.listing import number_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.erasing.erasures import Erasure
from smsagg.errors import ErasuresFull, StoreError
from smsagg.protection.subject import DataSubject, pseudonym_of

EXPORTS_MAX = 2
"""At once; each reads through the store."""
SCOPE = "personal-data:write"
NDJSON = "application/x-ndjson"

PersonalData = Callable[[DataSubject], Iterator[bytes]]
"""Lines of JSON about somebody, none or several of them at each step, which takes some milliseconds."""


class Subject(BaseModel):
    """Whose data."""

    model_config = ConfigDict(extra="forbid")
    number: Annotated[str, Field(min_length=4, max_length=32, examples=["+447700900123"])]
    """International, with or without ``+``."""


class ErasureAnswer(BaseModel):
    """How far an erasure is."""

    id: Annotated[str, Field(examples=["era_5f0c2b7d9a1e4c3b8d6f0a21"])]
    state: Annotated[str, Field(examples=["running"])]
    """``running``; ``waiting`` for messages to the number that live; ``done``."""
    pseudonym: Annotated[str, Field(examples=["erased-1f3870be274f"])]
    """What stands for the number in records that stay."""
    changed: int
    """Records that named the number so far."""
    started_at: str
    done_at: str | None


class PersonalDataEndpoints:
    """The endpoints of an account's own, or the operator's, over an engine."""

    def __init__(self, engine: Engine, find: PersonalData, *, is_operators: bool) -> None:
        self._engine = engine
        self._find = find
        self._is_operators = is_operators
        self._exports = 0
        self._subject: TypeAdapter[Subject] = TypeAdapter(Subject)
        prefix = "/admin/personal-data" if is_operators else "/personal-data"
        name = "admin_{}_personal_data" if is_operators else "{}_personal_data"
        body = json_of(Subject, {"a number": {"number": "+447700900123"}})
        self.router = router = APIRouter(tags=["personal data"])
        router.post(
            f"{prefix}/export",
            response_class=StreamingResponse,
            responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}, **problems(415, 422)},
            openapi_extra=body | {"parameters": [PARAMETER]},
            operation_id=name.format("export"),
            summary="Get all that is held about a number",
        )(self.export)
        router.post(
            f"{prefix}/erase",
            status_code=202,
            response_model=ErasureAnswer,
            responses=problems(415, 422),
            openapi_extra=body | {"parameters": [PARAMETER]},
            operation_id=name.format("erase"),
            summary="Take a number and its texts out of all records",
        )(self.erase)
        router.get(
            f"{prefix}/erasures/{{erasure_id}}",
            response_model=ErasureAnswer,
            responses=problems(404, 422),
            operation_id=name.format("show_erasure_of"),
            summary="Look how far an erasure is",
        )(self.show)

    async def export(self, request: Request) -> Response:
        """JSON lines, each with its `kind`: messages, events, what is owed, consents, verifications, conversations. The
        last one is `{"kind": "end", "records": …}`; without it the answer was cut off."""
        account, digits = await self._asked(request)
        if self._exports >= EXPORTS_MAX:
            raise Problem(429, "too-many-exports", f"At most {EXPORTS_MAX} exports run at once.", headers=_LATER)
        await dangerous(request, "personal-data")
        pseudonym = pseudonym_of(self._engine.core.store.cipher, digits)
        noted = self._engine.register.note(actor_of(request), "personal-data.export", pseudonym, {}, account)
        await asked(noted)
        return StreamingResponse(self._lines(DataSubject(digits, account)), media_type=NDJSON)

    async def erase(self, request: Request) -> Response:
        """Of messages that are over, events, what handsets wrote, opt-ins and verifications: texts are gone, and a
        pseudonym stands for the number. Messages that live go their way first. A suppression stays, or the number would
        be written to again."""
        account, digits = await self._asked(request)
        await dangerous(request, "personal-data")
        try:
            erasure = await asked(self._engine.erasures.start(actor_of(request), account, digits))
        except ErasuresFull as full:
            raise Problem(429, "too-many-erasures", f"{full}.", headers=_LATER) from full
        return answered(_told(erasure), 202)

    async def show(self, request: Request, erasure_id: str) -> Response:
        """It is remembered when it is done, without the number."""
        erasure = self._engine.erasures.find(self._account(request), erasure_id)
        if erasure is None:
            raise Problem(404, "unknown-erasure", "There is no such erasure.")
        return answered(_told(erasure))

    async def _lines(self, subject: DataSubject) -> AsyncIterator[bytes]:
        """What fails on the way ends without its last line."""
        if self._exports >= EXPORTS_MAX:  # others came while the answer began
            return
        self._exports += 1
        found = self._find(subject)
        try:
            while (lines := await trio.to_thread.run_sync(next, found, None)) is not None:
                if lines:
                    yield lines
        except StoreError:
            return
        finally:
            self._exports -= 1

    async def _asked(self, request: Request) -> tuple[str, str]:
        """On whose behalf, and the digits of whose number; raises :class:`Problem`."""
        account = self._account(request)
        digits = number_of((await read_as(request, self._subject)).number)
        if digits is None:
            reason = "is no international number"
            raise Problem(422, "invalid-number", f"The number {reason}.", [{"path": "number", "detail": reason}])
        return account, digits

    def _account(self, request: Request) -> str:
        caller: Caller = request.state.caller
        if self._is_operators:
            operator_of(caller, SCOPE)
            return ""
        require(caller, SCOPE)
        return account_of(caller, self._engine.accounts).name


_LATER = {"Retry-After": "60"}


def _told(erasure: Erasure) -> dict[str, object]:
    return {
        "id": erasure.erasure_id,
        "state": erasure.state,
        "pseudonym": erasure.pseudonym,
        "changed": erasure.changed,
        "started_at": instant(erasure.started_at),
        "done_at": instant(erasure.done_at) if erasure.done_at else None,
    }
