"""Errors as RFC 9457 says: ``application/problem+json`` with a status, a title, and what exactly is wrong.

``type`` is a relative reference that never changes (``"problems/no-credit"``); ``errors`` names members of the request.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from smsagg.model import Refusal
from smsagg.smpp.status import (
    ESME_RINVDSTADR,
    ESME_RINVEXPIRY,
    ESME_RINVMSGLEN,
    ESME_RINVSCHED,
    ESME_RINVSRCADR,
    ESME_RMSGQFUL,
    ESME_RSUBMITFAIL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    name_of,
)

MEDIA_TYPE = "application/problem+json"

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    402: "No credit",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not as it must be",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal error",
    503: "Not now",
}
_STATUSES = {
    ESME_RTHROTTLED: 429,
    ESME_RMSGQFUL: 429,
    ESME_RSYSERR: 503,
    ESME_RINVDSTADR: 422,
    ESME_RINVSRCADR: 422,
    ESME_RINVMSGLEN: 422,
    ESME_RINVSCHED: 422,
    ESME_RINVEXPIRY: 422,
    ESME_RSUBMITFAIL: 422,
}
"""What a refusal is over HTTP; every other command_status is the message's fault too: 422."""
_MEMBERS = {
    ESME_RINVDSTADR: "to",
    ESME_RINVSRCADR: "from",
    ESME_RINVMSGLEN: "text",
    ESME_RINVSCHED: "send_at",
    ESME_RINVEXPIRY: "ttl",
}
_WHY = {
    ESME_RTHROTTLED: "more come than may",
    ESME_RMSGQFUL: "too many wait already",
    ESME_RSYSERR: "it could not be made safe",
}


class Problem(Exception):
    """What a request is answered instead of what it asked for."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``kind`` is the last part of ``type``; ``errors`` are objects with ``path`` and ``detail``."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The body."""
        document: dict[str, Any] = {
            "type": f"problems/{self.kind}",
            "title": _TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return document

    def response(self) -> Response:
        return Response(orjson.dumps(self.document()), self.status, self.headers, MEDIA_TYPE)


def problem_of(refusal: Refusal) -> Problem:
    """The problem that says what ``refusal`` says to an ESME. Total: every command_status has one."""
    status = _STATUSES.get(refusal.command_status, 422)
    if refusal.reason == "no_credit":
        status = 402
    if refusal.reason == "duplicate" and status != 429:
        status = 409
    reason = refusal.reason or name_of(refusal.command_status).removeprefix("ESME_").lower()
    member = _MEMBERS.get(refusal.command_status)
    errors = [{"path": member, "detail": reason}] if member and status == 422 else []
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return Problem(status, reason.replace("_", "-"), _detail_of(refusal), errors, headers)


def _detail_of(refusal: Refusal) -> str:
    if refusal.message_id:
        return f"A message with this text was taken for this number a while ago: {refusal.message_id}."
    if refusal.reason:
        return f"The message is not taken: {refusal.reason.replace('_', ' ')}."
    name = name_of(refusal.command_status)
    why = _WHY.get(refusal.command_status)
    return f"The message is not taken: {why} ({name})." if why else f"The message is not taken ({name})."


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description}
    for status, description in {
        400: "The request is not HTTP, or its body is not JSON.",
        401: "No API key, or one that is not known.",
        402: "No credit.",
        403: "The key may not do that.",
        404: "The account has nothing of that name.",
        409: "What it is about has moved on, or the Idempotency-Key was used for another request.",
        408: "The request came too slowly.",
        412: "It is another version than the one that `If-Match` says.",
        413: "The request, or the batch, is too large.",
        415: "The body is not JSON, or is compressed.",
        422: "The request, or the message, is not right; `errors` names the members.",
        429: "Too much at once: over a rate, a quota or a full queue. See Retry-After.",
        431: "The headers are too large.",
        503: "Not now: too busy, or the store fails. Nothing was taken.",
    }.items()
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an endpoint that may answer with these, and as all do with 401 and 403. ``description`` adds
    the body: FastAPI would make a model of it for each, which is most of a start."""
    return {status: _PROBLEMS[status] for status in (401, 403, *statuses)}
