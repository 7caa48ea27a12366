"""The little of HTTP/1.1 that an application and its webhook endpoints need, over h11; nothing of the server's own."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import h11
import trio

READ_OCTETS = 65_536


class Heard(NamedTuple):
    """A request, or an answer to one."""

    status: int
    """0 for a request."""
    target: str
    headers: dict[str, str]
    body: bytes


class HttpStream:
    """One side of a connection."""

    def __init__(self, stream: trio.SocketStream, is_client: bool) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT if is_client else h11.SERVER)

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """The answer to one request. Raises OSError, trio.BrokenResourceError or h11.ProtocolError: there is none."""
        fields = [("host", "server"), ("content-length", str(len(body))), *headers.items()]
        octets = self._http.send(h11.Request(method=method, target=target, headers=fields)) or b""
        octets += self._http.send(h11.Data(data=body)) or b""
        await self._stream.send_all(octets + (self._http.send(h11.EndOfMessage()) or b""))
        heard = await self.hear()
        if heard is None:
            raise trio.BrokenResourceError("the connection ended before the answer")
        return heard

    async def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer the request that was heard, with no body."""
        fields = [("content-length", "0"), *(headers or {}).items()]
        octets = self._http.send(h11.Response(status_code=status, headers=fields)) or b""
        await self._stream.send_all(octets + (self._http.send(h11.EndOfMessage()) or b""))

    async def hear(self) -> Heard | None:
        """The next whole message of the other side; ``None``: there is no other."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        head: Any = None
        body = b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await self._stream.receive_some(READ_OCTETS)))
            elif type(event) in (h11.Request, h11.Response):
                head = event
            elif type(event) is h11.Data:
                body += event.data
            elif type(event) is h11.EndOfMessage:
                headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
                return Heard(getattr(head, "status_code", 0), getattr(head, "target", b"").decode(), headers, body)
            else:
                return None


def json_of(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    return document
