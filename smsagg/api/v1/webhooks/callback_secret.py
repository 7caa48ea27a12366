"""``/v1/callback-secret``: what signs the callbacks of an account's messages."""

from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, actor_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.webhooks.shapes import CallbackSecretAnswer, NewSecret, SecretAnswer
from smsagg.api.v1.webhooks.viewing import changed, instant_or_none, secret_of
from smsagg.api.v1.webhooks.webhooks import READ, WRITE
from smsagg.directory.caller import Caller
from smsagg.engine import Engine

_SECRET = TypeAdapter(NewSecret)


class CallbackSecret:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = engine.endpoint_desk
        self.router = router = APIRouter(tags=["webhooks"])
        router.get(
            "/callback-secret",
            response_model=CallbackSecretAnswer,
            responses=problems(404),
            operation_id="get_callback_secret",
            summary="Look whether there is a secret for callbacks",
        )(self.show)
        router.post(
            "/callback-secret",
            response_model=SecretAnswer,
            responses=problems(409, 415, 422),
            openapi_extra=json_of(NewSecret, {"the first one": {}, "at once": {"overlap_s": 0}}),
            operation_id="rotate_callback_secret",
            summary="Make a secret for callbacks, or another one",
        )(self.rotate)

    async def show(self, request: Request) -> Response:
        """Without one, messages cannot name a `callback_url`."""
        found = self._desk.callbacks(self._account(request, READ))
        if found is None:
            raise Problem(404, "no-callback-secret", "There is none. POST makes one.")
        document = {"source": found.source.value, "created_at": instant_or_none(found.created_at)}
        return answered({**document, "old_secret_until": instant_or_none(found.old_secret_until)})

    async def rotate(self, request: Request) -> Response:
        """It signs what is told of messages that name a `callback_url`. It is shown here only."""
        account = self._account(request, WRITE)
        new = await read_as(request, _SECRET)
        changing = self._desk.rotate_callbacks(actor_of(request), account, new.secret or "", new.overlap_s * 1000)
        return secret_of(await changed(changing))

    def _account(self, request: Request, scope: str) -> str:
        caller: Caller = request.state.caller
        require(caller, scope)
        return account_of(caller, self._engine.accounts).name
