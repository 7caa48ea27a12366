"""One client's connection: HTTP/1.1 by h11 between a stream and an ASGI application.

Requests are answered one after the other in the connection's own task; a head and its body go out in one write. What
can be wrong below the application is answered here, with the problems of RFC 9457 as everywhere: 400 what is no HTTP,
408 what comes too slowly, 431 headers without end, 500 an application that failed.

Bounds: a head has :data:`HEAD_OCTETS_MAX`; a request has come whole within :data:`REQUEST_S` of its first octet; a
connection with nothing to say is closed after :data:`KEEP_ALIVE_S`. Of a body that nobody read (a request that was
refused) up to :data:`DRAIN_OCTETS_MAX` are taken in, so that the client gets to read why.
"""

import math
import time
from collections.abc import MutableMapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import h11
import trio

from smsagg.api.app import CERTIFICATE, AsgiApp, Scope
from smsagg.api.v1.problem import Problem

HEAD_OCTETS_MAX = 16_384
REQUEST_S = 75
KEEP_ALIVE_S = 60
RECEIVE_OCTETS = 65_536
DRAIN_OCTETS_MAX = 1 << 20
DRAIN_S = 2.0
BUFFERED_OCTETS_MAX = 65_536
"""Of requests that come while an answer is still being made."""

Address = tuple[str, int]
Event = Any
"""What h11 tells: one of its events, or one of its sentinels."""


