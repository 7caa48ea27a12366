"""``POST /v1/oauth/token``: access tokens for OAuth clients (RFC 6749 §4.4, client credentials).

Answers and errors are OAuth's own JSON (§5.1, §5.2), as OAuth libraries expect them. Whoever fails is counted by
address and client as failed binds are (``[server.bind_failures]``); while banned there, even a right secret is not
looked at.
"""

import base64
import binascii
from collections.abc import Mapping
from math import ceil
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from smsagg.api.app import CERTIFICATE
from smsagg.api.v1.answering import answered
from smsagg.api.v1.problem import Problem
from smsagg.config.schema import Config
from smsagg.directory.key import Key
from smsagg.engine import Engine
from smsagg.engine.directory.directory import Directory
from smsagg.observe.log import RateLimitedLog
from smsagg.policy.bind_failures import BindFailures
from smsagg.policy.networks import subscriber_of

PATH = "/oauth/token"
FORM = "application/x-www-form-urlencoded"
FORM_OCTETS_MAX = 8_192
FIELDS_MAX = 20
CLIENT_ID_CHARACTERS_MAX = 200
"""So much of one is remembered of failures; no client has a longer one."""
_BASIC = "basic "
_CHALLENGE = 'Basic realm="smsagg"'
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Code = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


_EXAMPLE = {"grant_type": "client_credentials", "client_id": "erp", "client_secret": "sc_…", "scope": "messages:write"}


class TokenRequest(BaseModel):
    """A form. Who it is stands in ``Authorization: Basic …``, or in ``client_id`` and ``client_secret``."""

    grant_type: Literal["client_credentials"]
    scope: str = ""
    """Separated by blanks; empty: all that the client may."""
    client_id: str = ""
    client_secret: str = ""


class TokenAnswer(BaseModel):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    """Seconds."""
    scope: str


class TokenErrorAnswer(BaseModel):
    """RFC 6749 §5.2."""

    error: Code
    error_description: str


class TokenError(Exception):
    """Why there is no token."""

    def __init__(self, code: Code, detail: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.headers = headers or {}

    def response(self) -> Response:
        document = {"error": self.code, "error_description": str(self)}
        return answered(document, self.status, {**_NO_STORE, **self.headers})


class TokenEndpoint:
    """The endpoint."""

    def __init__(self, engine: Engine, directory: Directory) -> None:
        self._engine = engine
        self._tokens = directory.tokens
        self._clock = engine.core.clock
        self._failures = BindFailures(engine.core.config.server.bind_failures)
        self._log = RateLimitedLog(structlog.get_logger("smsagg.api"), now=self._clock.monotonic_s)
        self.router = router = APIRouter(tags=["directory"])
        refused: dict[int | str, dict[str, Any]] = {
            400: {"model": TokenErrorAnswer, "description": "There is no token for such a request."},
            401: {"model": TokenErrorAnswer, "description": "No such client, or not its secret, or not from there."},
            429: {"model": TokenErrorAnswer, "description": "Too many failures from this address."},
        }
        router.post(
            PATH,
            response_model=TokenAnswer,
            responses=refused,
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {FORM: {"schema": TokenRequest.model_json_schema(), "example": _EXAMPLE}},
                },
                "security": [{"client": []}, {}],
            },
            operation_id="issue_token",
            summary="Get an access token",
        )(self.issue)

    def reconfigure(self, config: Config) -> None:
        """Count failures as ``config`` says from now on."""
        self._failures.set_limits(config.server.bind_failures)

    async def issue(self, request: Request) -> Response:
        """OAuth 2.0 client credentials. The token is shown as `Authorization: Bearer at_…`; a restart ends it."""
        try:
            form = await _read_form(request)
            client = self._client(request, *_credentials_of(request, form))
            scopes = _scopes_of(form, client.allowed(client.role))
        except TokenError as error:
            return error.response()
        ttl_s = self._engine.core.config.directory.token_ttl
        token = self._tokens.issue(client, scopes, ttl_s)
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(ttl_s),
            "scope": " ".join(sorted(scopes)),
        }
        return answered(answer, headers=_NO_STORE)

    def _client(self, request: Request, client_id: str, secret: str) -> Key:
        client_id = client_id[:CLIENT_ID_CHARACTERS_MAX]
        address, now = request.state.address_of(request.scope), self._clock.monotonic_s()
        subscriber = subscriber_of(address)
        if self._failures.is_banned(subscriber, client_id, now, is_listed=False):
            ban_s = ceil(self._engine.core.config.server.bind_failures.ban)
            raise TokenError("invalid_client", "Too many failures from here.", 429, {"Retry-After": str(ban_s)})
        client = self._tokens.client(client_id, secret, address, request.scope.get(CERTIFICATE, frozenset()))
        if client is None:
            if any(self._failures.failed(subscriber, client_id, now)):
                self._log.warning("oauth_client_banned", address=address, key=address)
            raise _unknown_client()
        self._failures.succeeded(subscriber, client_id)
        return client


def _unknown_client() -> TokenError:
    return TokenError("invalid_client", "That is no client, or not its secret.", 401, {"WWW-Authenticate": _CHALLENGE})


async def _read_form(request: Request) -> dict[str, str]:
    """Each field once (§3.2); a form is short, and whoever sends more is not known yet."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise TokenError("invalid_request", f"The body must be {FORM}.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_OCTETS_MAX:
            raise Problem(413, "too-large", f"A form has at most {FORM_OCTETS_MAX} octets.")
    try:
        fields = parse_qsl(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise TokenError("invalid_request", "The body is no form.") from None
    form = dict(fields)
    if len(form) != len(fields):
        raise TokenError("invalid_request", "A field comes twice.")
    if not form.get("grant_type"):
        raise TokenError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise TokenError("unsupported_grant_type", "There is client_credentials only.")
    return form


def _credentials_of(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Id and secret, shown in one way of two (§2.3.1)."""
    authorization = request.headers.get("authorization", "")
    if not authorization:
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise TokenError("invalid_request", "The client shows its secret twice.")
    if authorization[: len(_BASIC)].lower() != _BASIC:
        raise _unknown_client()
    try:
        shown = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _unknown_client() from None
    client_id, _, secret = shown.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _scopes_of(form: Mapping[str, str], allowed: frozenset[str]) -> frozenset[str]:
    wanted = frozenset(form.get("scope", "").split())
    if not wanted <= allowed:
        raise TokenError("invalid_scope", "The client may not do all of that.")
    return wanted or allowed
