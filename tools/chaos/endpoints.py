"""The webhook endpoints under observation: what comes is noted, its signature checked, and answered as endpoints do.

``steady`` takes everything. ``rough`` fails now and then: errors, an answer that says later, one that leads elsewhere,
one that comes too late, none at all. ``gone`` answers 410 and should be left alone.
"""

import hmac
import time
from base64 import b64decode
from hashlib import sha256
from random import Random

import h11
import trio

from tools.chaos.history import NO_ANSWER, Told
from tools.chaos.http_wire import Heard, HttpStream, json_of

STEADY, ROUGH, GONE = "steady", "rough", "gone"
TAKEN, LATE, CUT = 204, -2, NO_ANSWER
SECRETS = {
    STEADY: "whsec_c3RlYWR5LXN0ZWFkeS1zdGVhZHktc3RlYWR5",
    ROUGH: "whsec_cm91Z2gtcm91Z2gtcm91Z2gtcm91Z2gtcm91",
    GONE: "whsec_Z29uZS1nb25lLWdvbmUtZ29uZS1nb25lLWdv",
}
ANSWERS = {TAKEN: 870, 500: 80, 503: 5, 302: 20, LATE: 5, CUT: 20}
"""Of the rough endpoint, and their weights."""
LATE_S = 1.5
"""More than the server waits."""


class Endpoints:
    """All of one account, on one port; the first part of the path is the endpoint's name."""

    def __init__(self, port: int, account: str, rng: Random) -> None:
        self._port = port
        self._account = account
        self._rng = rng
        self.told: list[Told] = []
        self.is_well = False
        """The rough endpoint takes everything too."""

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled."""
        listeners = await trio.open_tcp_listeners(self._port, host="127.0.0.1")
        task_status.started()
        await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        http = HttpStream(stream, is_client=False)
        try:
            while (heard := await http.hear()) is not None:
                if not await self._take(http, heard):
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _take(self, http: HttpStream, heard: Heard) -> bool:
        """Note it and answer; whether the connection lives on."""
        endpoint = heard.target.strip("/")
        document = json_of(heard.body)
        told = Told(
            time.monotonic(),
            self._account,
            endpoint,
            heard.headers.get("webhook-id", ""),
            document["type"],
            document["data"].get("id", ""),
            sha256(heard.body).hexdigest(),
            is_signed(SECRETS.get(endpoint, ""), heard.headers, heard.body),
        )
        self.told.append(told)
        answer = self._answer_of(endpoint)
        if answer == CUT:
            return False
        if answer == LATE:
            await trio.sleep(LATE_S)
            return False
        await http.answer(answer, {503: {"retry-after": "1"}, 302: {"location": f"/{STEADY}"}}.get(answer))
        told.answer = answer
        return True

    def _answer_of(self, endpoint: str) -> int:
        if endpoint == GONE:
            return 410
        if endpoint == STEADY or self.is_well:
            return TAKEN
        return self._rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As Standard Webhooks says: HMAC-SHA256 over ``id.timestamp.body``."""
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    digest = hmac.new(b64decode(secret.removeprefix("whsec_")), signed, sha256).digest()
    signatures = headers.get("webhook-signature", "").split()
    return any(one.startswith("v1,") and hmac.compare_digest(b64decode(one[3:]), digest) for one in signatures)
