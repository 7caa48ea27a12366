"""The application under observation: sends by HTTP, one by one and in batches, and notes every answer.

Everything it asks for has an Idempotency-Key, and is asked for again under it until it is answered: after an error that
says so, after a connection that was lost, after a silence. What was answered is asked for once more now and then, also
with another body. So of each nonce there is one message at most, however often its call was made.
"""

import json
import time
from contextlib import suppress
from itertools import count
from math import inf
from random import Random
from typing import Any

import h11
import trio
from attrs import define

from tools.chaos.history import Breach, Call, CallAnswer, Reply, Submit
from tools.chaos.http_wire import Heard, HttpStream, json_of
from tools.chaos.wire import Content
from tools.chaos.workload import CANARY, POOLS

WORKERS = 8
"""Calls that are made side by side."""
AGAIN_S = 0.2
"""Pause before a call is made again."""
GIVE_UP_S = 4.0
"""What is not answered within so long is asked again, on another connection."""
BATCH = (2, 8)
"""Messages of a batch."""
ACCEPTED, CONFLICT = 202, 409
NOT_NOW = frozenset({408, 429, 503})
"""Answers after which a call is made again; so it is after a batch of which nothing was taken."""
TON_ALPHANUMERIC = 5
Asked = dict[str, Any]
"""A message as it is asked for."""


@define(frozen=True)
class Calls:
    """What the application asks for; shares are 0 to 1."""

    rate_per_s: float = 10.0
    batches: float = 0.2
    short_lived: float = 0.03
    """Messages with a ``ttl`` of 2 to 4 s."""
    repeated: float = 0.2
    """Calls that are made again after their answer, within :attr:`repeated_after_s`."""
    repeated_after_s: float = 3.0
    with_other_body: float = 0.2
    """Of these, with another body."""


class Application:
    """One account's."""

    def __init__(self, port: int, account: str, key: str, calls: Calls, rng: Random) -> None:
        self._port = port
        self._account = account
        self._key = key
        self._asks = calls
        self._rng = rng
        self._nonces = count(90_000_000)
        self._names = count(1)
        self._nursery: trio.Nursery
        self.is_sending = True
        self.calls: list[Call] = []
        self.submits: list[Submit] = []
        self.breaches: list[Breach] = []

    @property
    def outstanding(self) -> int:
        """Calls that wait for an answer."""
        return sum(call.is_open for call in self.calls)

    async def run(self) -> None:
        """Call while :attr:`is_sending`, until cancelled."""
        async with trio.open_nursery() as self._nursery:
            for _ in range(WORKERS):
                self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        """One call after the other, on a connection that is kept while it lasts."""
        connection = Connection(self._port, self._key)
        while True:
            await trio.sleep(self._rng.expovariate(self._asks.rate_per_s / WORKERS))
            if self.is_sending:
                await self._call(connection)

    async def _call(self, connection: "Connection") -> None:
        """A new one, and perhaps the same again later."""
        rng, asks = self._rng, self._asks
        is_batch = rng.random() < asks.batches
        messages = [self._draw() for _ in range(rng.randint(*BATCH) if is_batch else 1)]
        nonces = tuple(message["reference"] for message in messages)
        call = Call(f"call-{next(self._names)}", self._account, nonces, time.monotonic())
        submits = [self._submit(message) for message in messages]
        self.submits += submits
        self.calls.append(call)
        heard = await self._ask(connection, call, messages)
        self._answered(submits, heard)
        call.is_open = False
        if rng.random() < asks.repeated:
            self._nursery.start_soon(self._call_again, call, messages, rng.uniform(0, asks.repeated_after_s))

    async def _call_again(self, call: Call, messages: list[Asked], delay_s: float) -> None:
        await trio.sleep(delay_s)
        is_other = self._rng.random() < self._asks.with_other_body
        if is_other:
            messages = [message | {"text": message["text"] + " or not"} for message in messages]
        call.is_open = True
        await self._ask(Connection(self._port, self._key), call, messages, is_other)
        call.is_open = False

    async def _ask(
        self, connection: "Connection", call: Call, messages: list[Asked], is_other_body: bool = False
    ) -> Heard:
        """Until there is an answer that is none of "not now"."""
        is_batch = len(call.nonces) > 1
        target, asked = ("/v1/messages/batch", {"messages": messages}) if is_batch else ("/v1/messages", messages[0])
        while True:
            heard = await connection.post(target, call.key, json.dumps(asked).encode())
            if heard is not None:
                call.answers.append(CallAnswer(time.monotonic(), heard.status, _ids(heard), is_other_body))
                if not _is_for_later(heard):
                    break
            await trio.sleep(AGAIN_S)
        if heard.status not in (ACCEPTED, CONFLICT):
            text = f"{target} answered {heard.status}: {heard.body[:200]!r}"
            self.breaches.append(Breach(time.monotonic(), f"application {self._account}", text))
        return heard

    def _draw(self) -> Asked:
        nonce = f"n{next(self._nonces)}"
        beginning = self._rng.choice(list(POOLS))
        message: Asked = {
            "to": f"+{beginning}{self._rng.randrange(1000):03d}",
            "from": "ACME",
            "text": f"{nonce} {CANARY}",
            "reference": nonce,
        }
        if self._rng.random() < self._asks.short_lived:
            message["ttl"] = self._rng.randint(2, 4)
        return message

    def _submit(self, message: Asked) -> Submit:
        content = Content(
            source_addr_ton=TON_ALPHANUMERIC,
            source_addr_npi=0,
            source_addr=message["from"],
            destination_addr=message["to"],
            body=message["text"].encode(),
        )
        return Submit(
            message["reference"],
            self._account,
            0,
            time.monotonic(),
            registered_delivery=0,
            validity_s=float(message.get("ttl", inf)),
            pool=POOLS[message["to"][1:10]],
            content=content,
            is_called=True,
        )

    @staticmethod
    def _answered(submits: list[Submit], heard: Heard) -> None:
        for submit, message_id in zip(submits, _ids(heard) or [""] * len(submits), strict=True):
            submit.answered_at = time.monotonic()
            submit.reply = Reply.OK if message_id else Reply.FAIL
            submit.message_id = message_id
            submit.command_status = 0 if message_id else heard.status


class Connection:
    """To the server, opened again when it is lost."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._stream: trio.SocketStream | None = None
        self._http: HttpStream

    async def post(self, target: str, key: str, body: bytes) -> Heard | None:
        """The answer; ``None``: nobody knows whether it was done."""
        heard = None
        with trio.move_on_after(GIVE_UP_S), suppress(OSError, trio.BrokenResourceError, h11.ProtocolError):
            if self._stream is None:
                self._stream = await trio.open_tcp_stream("127.0.0.1", self._port)
                self._http = HttpStream(self._stream, is_client=True)
            heard = await self._http.ask("POST", target, {**self._headers, "idempotency-key": key}, body)
        if self._stream is not None and (heard is None or heard.headers.get("connection") == "close"):
            await trio.aclose_forcefully(self._stream)
            self._stream = None
        return heard


def _is_for_later(heard: Heard) -> bool:
    """Nothing was taken, and nothing is remembered under the key."""
    return heard.status in NOT_NOW or (heard.status == ACCEPTED and not any(_ids(heard)))


def _ids(heard: Heard) -> tuple[str, ...]:
    """Of each message in order; none when nothing was taken."""
    if heard.status != ACCEPTED:
        return ()
    document = json_of(heard.body)
    if "results" not in document:
        return (document["id"],)
    return tuple(result["message"]["id"] if result["message"] else "" for result in document["results"])
