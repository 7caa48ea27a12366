"""The ASGI application of the HTTP port: ``/metrics``, ``/healthz`` and ``/readyz``.

``/healthz`` says that the process runs and its event loop turns. ``/readyz`` says whether it would take messages now,
and if not why not. ``/metrics`` asks the sources on the loop and makes the text in a thread, one scrape at a time, so
that scrapers cannot crowd out traffic.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import orjson
import trio

from smsagg.observe.metrics import Metrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

CERTIFICATE = "smsagg.certificate"
"""In a scope: DNS names, common name and ``sha256:`` fingerprint of the client certificate that was verified."""
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class OperationsApp:
    """Answers GET and HEAD. ``problems`` tells why no message would be taken now, empty: ready; ``warnings``
    what somebody should look at though."""

    def __init__(
        self,
        metrics: Metrics,
        problems: Callable[[], Sequence[str]],
        warnings: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self._metrics = metrics
        self._problems = problems
        self._warnings = warnings
        self._scrapes = trio.CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, content_type, body = await self._answer(scope)
        await _send(send, scope["method"], status, content_type, body)

    async def _answer(self, scope: Scope) -> tuple[int, str, bytes]:
        if scope["path"] not in ("/metrics", "/healthz", "/readyz"):
            return 404, JSON, orjson.dumps({"error": "not found"})
        if scope["method"] not in ("GET", "HEAD"):
            return 405, JSON, orjson.dumps({"error": "method not allowed"})
        if scope["path"] == "/healthz":
            return 200, TEXT, b"ok\n"
        if scope["path"] == "/readyz":
            problems = list(self._problems())
            document: dict[str, Any] = {"ready": not problems, "problems": problems}
            if warnings := list(self._warnings()):
                document["warnings"] = warnings
            return 503 if problems else 200, JSON, orjson.dumps(document)
        return await self._scrape(scope)

    async def _scrape(self, scope: Scope) -> tuple[int, str, bytes]:
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        async with self._scrapes:
            self._metrics.refresh()
            body, content_type = await trio.to_thread.run_sync(self._metrics.render, accept, abandon_on_cancel=True)
        return 200, content_type, body


async def _send(send: Send, method: str, status: int, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
