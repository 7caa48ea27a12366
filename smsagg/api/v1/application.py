"""The application behind ``/v1``: its endpoints, how errors are told, and how large a request may be."""

from collections.abc import MutableMapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response

import smsagg
from smsagg.api.app import Receive, Scope, Send
from smsagg.api.v1.access import ApiKeys
from smsagg.api.v1.events import Events
from smsagg.api.v1.messages import Messages
from smsagg.api.v1.problem import Problem
from smsagg.api.v1.searching import MessageSearch, Searching
from smsagg.api.v1.sending import Sending
from smsagg.api.v1.writing import Writer
from smsagg.engine import Engine

PREFIX = "/v1"
OPENAPI_PATH = f"{PREFIX}/openapi.json"
_BEARER = HTTPBearer(auto_error=False, description="An API key: sk_…")
"""For the description; keys are checked before anything is read."""
_DESCRIPTION = """Send messages and learn what became of them.

An answer of 202 means that the message is safe on disk. Errors are `application/problem+json` (RFC 9457)."""


class V1:
    """The application for an engine that is connected: who calls and how much they say is looked at first."""

    def __init__(self, engine: Engine, search: MessageSearch | None = None) -> None:
        """Without a ``search`` messages are found by their id only."""
        self._engine = engine
        core = engine.core
        self._keys = ApiKeys(core.config, core.clock.now_ms)
        self._sending = Sending(engine, Writer(core.config))
        routers = [Messages(engine, self._sending).router, Events(engine).router]
        if search is not None:
            routers.append(Searching(engine, search).router)
        self._api = _make_api(*routers)

    def reconfigure(self) -> None:
        """Heed the engine's configuration from now on."""
        config = self._engine.core.config
        self._keys.reconfigure(config)
        self._sending.writer = Writer(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] != OPENAPI_PATH:
                scope["state"] = {"caller": self._keys.caller(_header(scope, b"authorization"))}
            octets_max = self._engine.core.config.http.body_octets_max
            said = _header(scope, b"content-length")
            if said.isdigit() and int(said) > octets_max:
                raise _too_large(octets_max)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        await self._api(scope, _counted(receive, octets_max), send)


def _make_api(*routers: APIRouter) -> FastAPI:
    api = FastAPI(
        title="smsagg",
        version=smsagg.__version__,
        description=_DESCRIPTION,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
    )
    for router in routers:
        api.include_router(router, prefix=PREFIX, dependencies=[Security(_BEARER)])
    api.add_exception_handler(Problem, _on_problem)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    return api


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _on_problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Problem(400, "not-json", "The request is not JSON.").response()
    errors = [{"path": _path(one["loc"]), "detail": one["msg"]} for one in found]
    return Problem(422, "invalid-request", "The request is not as it must be.", errors).response()


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    status = error.status_code if error.status_code in (400, *known) else 400
    problem = Problem(status, known.get(status, "bad-request"), str(error.detail), headers=error.headers)
    return problem.response()


def _path(location: tuple[int | str, ...]) -> str:
    """``to``, ``messages[3].text``: where in the body (or in a header or the path)."""
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or str(location[0])


def _counted(receive: Receive, octets_max: int) -> Receive:
    """``receive`` that fails with 413 when the body grows too large as it comes."""
    octets = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal octets
        message = await receive()
        octets += len(message.get("body", b""))
        if octets > octets_max:
            raise HTTPException(413, _too_large(octets_max).detail)
        return message

    return counted


def _too_large(octets_max: int) -> Problem:
    return Problem(413, "too-large", f"A request has at most {octets_max} octets.")
