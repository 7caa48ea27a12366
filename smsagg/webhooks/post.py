"""One request to an endpoint: made through the guard, bounded in time and size, and what its answer means."""

from enum import Enum
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore2
import trio

from smsagg.webhooks.egress import Egress, Forbidden, GuardedBackend

ANSWER_OCTETS_MAX = 65_536
"""Of an answer's body so much is read, to see it end; a longer one costs its connection."""
RETRY_AFTER_MAX_S = 3_600
CONNECTIONS_MAX = 200


class Verdict(Enum):
    """What becomes of what was sent."""

    TAKEN = "taken"
    FAILED = "failed"
    """To be tried again."""
    BUSY = "busy"
    """The endpoint asks for time: 429, 502, 503, 504."""
    GONE = "gone"
    """410: it wants nothing any more."""
    FORBIDDEN = "forbidden"
    """It must not be gone to."""


class Answer(NamedTuple):
    """What came of a request."""

    verdict: Verdict
    status: int
    """0 when there was no answer."""
    reason: str
    retry_after_s: float = 0.0


class Poster:
    """Makes requests; an async context manager that owns the connections."""

    def __init__(self, egress: Egress, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.egress = egress
        tls = httpcore2.default_ssl_context()  # once: to read the authorities takes some 15 ms
        self._pools = {
            scheme: httpcore2.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=CONNECTIONS_MAX // 4,
                keepalive_expiry=30.0,
                network_backend=GuardedBackend(egress, is_plain=scheme == "http"),
            )
            for scheme in ("http", "https")
        }

    async def __aenter__(self) -> "Poster":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True), trio.move_on_after(1.0):
            for pool in self._pools.values():
                await pool.aclose()

    async def post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        """Send ``body``; whatever goes wrong is an answer."""
        try:
            self.egress.check_url(url)
            with trio.fail_after(self.timeout_s):
                return await self._post(url, headers, body)
        except trio.TooSlowError:
            return Answer(Verdict.FAILED, 0, f"no answer within {self.timeout_s:g} s")
        except Forbidden as error:
            return Answer(Verdict.FORBIDDEN, 0, str(error))
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            return Answer(Verdict.FAILED, 0, _reason_of(error)[:200])

    async def _post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        pool = self._pools[url.partition(":")[0].lower()]
        host = urlsplit(url).netloc.encode()
        fields = [(b"host", host), (b"content-length", str(len(body)).encode()), *headers]
        async with pool.stream("POST", url, headers=fields, content=body) as response:
            octets = 0
            async for part in response.aiter_stream():
                octets += len(part)
                if octets > ANSWER_OCTETS_MAX:
                    break
            return _answer_of(response.status, dict(response.headers))


def _reason_of(error: BaseException) -> str:
    """What ``error`` says, or what led to it if it says nothing: so it is when TLS fails."""
    while not str(error) and (before := error.__cause__ or error.__context__) is not None:
        error = before
    return f"{type(error).__name__}: {error}"


def _answer_of(status: int, headers: dict[bytes, bytes]) -> Answer:
    reason = f"answered {status}"
    if 200 <= status < 300:
        return Answer(Verdict.TAKEN, status, reason)
    if status == 410:
        return Answer(Verdict.GONE, status, reason)
    after = next((value for name, value in headers.items() if name.lower() == b"retry-after"), b"")
    retry_after_s = min(int(after), RETRY_AFTER_MAX_S) if after.isdigit() and len(after) < 10 else 0
    return Answer(Verdict.BUSY if status in (429, 502, 503, 504) else Verdict.FAILED, status, reason, retry_after_s)
