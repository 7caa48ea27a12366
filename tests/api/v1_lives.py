"""Calls and webhooks over several lives of the server, each cut off between any two steps of its tasks.

A seed decides what is asked for when, how many turns of the loop commits and their news take, which webhooks fail, and
when each life ends. Every call has a key, and is made again in the next life unless it was answered.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random
from types import TracebackType
from typing import Any

import orjson
import trio
from trio.testing import MockClock
from v1_bench import KEY, Client

from smsagg.api.v1 import V1
from smsagg.config.schema import ApiKeySettings, Config, WebhookSendingSettings, WebhookSettings
from smsagg.config.units import Duration
from smsagg.directory.secrets import digest_of
from smsagg.model import MessageState
from smsagg.store.memory import MemoryStore
from smsagg.store.memory_tables import Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway
from smsagg.webhooks.post import Answer, Verdict
from smsagg.webhooks.sender import Webhooks
from tools.sim.run import deterministic

LIVES, CALLS, BATCH = 3, 6, 3
ACTIONS, TURNS_MAX = 25, 12
TAKEN, FAILED = Answer(Verdict.TAKEN, 204, ""), Answer(Verdict.FAILED, 500, "answered 500")
CALM_ROUNDS = 20


class Endpoint:
    """Takes webhooks after some turns of the loop, now and then only when they come again."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.fails = 0.3
        self.timeout_s = 0.0
        self.taken: dict[tuple[str, str], set[str]] = defaultdict(set)
        """By message and kind: the ids under which it was told."""

    async def __aenter__(self) -> "Endpoint":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to be closed."""

    async def post(self, _url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        await turns(self._rng.randint(0, TURNS_MAX))
        if self._rng.random() < self.fails:
            return FAILED
        event = orjson.loads(body)
        self.taken[event["data"]["id"], event["type"]].add(dict(headers)[b"webhook-id"].decode())
        await turns(self._rng.randint(0, TURNS_MAX))
        return TAKEN


class Lives:
    """Of one server, over what is durable."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rng = Random(seed)
        self._config = _config()
        self._clock = FakeClock()
        self._ids = count(1)
        self._unreported: list[str] = []
        self.tables = Tables()
        self.endpoint = Endpoint(self._rng)
        self.answers: dict[int, list[tuple[str, ...]]] = defaultdict(list)
        """By call, what each 202 said: the ids."""

    def run(self) -> None:
        with deterministic(self._seed):
            trio.run(self._run, clock=MockClock(autojump_threshold=0))

    async def _run(self) -> None:
        for _ in range(LIVES):
            async with run_gateway(self._config, self._store(), self._clock) as gateway:
                await self._act(gateway, await self._client(gateway))
        self.endpoint.fails = 0
        async with run_gateway(self._config, MemoryStore(self.tables), self._clock) as gateway:
            await self._calm_down(gateway, await self._client(gateway))

    def _store(self) -> MemoryStore:
        rng = self._rng

        def later(most: int) -> Callable[[Callable[[], None]], None]:
            return lambda done: trio.lowlevel.spawn_system_task(_after, rng.randint(0, most), done) and None

        return MemoryStore(self.tables, later(rng.randint(1, TURNS_MAX)), later(rng.randint(0, TURNS_MAX)))

    async def _client(self, gateway: FakeGateway) -> Client:
        engine = gateway.engine
        webhooks = Webhooks(
            lambda: self._config,
            engine.endpoints,
            engine.standings,
            gateway.store,
            self._clock,
            self._rng,
            gateway.metrics,
            lambda *_: self.endpoint,  # type: ignore[arg-type,return-value]
        )
        engine.events.on_noted.append(webhooks.on_noted)
        gateway.nursery.start_soon(webhooks.run)
        app = V1(engine)
        app._turns.charge = lambda _seconds: None  # type: ignore[method-assign]  # it goes by the true time
        return Client(app, gateway)

    async def _act(self, gateway: FakeGateway, client: Client) -> None:
        actions: list[Callable[[], Any]] = [
            lambda: gateway.nursery.start_soon(self._call, client, self._rng.randrange(CALLS)),
            partial(self._accept, gateway),
            partial(self._report, gateway),
        ]
        for _ in range(self._rng.randint(1, ACTIONS)):
            self._rng.choices(actions, (3, 1, 1))[0]()
            await turns(self._rng.randint(0, TURNS_MAX))

    async def _calm_down(self, gateway: FakeGateway, client: Client) -> None:
        """Ask for everything once more, and let all of it end."""
        await gateway.settle()
        for number in range(CALLS):
            await self._call(client, number)
        for _ in range(CALM_ROUNDS):
            self._accept(gateway)
            await gateway.settle()
            self._report(gateway)
            await gateway.settle()
            await trio.sleep(1)

    async def _call(self, client: Client, number: int) -> None:
        """Even ones are single messages."""
        messages = [
            {"to": f"+4477009000{number}{place}", "from": "ACME", "text": "hello", "reference": f"{number}-{place}"}
            for place in range(1 if number % 2 == 0 else BATCH)
        ]
        path, body = ("messages", messages[0]) if len(messages) == 1 else ("messages/batch", {"messages": messages})
        answer = await client.call("POST", f"/v1/{path}", body, idempotency_key=f"call {number}")
        if answer.status == 503:  # the store died before it
            return
        assert answer.status == 202, answer
        document = answer.document
        results = [result["message"] for result in document["results"]] if "results" in document else [document]
        self.answers[number].append(tuple(one["id"] for one in results))

    def _accept(self, gateway: FakeGateway) -> None:
        for link in (link for carrier in gateway.carriers.values() for link in carrier.links):
            ids = [f"id{next(self._ids)}" for _ in link.outstanding]
            self._unreported += ids
            link.accept(ids=ids)

    def _report(self, gateway: FakeGateway) -> None:
        """What is not answered with ESME_ROK in this life comes again."""
        reported = gateway.carrier.receipts((one, MessageState.DELIVERED) for one in self._unreported)
        answered = {receipt.carrier_message_id for receipt, status in reported.answers if not status}
        self._unreported = [one for one in self._unreported if one not in answered]


async def turns(number: int) -> None:
    """So many turns of the loop."""
    for _ in range(number):
        await trio.lowlevel.checkpoint()


async def _after(number: int, done: Callable[[], None]) -> None:
    await turns(number)
    done()


def _config() -> Config:
    account = account_settings(
        "acme",
        api_keys={"app": ApiKeySettings(digest_of(KEY))},
        webhooks={"hook": WebhookSettings("https://crm.example/hook", "whsec_" + "A" * 32)},
    )
    sending = WebhookSendingSettings(retry_first=Duration(0.1), retry_max=Duration(0.5))
    return make_config(accounts={"acme": account}, webhooks=sending)
