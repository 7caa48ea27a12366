"""``/v1/webhooks``: an account's endpoints."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, actor_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked, event_id_after
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.times import milliseconds_of
from smsagg.api.v1.webhooks.shapes import (
    NewSecret,
    NewWebhook,
    Replay,
    ReplayAnswer,
    SecretAnswer,
    TestAnswer,
    WebhookAnswer,
    WebhookChange,
    WebhookMadeAnswer,
    WebhooksAnswer,
)
from smsagg.api.v1.webhooks.viewing import changed, members_of, secret_of, webhook_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.events.documents import name_of
from smsagg.events.endpoint import Endpoint
from smsagg.webhooks.egress import Egress, Forbidden

READ, WRITE = "webhooks:read", "webhooks:write"
TEXTS = "texts:read"
"""Besides, of who says where something is told, or what: endpoints are told texts and whole numbers."""

_NEW, _CHANGE = TypeAdapter(NewWebhook), TypeAdapter(WebhookChange)
_SECRET, _REPLAY = TypeAdapter(NewSecret), TypeAdapter(Replay)
_EXAMPLE = {"name": "crm", "url": "https://crm.example/hooks/sms", "events": ["message.delivered", "message.failed"]}
_SPAN = {"since": "2030-01-15T08:00:00Z", "until": "2030-01-15T09:00:00Z"}


class WebhookEndpoints:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = engine.endpoint_desk
        self.router = router = APIRouter(tags=["webhooks"])
        router.get(
            "/webhooks",
            response_model=WebhooksAnswer,
            responses=problems(),
            operation_id="list_webhooks",
            summary="List the account's webhooks",
        )(self.list)
        router.post(
            "/webhooks",
            status_code=201,
            response_model=WebhookMadeAnswer,
            responses=problems(409, 415, 422),
            openapi_extra=json_of(NewWebhook, {"ends only": _EXAMPLE}),
            operation_id="create_webhook",
            summary="Have an endpoint told what happens",
        )(self.make)
        router.get(
            "/webhooks/{name}",
            response_model=WebhookAnswer,
            responses=problems(404),
            operation_id="get_webhook",
            summary="Look at a webhook and how it stands",
        )(self.show)
        router.patch(
            "/webhooks/{name}",
            response_model=WebhookAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(WebhookChange, {"slower": {"rate": 5}}),
            operation_id="change_webhook",
            summary="Change a webhook",
        )(self.change)
        router.delete(
            "/webhooks/{name}",
            status_code=204,
            responses=problems(404, 409),
            operation_id="delete_webhook",
            summary="Delete a webhook",
        )(self.delete)
        router.post(
            "/webhooks/{name}/rotate-secret",
            response_model=SecretAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(NewSecret, {"within a day": {}, "at once": {"overlap_s": 0}}),
            operation_id="rotate_webhook_secret",
            summary="Give a webhook another secret",
        )(self.rotate)
        router.post(
            "/webhooks/{name}/enable",
            response_model=WebhookAnswer,
            responses=problems(404, 409),
            operation_id="enable_webhook",
            summary="Tell a webhook again",
        )(self.enable)
        router.post(
            "/webhooks/{name}/disable",
            response_model=WebhookAnswer,
            responses=problems(404, 409),
            operation_id="disable_webhook",
            summary="Tell a webhook nothing for now",
        )(self.disable)
        router.post(
            "/webhooks/{name}/test",
            status_code=202,
            response_model=TestAnswer,
            responses=problems(404, 409),
            operation_id="test_webhook",
            summary="Send a webhook a test event",
        )(self.test)
        router.post(
            "/webhooks/{name}/replay",
            status_code=202,
            response_model=ReplayAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(Replay, {"an hour": _SPAN}),
            operation_id="replay_webhook",
            summary="Send the events of a span of time again",
        )(self.replay)

    async def list(self, request: Request) -> Response:
        """Those of the configuration file and those made here."""
        found = self._desk.all(self._account(request, READ))
        return answered({"webhooks": [await self._told(found[name]) for name in sorted(found)]})

    async def make(self, request: Request) -> Response:
        """It is told what happens from the answer on, with texts and whole numbers: this needs `texts:read`, too. Its
        secret is shown here only."""
        account = self._account(request, WRITE)
        require(request.state.caller, TEXTS)
        new = await read_as(request, _NEW)
        self._check_url(new.url)
        members = members_of(new.model_dump(exclude={"name", "secret"}))
        made = await changed(self._desk.make(actor_of(request), account, new.name, new.secret or "", members))
        return answered({**await self._told(made), "secret": made.settings.secret}, 201)

    async def show(self, request: Request, name: str) -> Response:
        """With its last success and failure, and how many events it is owed."""
        return answered(await self._told(self._found(request, READ, name)))

    async def change(self, request: Request, name: str) -> Response:
        """In force for what is sent from the answer on. A webhook that is disabled because it failed is told again.
        Another `url` or other `events` need `texts:read`, too."""
        endpoint = self._found(request, WRITE, name)
        change = await read_as(request, _CHANGE)
        said = change.model_dump(exclude_unset=True)
        said = {member: value for member, value in said.items() if value is not None or member == "rate"}
        if said.keys() & {"url", "events"}:
            require(request.state.caller, TEXTS)
        if "url" in said:
            self._check_url(said["url"])
        return answered(
            await self._told(await changed(self._desk.change(actor_of(request), endpoint, members_of(said))))
        )

    async def delete(self, request: Request, name: str) -> Response:
        """What it is owed is forgotten."""
        await changed(self._desk.delete(actor_of(request), self._found(request, WRITE, name)))
        return Response(status_code=204)

    async def rotate(self, request: Request, name: str) -> Response:
        """Both secrets sign for `overlap_s`, so that receivers can change over without a gap. The new one is shown here
        only."""
        endpoint = self._found(request, WRITE, name)
        new = await read_as(request, _SECRET)
        overlap_ms = new.overlap_s * 1000
        return secret_of(await changed(self._desk.rotate(actor_of(request), endpoint, new.secret or "", overlap_ms)))

    async def enable(self, request: Request, name: str) -> Response:
        """First of all what it is owed is sent, as far as events are kept."""
        endpoint = self._found(request, WRITE, name)
        await changed(self._desk.enable(actor_of(request), endpoint))
        return answered(await self._told(endpoint))

    async def disable(self, request: Request, name: str) -> Response:
        """Until it is enabled. What happens meanwhile is owed to it."""
        endpoint = self._found(request, WRITE, name)
        await changed(self._desk.disable(actor_of(request), endpoint))
        return answered(await self._told(endpoint))

    async def test(self, request: Request, name: str) -> Response:
        """An event of type `webhook.test`, signed and tried as any other."""
        event_id = await changed(self._desk.test(self._found(request, WRITE, name)))
        return answered({"event": name_of(event_id)}, 202)

    async def replay(self, request: Request, name: str) -> Response:
        """Events that are still kept are sent again, under the same ids, with new timestamps and signatures. What is
        waiting to be sent already is sent once; called again after that, it is all sent again."""
        endpoint = self._found(request, WRITE, name)
        wanted = await read_as(request, _REPLAY)
        since = milliseconds_of(wanted.since, "since")
        until = self._now() if wanted.until is None else milliseconds_of(wanted.until, "until")
        if since > until:
            reason = "must not be after until"
            raise Problem(422, "invalid-span", f"since {reason}.", [{"path": "since", "detail": reason}])
        after = event_id_after(wanted.cursor)
        replayed = await changed(self._desk.replay(endpoint, since, until, wanted.types or (), after))
        cursor = name_of(replayed.after) if replayed.after else None
        return answered({"owed": replayed.owed, "next_cursor": cursor}, 202)

    def _account(self, request: Request, scope: str) -> str:
        caller: Caller = request.state.caller
        require(caller, scope)
        return account_of(caller, self._engine.accounts).name

    def _found(self, request: Request, scope: str, name: str) -> Endpoint:
        found = self._desk.all(self._account(request, scope)).get(name)
        if found is None:
            raise Problem(404, "unknown-webhook", "There is no such webhook.")
        return found

    def _check_url(self, url: str) -> None:
        try:
            Egress(self._engine.core.config.webhooks.allowed_networks).check_url(url)
        except Forbidden as error:
            detail = f"The webhook cannot be gone to: {error}."
            raise Problem(422, "invalid-url", detail, [{"path": "url", "detail": str(error)}]) from error

    async def _told(self, endpoint: Endpoint) -> dict[str, Any]:
        return webhook_of(endpoint, self._desk.standing(endpoint), await asked(self._desk.pending(endpoint)))

    def _now(self) -> int:
        return self._engine.core.clock.now_ms()