class HttpConnection:
    """Between a stream, which it does not close, and an application."""

    def __init__(
        self,
        app: AsgiApp,
        stream: trio.abc.HalfCloseableStream,
        client: Address | None,
        server: Address | None,
        certificate: frozenset[str] | None = None,
    ) -> None:
        """``certificate``: names and fingerprint of the one that the client showed; ``None``: it speaks no TLS."""
        self._app = app
        self._certificate = certificate or frozenset()
        self._scheme = "http" if certificate is None else "https"
        self._stream = stream
        self._client = client
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_OCTETS_MAX)
        self._deadline = 0.0
        self._buffered = 0
        self._began_at = 0.0
        self.awaited_since = math.inf
        """Since when the client has us wait for its request, or to take its answer; ``inf``: it does not."""

    async def serve(self) -> None:
        """Answer requests until the client goes or must go. What an application raises is raised, after a 500."""
        while True:
            self._began_at = trio.current_time()
            self._deadline = self._began_at + KEEP_ALIVE_S
            self._buffered = 0
            try:
                request = await self._next()
                if type(request) is not h11.Request:
                    return
                if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
                    raise h11.RemoteProtocolError("two lengths")  # whoever is between may have seen the other
            except (h11.RemoteProtocolError, trio.TooSlowError) as error:
                await self._refuse(error)
                break
            await self._answer(request)
            if not await self._recycle():
                break
        await self._linger()

    async def _answer(self, request: h11.Request) -> None:
        exchange = _Exchange(self, request.method == b"HEAD")
        try:
            await self._app(self._scope_of(request), exchange.receive, exchange.send)
        except Exception:
            await self._send_problem(Problem(500, "internal-error", "This failed, and is noted."))
            raise
        if exchange.error is not None:
            await self._refuse(exchange.error)
        elif self._http.our_state is h11.SEND_RESPONSE:
            await self._send_problem(Problem(500, "internal-error", "There is no answer."))

    async def _recycle(self) -> bool:
        """Be ready for the next request; False: there will be none."""
        http = self._http
        if http.our_state is not h11.DONE:
            if http.our_state is h11.MUST_CLOSE:
                await self._drain()
            return False
        if http.their_state is h11.SEND_BODY and not await self._drain():
            return False
        if http.their_state is not h11.DONE:
            return False
        http.start_next_cycle()
        return True

    async def _drain(self) -> bool:
        """Take in what was not read of a request, up to a bound; whether that was all."""
        self._deadline = min(self._deadline, trio.current_time() + DRAIN_S)
        octets = 0
        try:
            while self._http.their_state is h11.SEND_BODY and octets <= DRAIN_OCTETS_MAX:
                event = await self._next()
                if type(event) is h11.Data:
                    octets += len(event.data)
        except (h11.RemoteProtocolError, trio.TooSlowError):
            return False
        return self._http.their_state is h11.DONE

    async def _linger(self) -> None:
        """Say goodbye, and let the client read what was said: a socket that is closed with octets unread takes back
        what it sent."""
        octets = 0
        with trio.move_on_after(DRAIN_S), suppress(trio.BrokenResourceError):
            await self._stream.send_eof()
            while octets <= DRAIN_OCTETS_MAX and (received := await self._read()):
                octets += len(received)

    def _scope_of(self, request: h11.Request) -> Scope:
        target = request.target
        if not target.startswith(b"/") and b"://" in target:  # the absolute form, as for a proxy
            target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
        path, _, query = target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode("ascii"),
            "method": request.method.decode("ascii"),
            "scheme": self._scheme,
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
            "client": self._client,
            "server": self._server,
            CERTIFICATE: self._certificate,
        }

    # --- octets ---

    async def _next(self) -> Event:
        """The next event of the client's; raises h11.RemoteProtocolError, and trio.TooSlowError at the deadline."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            await self._receive()
        return event

    async def _receive(self) -> None:
        """Take in what comes next."""
        is_first = self._http.their_state is h11.IDLE and self._http.trailing_data[0] == b""
        self.awaited_since = self._began_at
        with trio.move_on_at(self._deadline) as waiting:
            self._http.receive_data(await self._read())
        self.awaited_since = math.inf
        if waiting.cancelled_caught:
            raise trio.TooSlowError
        if is_first:
            self._deadline = trio.current_time() + REQUEST_S

    async def _read(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(RECEIVE_OCTETS))
        except trio.BrokenResourceError:
            return b""

    async def wait_for_end(self) -> None:
        """Return when the client has gone. What it sends meanwhile is kept, up to a bound."""
        while self._buffered < BUFFERED_OCTETS_MAX:
            octets = await self._read()
            if not octets:
                return
            self._buffered += len(octets)
            self._http.receive_data(octets)
        await trio.sleep_forever()

    async def write(self, octets: bytes) -> None:
        """Send; to a client that has gone, nothing."""
        self.awaited_since = trio.current_time()
        try:
            await self._stream.send_all(octets)
        except trio.BrokenResourceError:
            self._http.send_failed()
        self.awaited_since = math.inf

    async def _refuse(self, error: Exception) -> None:
        """Tell why a request is none, if it has begun at all."""
        if isinstance(error, trio.TooSlowError):
            if self._http.their_state is h11.IDLE and self._http.trailing_data[0] == b"":
                return
            problem = Problem(408, "too-slow", f"A request comes within {REQUEST_S} s.")
        elif getattr(error, "error_status_hint", 400) == 431:
            problem = Problem(431, "headers-too-large", f"Headers have at most {HEAD_OCTETS_MAX} octets.")
        else:
            problem = Problem(400, "bad-request", "That is no HTTP/1.1.")
        await self._send_problem(problem)

    async def _send_problem(self, problem: Problem) -> None:
        """The last word on this connection, unless an answer has begun."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        answer = problem.response()
        headers = [*answer.raw_headers, (b"connection", b"close")]
        await self.write(self.encoded(problem.status, headers, bytes(answer.body), is_last=True))

    def encoded(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, is_last: bool) -> bytes:
        """A head, and the beginning of its body or all of it."""
        http = self._http
        octets = http.send(h11.Response(status_code=status, headers=[*headers, (b"date", _date())])) or b""
        return octets + self.encoded_body(body, is_last=is_last)

    def encoded_body(self, body: bytes, *, is_last: bool) -> bytes:
        octets = (self._http.send(h11.Data(data=body)) or b"") if body else b""
        return octets + (self._http.send(h11.EndOfMessage()) or b"") if is_last else octets

    async def receive_body(self) -> tuple[bytes, bool]:
        """The next part of the request's body, and whether there is more."""
        event = await self._next()
        if type(event) is not h11.Data:
            return b"", False
        if self._http.their_state is h11.SEND_BODY:
            after = self._http.next_event()  # the end, when this was all
            if type(after) is h11.Data:
                return bytes(event.data) + bytes(after.data), True
            return bytes(event.data), after is h11.NEED_DATA
        return bytes(event.data), False

    @property
    def has_gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._http.our_state is h11.ERROR


class _Exchange:
    """A request and its answer, as ASGI has them."""

    def __init__(self, connection: HttpConnection, is_head: bool) -> None:
        self.error: Exception | None = None
        """Why the request did not come whole."""
        self._connection = connection
        self._is_head = is_head
        self._has_come = False
        self._head: MutableMapping[str, Any] | None = None

    async def receive(self) -> MutableMapping[str, Any]:
        if self._has_come:
            await self._connection.wait_for_end()
            return {"type": "http.disconnect"}
        try:
            body, is_more = await self._connection.receive_body()
        except (h11.RemoteProtocolError, trio.TooSlowError) as error:
            self.error, self._has_come = error, True
            return {"type": "http.disconnect"}
        self._has_come = not is_more
        return {"type": "http.request", "body": body, "more_body": is_more}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """The head waits for the first part of the body. What is said of a request that did not come whole is not sent:
        the connection answers it."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._connection.has_gone or self.error is not None:
            return
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        if self._is_head:
            body = b""
        if self._head is None:
            await self._connection.write(self._connection.encoded_body(body, is_last=is_last))
            return
        head, self._head = self._head, None
        headers = list(head["headers"])
        await self._connection.write(self._connection.encoded(head["status"], headers, body, is_last=is_last))


class _Date:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = b""

    def __call__(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text


_date = _Date()
