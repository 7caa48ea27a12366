"""What both clients ask, without asking it: requests as values, and when one may be made again.

A request is *repeatable* when making it twice is making it once: reading, and sending with an ``Idempotency-Key``.
Such a one is made again after any failure of the network and after 429, 502, 503 and 504; others only when the
server said that it took nothing (429, 503), or no connection came about.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
from attrs import define

import smsagg
from smsagg.client.errors import ApiError, Unreachable
from smsagg.client.shapes import Event, event_of

TIMEOUT_S = 30.0
STREAM_SILENCE_S = 45.0
"""A stream that says nothing for so long has broken: the server says at least that it is there."""
RETRIES = 4
PAUSE_FIRST_S, PAUSE_MAX_S = 0.25, 30.0
PAGE = 200
_BUSY = frozenset({429, 503})
_AT_THE_GATE = frozenset({502, 504})


@define(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    params: Mapping[str, Any] = {}
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    is_repeatable: bool = True


def headers_of(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "User-Agent": f"smsagg-client/{smsagg.__version__}"}


def sending(path: str, document: Mapping[str, Any], idempotency_key: str) -> Call:
    """To send something once, however often it is asked for."""
    headers = {"Idempotency-Key": idempotency_key or str(uuid4()), "Content-Type": "application/json"}
    return Call("POST", path, body=json.dumps(document, default=written).encode(), headers=headers)


def message_document(to: str, text: str, sender: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    document = {"to": to, "text": text, "from": sender, **fields}
    return {name: value for name, value in document.items() if value not in (None, "")}


def looking(message_id: str) -> Call:
    return Call("GET", _path_of(message_id))


def cancelling(message_id: str) -> Call:
    """Not to be repeated blindly: the second time a message has been cancelled already."""
    return Call("POST", f"{_path_of(message_id)}/cancel", is_repeatable=False)


def searching(sought: Mapping[str, Any], cursor: str) -> Call:
    return Call("GET", "/v1/messages", params=params_of({**sought, "limit": PAGE, "cursor": cursor}))


def telling(message_id: str) -> Call:
    return Call("GET", f"{_path_of(message_id)}/events")


def listing_events(types: Sequence[str], cursor: str) -> Call:
    return Call("GET", "/v1/events", params=params_of({"type": list(types), "limit": PAGE, "cursor": cursor}))


def streaming(types: Sequence[str], last_id: str) -> Call:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    return Call("GET", "/v1/events/stream", params=params_of({"type": list(types)}), headers=headers)


def error_of(response: httpx2.Response) -> ApiError | None:
    """The problem that it is, once it has been read."""
    if response.status_code < 300:
        return None
    try:
        document = response.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    return ApiError(response.status_code, document or {"detail": response.reason_phrase})


class Patience:
    """How long to wait before a call is made again."""

    def __init__(self, retries: int, rng: Random) -> None:
        self._left = retries
        self._pause_s = PAUSE_FIRST_S
        self._rng = rng

    def after_failure(self, call: Call, error: httpx2.TransportError) -> float:
        """Seconds; raises :class:`Unreachable` when there is no point, or it might be made twice."""
        if not call.is_repeatable and not isinstance(error, httpx2.ConnectError | httpx2.PoolTimeout):
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        if not self._left:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return self._next()

    def after_answer(self, call: Call, response: httpx2.Response) -> float | None:
        """Seconds; ``None``: this is the answer."""
        status = response.status_code
        if not self._left or not (status in _BUSY or (status in _AT_THE_GATE and call.is_repeatable)):
            return None
        after = response.headers.get("Retry-After", "")
        asked_s = float(after) if after.isdigit() and len(after) < 6 else 0.0
        return None if asked_s > PAUSE_MAX_S else max(asked_s, self._next())

    def _next(self) -> float:
        self._left -= 1
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, PAUSE_MAX_S)
        return pause_s * self._rng.uniform(0.8, 1.2)


class EventLines:
    """Server-sent events, line by line."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def feed(self, line: str) -> Iterator[Event]:
        """The event that this line ends, if it does."""
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif not line and self._data:
            data, self._data = "\n".join(self._data), []
            yield event_of(json.loads(data))


def _path_of(message_id: str) -> str:
    if not message_id or not message_id.isalnum():
        raise ValueError(f"no message has the id {message_id!r}")
    return f"/v1/messages/{message_id}"


def params_of(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in params.items() if value not in (None, "", [])}


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value


def written(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} cannot be sent")
    if value.tzinfo is None:
        raise ValueError("a time needs a zone")
    return value.isoformat()
