"""``/v1/messages``: send, look at, cancel."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from smsagg.api.v1.access import account_of, require, sees
from smsagg.api.v1.answering import answered
from smsagg.api.v1.description import REPLAYED, body_of, links_of
from smsagg.api.v1.masking import unnamed
from smsagg.api.v1.messages.reading import idempotency_key, read_batch, read_message
from smsagg.api.v1.messages.sending import Call, Seen, Sending, View
from smsagg.api.v1.messages.shapes import BatchAnswer, MessageAnswer, NewBatch, NewMessage
from smsagg.api.v1.messages.viewing import view_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.accounts import Account
from smsagg.errors import StoreError
from smsagg.tables.cards import currency_of

_EXAMPLE = {"to": "+447700900123", "from": "ACME", "text": "Your code is on its way."}
_LATER = {**_EXAMPLE, "send_at": "2030-01-15T08:00:00Z", "ttl": 3600, "reference": "order-4711"}


class Messages:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine, sending: Sending) -> None:
        self._engine = engine
        self._sending = sending
        self.router = router = APIRouter(tags=["messages"])
        taken: dict[int | str, dict[str, Any]] = {202: {"description": "Safe, and on its way.", "headers": REPLAYED}}
        links = links_of("message_id", "get_message", "cancel_message", "list_message_events")
        linked: dict[int | str, dict[str, Any]] = {202: {**taken[202], "links": links}}
        router.post(
            "/messages",
            status_code=202,
            response_model=MessageAnswer,
            responses={**linked, **problems(402, 409, 415, 422, 429)},
            openapi_extra=body_of(NewMessage, {"now": _EXAMPLE, "later": _LATER}),
            operation_id="send_message",
            summary="Send a message",
        )(self.send)
        router.post(
            "/messages/batch",
            status_code=202,
            response_model=BatchAnswer,
            responses={**taken, **problems(409, 415, 422)},
            openapi_extra=body_of(NewBatch, {"two messages": {"messages": [_EXAMPLE, _LATER]}}),
            operation_id="send_messages",
            summary="Send many messages in one call",
        )(self.send_batch)
        router.get(
            "/messages/{message_id}",
            response_model=MessageAnswer,
            responses=problems(404),
            operation_id="get_message",
            summary="Look at a message",
        )(self.show)
        router.post(
            "/messages/{message_id}/cancel",
            response_model=MessageAnswer,
            responses=problems(404, 409),
            operation_id="cancel_message",
            summary="Cancel a message that no carrier has yet",
        )(self.cancel)

    async def send(self, request: Request) -> Response:
        """Answered 202 after the message is safe on disk; from then on it is sent, or its failure is told."""
        account = self._caller(request, "messages:write")
        key = idempotency_key(request.headers)
        message, body = await read_message(request)

        def render(seen: Sequence[Seen]) -> tuple[int, bytes]:
            if isinstance(seen[0], Problem):
                raise seen[0]
            return 202, orjson.dumps(seen[0])

        call = Call(account, [message], self._view_for(account), render)
        answer = await self._sending.send(call, key, b"messages\0" + body)
        return answer.response()

    async def send_batch(self, request: Request) -> Response:
        """One result for each message; those that are taken are committed at once."""
        account = self._caller(request, "messages:write")
        key = idempotency_key(request.headers)
        messages, body = await read_batch(request, self._engine.core.config.http.batch_max)

        def render(seen: Sequence[Seen]) -> tuple[int, bytes]:
            results = [_result(index, one) for index, one in enumerate(seen)]
            refused = sum(isinstance(one, Problem) for one in seen)
            document = {"accepted": len(seen) - refused, "refused": refused, "results": results}
            return 202, orjson.dumps(document)

        call = Call(account, messages, self._view_for(account), render)
        answer = await self._sending.send(call, key, b"batch\0" + body)
        return answer.response()

    async def show(self, request: Request, message_id: str) -> Response:
        """Its state and what is known of it; a foreign id answers as an unknown one."""
        account = self._caller(request, "messages:read")
        document = await self._found(account, message_id)
        return _shown(request, document)

    async def cancel(self, request: Request, message_id: str) -> Response:
        """Answered after the commit: it will never be sent."""
        account = self._caller(request, "messages:write")
        await self._found(account, message_id)
        try:
            is_cancelled = await self._engine.control.cancel(account.name, message_id, lambda _message: True)
        except StoreError as error:
            raise _not_now() from error
        if not is_cancelled:
            raise Problem(409, "already-sent", "A carrier has the message already, or it is over.")
        return _shown(request, await self._found(account, message_id))

    def _caller(self, request: Request, scope: str) -> Account:
        caller: Caller = request.state.caller
        require(caller, scope)
        return account_of(caller, self._engine.accounts)

    async def _found(self, account: Account, message_id: str) -> dict[str, Any]:
        try:
            found = await self._engine.control.find_all(account.name, message_id)
        except StoreError as error:
            raise _not_now() from error
        if not found:
            raise Problem(404, "unknown-message", "There is no such message.")
        return self._view_for(account)(found[:1])

    def _view_for(self, account: Account) -> View:
        core = self._engine.core
        currency, is_priced = currency_of(core.config, account.settings), account.name in core.tables.prices
        return lambda parts: view_of(parts, currency, is_priced, core.clock.now_ms())


def _result(index: int, seen: Seen) -> dict[str, Any]:
    if isinstance(seen, Problem):
        return {"index": index, "message": None, "problem": seen.document()}
    return {"index": index, "message": seen, "problem": None}


def _shown(request: Request, document: dict[str, Any]) -> Response:
    return answered(document if sees(request.state.caller) else unnamed(document))


def _not_now() -> Problem:
    return Problem(503, "store-failing", "The store cannot be asked just now.", headers={"Retry-After": "1"})
