"""The application behind ``/v1``: its endpoints, how errors are told, and how large a request may be."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

import smsagg
from smsagg.api.app import Receive, Scope, Send
from smsagg.api.v1.access import not_authenticated
from smsagg.api.v1.audit import Audit
from smsagg.api.v1.consent.compliance import Compliance
from smsagg.api.v1.consent.consents import LISTS, Consents
from smsagg.api.v1.danger import Danger
from smsagg.api.v1.description import describe
from smsagg.api.v1.directory import oauth
from smsagg.api.v1.directory.oauth import TokenEndpoint
from smsagg.api.v1.directory.routers import directory_routers
from smsagg.api.v1.entrance import Entrance, header
from smsagg.api.v1.events.events import Events
from smsagg.api.v1.events.timeline import Timeline
from smsagg.api.v1.messages.inbound import InboundMessages
from smsagg.api.v1.messages.messages import Messages
from smsagg.api.v1.messages.reading import prepare_batches, problem_of_errors
from smsagg.api.v1.messages.searching import MessageSearch, Searching
from smsagg.api.v1.messages.sending import Sending
from smsagg.api.v1.messages.writing import Writer
from smsagg.api.v1.personal_data import PersonalData, PersonalDataEndpoints
from smsagg.api.v1.problem import Problem
from smsagg.api.v1.resources.cards import CARD_KINDS, Cards
from smsagg.api.v1.resources.changing import Desk
from smsagg.api.v1.resources.number_pools import NumberPools
from smsagg.api.v1.resources.numbers import Numbers
from smsagg.api.v1.resources.resources import KINDS, Resources
from smsagg.api.v1.resources.senders import Senders
from smsagg.api.v1.templates.templates import TemplateEndpoints
from smsagg.api.v1.turns import Turns, metered
from smsagg.api.v1.verification.verifications import VerificationEndpoints
from smsagg.api.v1.webhooks.callback_secret import CallbackSecret
from smsagg.api.v1.webhooks.webhooks import WebhookEndpoints
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.directory.directory import Directory
from smsagg.engine.numbers.number_desk import NumberDesk

PREFIX = "/v1"
OPENAPI_PATH = f"{PREFIX}/openapi.json"
PUBLIC = frozenset({OPENAPI_PATH, f"{PREFIX}{oauth.PATH}"})
"""What needs no credential."""
Endpoint = Callable[[Request], Awaitable[Response]]
_DESCRIPTION = """Send messages and learn what became of them.

