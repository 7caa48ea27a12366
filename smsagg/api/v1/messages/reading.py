"""Reads what a request asks for: its body, as JSON, checked once against its shape.

JSON goes straight to the shape without becoming Python objects first. What is no JSON text as RFC 8259 has it (octets
that are no UTF-8, half a surrogate pair, nesting without end) is 400; of a member that comes twice the last counts.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import Headers
from starlette.requests import Request

from smsagg.api.v1.messages.shapes import NewBatch, NewMessage
from smsagg.api.v1.problem import Problem

KEY_CHARACTERS_MAX = 255
ERRORS_MAX = 50
"""So many members are named; a request with more wrong ones has been told enough."""

Shape = TypeVar("Shape")

_MESSAGE: TypeAdapter[NewMessage] = TypeAdapter(NewMessage)


async def read_message(request: Request) -> tuple[NewMessage, bytes]:
    """One message, and the octets that asked for it; raises :class:`Problem`."""
    body = await _read_json(request)
    return _validated(_MESSAGE, body), body


async def read_batch(request: Request, batch_max: int) -> tuple[list[NewMessage], bytes]:
    """Up to ``batch_max`` messages, and the octets that asked for them; raises :class:`Problem`.

    A message too many ends the reading, however many more there are.
    """
    body = await _read_json(request)
    return _validated(_batch_of(batch_max), body).messages, body


async def read_as(request: Request, adapter: TypeAdapter[Shape]) -> Shape:
    """What the body says, as ``adapter`` has it; raises :class:`Problem`. A POST without one says nothing: ``{}``."""
    body = await _read_json(request)
    return _validated(adapter, b"{}" if not body and request.method == "POST" else body)


async def read_csv(request: Request) -> str:
    """A body of ``text/csv``; raises :class:`Problem`."""
    octets = await _read(request, "text/csv")
    if not octets:
        raise Problem(400, "no-body", "The body is empty.")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, "not-utf-8", "The body is not UTF-8.") from error


def prepare_batches(batch_max: int) -> None:
    """Make ready for batches of up to so many, which takes longer than a request may hold up others."""
    _batch_of(batch_max)


def idempotency_key(headers: Headers) -> str:
    """``Idempotency-Key``; ``""`` without. Raises :class:`Problem` when it is too long."""
    key = headers.get("idempotency-key", "")
    if len(key) > KEY_CHARACTERS_MAX:
        reason = f"has at most {KEY_CHARACTERS_MAX} characters"
        raise Problem(422, "invalid-request", f"Idempotency-Key {reason}.", [_error("Idempotency-Key", reason)])
    return key


def problem_of_errors(found: Sequence[Any]) -> Problem:
    """What is wrong with a request, member by member, and nothing of what the members hold."""
    errors = [_error(_path(one["loc"]), one["msg"]) for one in found[:ERRORS_MAX]]
    return Problem(422, "invalid-request", "The request is not as it must be.", errors)


async def _read_json(request: Request) -> bytes:
    return await _read(request, "application/json")


async def _read(request: Request, wanted: str) -> bytes:
    media_type = request.headers.get("content-type", wanted).partition(";")[0].strip().lower()
    if media_type != wanted:
        raise Problem(415, "unsupported-media-type", f"A body is {wanted}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported-media-type", "A body is not compressed.")
    return await request.body()


def _validated(adapter: TypeAdapter[Shape], body: bytes) -> Shape:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise _problem(error.errors(include_url=False, include_context=True, include_input=False)) from None


def _problem(found: list[ErrorDetails]) -> Problem:
    first = found[0]
    if first["type"] == "json_invalid":
        return Problem(400, "not-json", "The request is not JSON.")
    if first["type"] == "too_long" and first["loc"] == ("messages",):
        return Problem(413, "batch-too-large", f"A batch holds at most {first['ctx']['max_length']} messages.")
    return problem_of_errors([{**one, "loc": ("body", *one["loc"])} for one in found])


@lru_cache(maxsize=4)
def _batch_of(batch_max: int) -> TypeAdapter[NewBatch]:
    class Batch(NewBatch):
        messages: Annotated[list[NewMessage], Field(min_length=1, max_length=batch_max)]

    return TypeAdapter(Batch)


def _path(location: tuple[int | str, ...]) -> str:
    """``to``, ``messages[3].text``: where in the body (or in a header or the path)."""
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or str(location[0])


def _error(path: str, detail: str) -> dict[str, str]:
    return {"path": path, "detail": detail}
