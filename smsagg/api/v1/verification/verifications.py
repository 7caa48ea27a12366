"""``/v1/verifications``: send a code, check what was typed in, send another, cancel, look."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, require, sees
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.description import REPEATABLE, REPLAYED, body_of, json_of, links_of
from smsagg.api.v1.masking import unnamed
from smsagg.api.v1.messages.reading import idempotency_key, read_as
from smsagg.api.v1.messages.sending import Answer, Call, Seen, Sending
from smsagg.api.v1.messages.shapes import NewMessage
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.verification.shapes import CheckAnswer, NewCheck, NewVerification, VerificationAnswer
from smsagg.api.v1.verification.verifying import (
    FirstMessage,
    FurtherMessage,
    message_of,
    problem_of_end,
    view_of,
    wording_of,
)
from smsagg.config.schema import VerificationSettings
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.accounts import Account
from smsagg.engine.verification.verifications import Begun
from smsagg.errors import StoreError
from smsagg.verification import Verification

SCOPE = "verifications:write"
_NEW: TypeAdapter[NewVerification] = TypeAdapter(NewVerification)
_CHECK: TypeAdapter[NewCheck] = TypeAdapter(NewCheck)
_EXAMPLE = {"to": "+447700900123", "brand": "ACME"}
_LETTERS = {
    "to": "0664 1234567", "region": "AT", "brand": "ACME", "locale": "de-AT", "alphabet": "alphanumeric",
    "code_length": 8, "ttl": 300, "reference": "login-4711",
}  # fmt: skip
_TEMPLATE = {"to": "+447700900123", "template": "login", "params": {"minutes": 10}}


class VerificationEndpoints:
    """Over an engine."""

    def __init__(self, engine: Engine, sending: Sending) -> None:
        self._engine = engine
        self._sending = sending
        self.router = router = APIRouter(tags=["verifications"])
        then = ("get_verification", "check_verification", "resend_verification", "cancel_verification")
        links = links_of("verification_id", *then)
        taken: dict[int | str, dict[str, Any]] = {202: {"description": "The code is on its way.", "headers": REPLAYED}}
        router.post(
            "/verifications",
            status_code=202,
            response_model=VerificationAnswer,
            responses={202: {**taken[202], "links": links}, **problems(402, 409, 415, 422, 429)},
            openapi_extra=body_of(NewVerification, {"digits": _EXAMPLE, "letters": _LETTERS, "by template": _TEMPLATE}),
            operation_id="start_verification",
            summary="Send a code to a number",
        )(self.start)
        router.get(
            "/verifications/{verification_id}",
            response_model=VerificationAnswer,
            responses=problems(404),
            operation_id="get_verification",
            summary="Look at a verification",
        )(self.show)
        router.post(
            "/verifications/{verification_id}/check",
            response_model=CheckAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(NewCheck, {"typed in": {"code": "493 817"}}),
            operation_id="check_verification",
            summary="Check a code that was typed in",
        )(self.check)
        router.post(
            "/verifications/{verification_id}/resend",
            status_code=202,
            response_model=VerificationAnswer,
            responses={**taken, **problems(402, 404, 409, 422, 429)},
            openapi_extra=dict(REPEATABLE),
            operation_id="resend_verification",
            summary="Send one more code",
        )(self.resend)
        router.post(
            "/verifications/{verification_id}/cancel",
            response_model=VerificationAnswer,
            responses=problems(404, 409),
            operation_id="cancel_verification",
            summary="Have its codes be of no use any more",
        )(self.cancel)

    async def start(self, request: Request) -> Response:
        """Answered 202 after the verification and its message are safe on disk, in one commit."""
        account = self._caller(request)
        key, wanted = idempotency_key(request.headers), await read_as(request, _NEW)
        service, wording = self._engine.verifications, wording_of(wanted)
        code = service.new_code(account, wanted.alphabet, wanted.code_length)
        ttl_s = wanted.ttl or int(self._settings.ttl)
        begun = Begun(service.new_id(), code, wording, wanted.reference, ttl_s * 1000)
        message = message_of(orjson.loads(wording), begun.verification_id, wanted.to, wanted.region, code, ttl_s)
        purpose = FirstMessage(service, begun)
        return (await self._send(account, message, purpose, key, b"verifications\0" + await request.body())).response()

    async def show(self, request: Request, verification_id: str) -> Response:
        """How it stands; a foreign id answers as an unknown one."""
        account = self._caller(request)
        return self._shown(request, await self._found(account, verification_id))

    async def check(self, request: Request, verification_id: str) -> Response:
        """Answered after the attempt is on disk. `approved` is answered once: whoever checks what is over gets 409."""
        account = self._caller(request)
        told = await read_as(request, _CHECK)
        checked = await asked(self._engine.verifications.check(account.name, verification_id, told.code))
        if checked is None:
            raise _unknown()
        after = checked.verification
        if checked.is_late:
            raise problem_of_end(after)
        document = {"id": after.verification_id, "status": after.state, "attempts_left": after.attempts_left}
        return answered(document)

    async def resend(self, request: Request, verification_id: str) -> Response:
        """A further message with a code of its own; those that were sent before are of use as well."""
        account, settings = self._caller(request), self._settings
        key, service = idempotency_key(request.headers), self._engine.verifications
        async with service.turn(verification_id):
            before = await self._found(account, verification_id)
            wording = orjson.loads(before.wording)
            code = service.new_code(account, wording["alphabet"], wording["code_length"])
            ttl_s = (before.expires_at - self._engine.core.clock.now_ms()) // 1000
            message = message_of(wording, verification_id, f"+{before.recipient}", None, code, ttl_s)
            purpose = FurtherMessage(service, before, code, settings)
            answer = await self._send(account, message, purpose, key, b"resend\0" + verification_id.encode())
        if not sees(request.state.caller):
            answer = answer._replace(body=orjson.dumps(unnamed(orjson.loads(answer.body))))
        return answer.response()

    async def cancel(self, request: Request, verification_id: str) -> Response:
        """Answered after the commit; a message that no carrier has yet is not sent."""
        account = self._caller(request)
        cancelled = await asked(self._engine.verifications.cancel(account.name, verification_id))
        if cancelled is None:
            raise _unknown()
        if cancelled.is_late:
            raise problem_of_end(cancelled.verification)
        for message_id in cancelled.verification.message_ids.split():
            with suppress(StoreError):  # then it goes out, and its code is of no use
                await self._engine.control.cancel(account.name, message_id, lambda _message: True)
        return self._shown(request, cancelled.verification)

    @property
    def _settings(self) -> VerificationSettings:
        return self._engine.core.config.verification

    def _caller(self, request: Request) -> Account:
        caller: Caller = request.state.caller
        require(caller, SCOPE)
        return account_of(caller, self._engine.accounts)

    def _shown(self, request: Request, verification: Verification) -> Response:
        document = view_of(verification, self._settings)
        return answered(document if sees(request.state.caller) else unnamed(document))

    async def _found(self, account: Account, verification_id: str) -> Verification:
        found = await asked(self._engine.verifications.find(account.name, verification_id))
        if found is None:
            raise _unknown()
        return found

    async def _send(
        self, account: Account, message: NewMessage, purpose: FirstMessage | FurtherMessage, key: str, request: bytes
    ) -> Answer:
        def render(seen: Sequence[Seen]) -> tuple[int, bytes]:
            if isinstance(seen[0], Problem):
                raise seen[0]
            assert purpose.verification is not None
            return 202, orjson.dumps(view_of(purpose.verification, self._settings))

        call = Call(account, [message], lambda _parts: {}, render, purpose)
        answer = await self._sending.send(call, key, request)
        if not answer.is_replayed and purpose.verification is not None:
            self._engine.verifications.sent(purpose.verification)
        return answer


def _unknown() -> Problem:
    return Problem(404, "unknown-verification", "There is no such verification.")