An answer of 202 means that the message is safe on disk. Errors are `application/problem+json` (RFC 9457)."""


class V1:
    """The application for an engine that is connected: who calls and how much they say is looked at first."""

    def __init__(
        self,
        engine: Engine,
        search: MessageSearch | None = None,
        load: Callable[[], float] = lambda: 0.0,
        personal_data: PersonalData = lambda _subject: iter(()),
        desk: Desk = lambda: None,
    ) -> None:
        """Without a ``search`` messages are found by their id only. ``load``: of what comes before HTTP, 0 to 1.
        ``desk`` changes the configuration at run time."""
        self._engine = engine
        core = engine.core
        self._turns = Turns(load)
        prepare_batches(core.config.http.batch_max)
        directory = Directory(core.config, engine.register, core.store.cipher, core.clock)
        self._credentials = directory.credentials
        self._entrance = Entrance(core.config, self._credentials, core.clock)
        self._sending = Sending(
            engine, Writer(core.config, engine.endpoints, engine.templates), self._turns.take, self._turns.taken
        )
        self._danger = Danger(directory.second_factor, lambda: core.config)
        messages = Messages(engine, self._sending)
        self._events = Events(engine, self._credentials.holds)
        self._credentials.on_changed.append(self._events.look_again)
        routers = [messages.router, self._events.router, Timeline(engine).router]
        routers.append(InboundMessages(engine).router)
        routers += [WebhookEndpoints(engine).router, CallbackSecret(engine).router]
        routers += [Consents(engine, one, self._turns.take).router for one in LISTS]
        routers += [
            PersonalDataEndpoints(engine, personal_data, is_operators=is_operators).router
            for is_operators in (False, True)
        ]
        routers += [Compliance(engine).router, Audit(engine).router]
        routers += [Resources(kind, desk).router for kind in KINDS]
        numbers = NumberDesk(engine.numbers.book, core.clock, lambda: engine.accounts)
        routers += [Senders(engine, desk).router, Numbers(engine, numbers).router, NumberPools(engine, numbers).router]
        routers += [Cards(kind, desk).router for kind in CARD_KINDS]
        self._token = TokenEndpoint(engine, directory)
        routers += [
            VerificationEndpoints(engine, self._sending).router,
            TemplateEndpoints(engine, self._turns.take).router,
        ]
        routers += [self._token.router, *directory_routers(engine, directory, desk)]
        if search is not None:
            routers.append(Searching(engine, search).router)
        self._api = _make_api(*routers)
        self._direct: Mapping[tuple[str, str], Endpoint] = {
            ("POST", f"{PREFIX}/messages"): messages.send,
            ("POST", f"{PREFIX}/messages/batch"): messages.send_batch,
        }
        """What has to be quick goes to its endpoint, past what it has no need of."""

    def reconfigure(self) -> None:
        """Heed the engine's configuration from now on."""
        config = self._engine.core.config
        self._credentials.reconfigure(config)
        self._entrance.reconfigure(config)
        self._token.reconfigure(config)
        prepare_batches(config.http.batch_max)
        self._sending.writer = Writer(config, self._engine.endpoints, self._engine.templates)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await metered(self._serve(scope, receive, send), self._turns.charge)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            state: dict[str, Any] = {"address_of": self._entrance.address_of}
            caller = None
            if scope["path"] not in PUBLIC:
                credential = self._entrance.admit(scope)
                limits = credential.limits
                if limits:
                    send = self._entrance.count(limits, send)
                caller = credential.caller
                state |= {"caller": caller, "danger": self._danger}
            scope["state"] = state
            octets_max = self._engine.core.config.http.body_octets_max
            said = header(scope, b"content-length")
            if said.isdigit() and int(said) > octets_max:
                raise _too_large(octets_max)
            await self._turns.begin()
            receive_checked = self._checked(receive, caller, octets_max)
            endpoint = self._direct.get((scope["method"], scope["path"]))
            if endpoint is None:
                await self._api(scope, receive_checked, send)
                return
            response = await endpoint(Request(scope, receive_checked))
        except Problem as problem:
            response = problem.response()
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _checked(self, receive: Receive, caller: Caller | None, octets_max: int) -> Receive:
        """``receive`` that raises :class:`Problem`: 413 when the body grows too large as it comes, 401 when at its end
        ``caller`` would be let in no more."""
        octets = 0

        async def checked() -> MutableMapping[str, Any]:
            nonlocal octets
            message = await receive()
            octets += len(message.get("body", b""))
            if octets > octets_max:
                raise _too_large(octets_max)
            has_come = message["type"] == "http.request" and not message["more_body"]
            if has_come and caller is not None and not self._credentials.holds(caller):
                raise not_authenticated()
            return message

        return checked


def _make_api(*routers: APIRouter) -> FastAPI:
    api = FastAPI(
        title="smsagg",
        version=smsagg.__version__,
        description=_DESCRIPTION,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in routers:
        api.include_router(router, prefix=PREFIX)
    api.state.routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    api.openapi = _once(lambda: describe(api))  # type: ignore[method-assign]
    api.add_exception_handler(Problem, _on_problem)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(Exception, _on_failure)
    return api


async def _on_problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_of_errors(error.errors()).response()


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "not-found", 405: "method-not-allowed"}
    status = error.status_code if error.status_code in (400, *known) else 400
    headers = {"Allow": _methods_at(request)} if status == 405 else None
    return Problem(status, known.get(status, "bad-request"), str(error.detail), headers=headers).response()


async def _on_failure(_request: Request, _error: Exception) -> Response:
    """The error itself goes on to the server, which notes it."""
    return Problem(500, "internal-error", "This failed, and is noted.").response()


def _methods_at(request: Request) -> str:
    """Every method that the path has, though each has a route of its own. Of routes that match the path the one that
    says most of it is meant: ``/numbers/{number:path}`` matches ``/numbers/1/actions`` too."""
    path, routes = request.url.path.removeprefix(PREFIX), request.app.state.routes
    found = [route for route in routes if route.path == path] or [r for r in routes if r.path_regex.match(path)]
    meant = max((route.path for route in found), key=len, default="")
    found = [route for route in found if route.path == meant]
    return ", ".join(sorted({method for route in found for method in route.methods}))


def _once(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    made: list[dict[str, Any]] = []

    def get() -> dict[str, Any]:
        if not made:
            made.append(make())
        return made[0]

    return get


def _too_large(octets_max: int) -> Problem:
    return Problem(413, "too-large", f"A request has at most {octets_max} octets.")
