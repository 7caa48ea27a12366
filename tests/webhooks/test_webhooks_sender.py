"""What endpoints are owed comes to them, each by itself, until it is taken or its time is over."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random
from typing import Any

import orjson
import pytest
import trio
import trio.testing
from attrs import evolve

from smsagg.config.schema import Config, WebhookSendingSettings, WebhookSettings
from smsagg.model import Event, EventDelivery
from smsagg.observe.metrics import Metrics
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import account_settings, make_config
from smsagg.webhooks.egress import Egress, Forbidden
from smsagg.webhooks.post import Answer, Verdict
from smsagg.webhooks.sender import FAILURES_MAX, Webhooks

SECRET = "whsec_" + "A" * 32
TAKEN = Answer(Verdict.TAKEN, 200, "")
FAILED = Answer(Verdict.FAILED, 500, "answered 500")


class FakePoster:
    """Answers as told; keeps what came."""

    def __init__(self) -> None:
        self.posts: list[tuple[float, str, dict[str, str], Any]] = []
        self.answer: Callable[[str, str], Answer] = lambda url, name: TAKEN
        self.takes_s = 0.0
        self.under_way = self.most = 0
        self.timeout_s = 0.0
        self.egress: object = None

    async def __aenter__(self) -> "FakePoster":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        fields = {name.decode(): value.decode() for name, value in headers}
        self.posts.append((trio.current_time(), url, fields, orjson.loads(body)))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await trio.sleep(self.takes_s)
        self.under_way -= 1
        return self.answer(url, fields["webhook-id"])

    def names(self, url: str = "") -> list[str]:
        return [fields["webhook-id"] for _, to, fields, _ in self.posts if url in to]


def hook(name: str, **values: Any) -> WebhookSettings:
    return WebhookSettings(f"https://{name}.example/hook", SECRET, **values)


def config_of(*hooks: str, **sending: Any) -> Config:
    account = account_settings("acme", webhooks={name: hook(name) for name in hooks or ("a",)})
    return make_config(accounts={"acme": account}, webhooks=WebhookSendingSettings(**sending))


class Bench:
    def __init__(self, config: Config, tables: Tables | None = None) -> None:
        self.config = config
        self.clock = FakeClock()
        self.store = MemoryStore(tables or Tables())
        self.poster = FakePoster()
        self.metrics = Metrics("test")
        self.webhooks = Webhooks(
            lambda: self.config,
            self.store,
            self.clock,
            Random(1),
            self.metrics,
            lambda *_: self.poster,  # type: ignore[arg-type,return-value]
        )
        self._last_id = 0

    def note(self, count: int = 1, *endpoints: str) -> None:
        """So many events happened."""
        endpoints = endpoints or ("acme/a",)
        changes = Changes()
        for _ in range(count):
            self._last_id += 1
            now = self.clock.now_ms()
            changes.events.append(Event(self._last_id, "acme", "message.delivered", now, "m", b'{"id":"m"}'))
            changes.event_deliveries += [EventDelivery(endpoint, self._last_id) for endpoint in endpoints]
        self.store.write(changes)
        self.webhooks.on_noted("acme", endpoints)

    @property
    def owed(self) -> int:
        return len(self.store.tables.events.deliveries)


@asynccontextmanager
async def running(config: Config | None = None, tables: Tables | None = None) -> AsyncIterator[Bench]:
    bench = Bench(config or config_of(), tables)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.webhooks.run)
        yield bench
        nursery.cancel_scope.cancel()


async def test_what_is_taken_is_sent_once(autojump_clock: object) -> None:
    """Signed, with its id, and in the envelope that Standard Webhooks asks for."""
    async with running() as bench:
        bench.note(10)
        await trio.sleep(1)
        assert sorted(bench.poster.names()) == [f"evt_{n:012x}" for n in range(1, 11)]
        assert bench.owed == 0
        _, url, headers, document = min(bench.poster.posts, key=lambda post: post[3]["id"])
        assert url == "https://a.example/hook"
        assert headers["webhook-signature"].startswith("v1,")
        assert document == {
            "type": "message.delivered",
            "id": "evt_000000000001",
            "timestamp": "2027-01-15T08:00:00.000Z",
            "data": {"id": "m"},
        }
        assert bench.metrics.webhook_requests["acme", "taken"].n == 10


async def test_what_fails_is_tried_again_later_and_later_under_its_id(autojump_clock: object) -> None:
    """With a fresh timestamp and signature for each attempt."""
    async with running() as bench:
        bench.poster.answer = lambda url, name: FAILED if len(bench.poster.posts) < 4 else TAKEN
        bench.note()
        await trio.sleep(3_600)
        times = [at for at, *_ in bench.poster.posts]
        assert len(times) == 4
        waits = [later - earlier for earlier, later in pairwise(times)]
        assert waits[0] >= 5
        assert all(later > 2 * earlier for earlier, later in pairwise(waits))
        assert set(bench.poster.names()) == {"evt_000000000001"}
        assert len({headers["webhook-signature"] for _, _, headers, _ in bench.poster.posts}) == 4
        assert bench.owed == 0


async def test_events_are_given_up_when_their_time_is_over(autojump_clock: object) -> None:
    """Visibly: the metric counts them."""
    async with running(config_of(events_ttl=3_600.0)) as bench:
        bench.poster.answer = lambda url, name: FAILED
        bench.note()
        await trio.sleep(10_000)
        assert bench.owed == 0
        assert bench.metrics.webhook_requests["acme", "given_up"].n == 1
        assert all(at <= 3_600 for at, *_ in bench.poster.posts)


async def test_an_endpoint_that_provokes_an_error_of_ours_harms_no_other(autojump_clock: object) -> None:
    """It is tried again as one that fails; the server goes on."""

    def answer(url: str, _name: str) -> Answer:
        if "//a." in url and trio.current_time() < 2:
            raise RuntimeError("what nobody thought of")
        return TAKEN

    async with running(config_of("a", "b")) as bench:
        bench.poster.answer = answer
        bench.note(3, "acme/a", "acme/b")
        await trio.sleep(60)
        assert bench.owed == 0
        assert len(bench.poster.names("//b.")) == 3


async def test_one_dead_endpoint_harms_no_other(autojump_clock: object) -> None:
    """What the others are owed comes at once; the dead one is tried ever more rarely, one event at a time."""
    async with running(config_of("a", "b")) as bench:
        bench.poster.answer = lambda url, name: FAILED if "//a." in url else TAKEN
        bench.note(200, "acme/a", "acme/b")
        await trio.sleep(60)
        assert len(bench.poster.names("//b.")) == 200
        tries = len(bench.poster.names("//a."))
        assert FAILURES_MAX <= tries < 30
        bench.poster.answer = lambda url, name: TAKEN
        await trio.sleep(1_000)
        assert bench.owed == 0
        assert Counter(bench.poster.names("//a.")).keys() == set(bench.poster.names("//b."))


async def test_an_endpoint_that_is_gone_is_left_alone_until_its_settings_change(autojump_clock: object) -> None:
    """410; what it is owed is kept."""
    async with running() as bench:
        bench.poster.answer = lambda url, name: Answer(Verdict.GONE, 410, "answered 410")
        bench.note(3)
        await trio.sleep(1_000)
        assert len(bench.poster.posts) <= 4
        assert bench.webhooks.gone == ["acme/a"]
        tries = len(bench.poster.posts)
        bench.note()
        await trio.sleep(1_000)
        assert len(bench.poster.posts) == tries
        bench.poster.answer = lambda url, name: TAKEN
        account = bench.config.accounts["acme"]
        bench.config.accounts["acme"] = evolve(account, webhooks={"a": hook("a", rate=1000.0)})
        bench.webhooks.reconfigure()
        await trio.sleep(10)
        assert bench.owed == 0
        assert bench.webhooks.gone == []


async def test_an_answer_concerns_the_settings_under_which_it_was_asked_for(autojump_clock: object) -> None:
    """410 to a request that was under way while the endpoint moved does not stop the new place."""
    async with running() as bench:
        bench.poster.takes_s = 10
        bench.poster.answer = lambda url, name: TAKEN if "//b." in url else Answer(Verdict.GONE, 410, "answered 410")
        bench.note(3)
        await trio.sleep(5)
        account = bench.config.accounts["acme"]
        moved = evolve(hook("a"), url="https://b.example/hook")
        bench.config.accounts["acme"] = evolve(account, webhooks={"a": moved})
        bench.webhooks.reconfigure()
        await trio.sleep(30)
        assert bench.webhooks.gone == []
        assert bench.owed == 0


async def test_an_endpoint_that_said_it_is_gone_may_move_while_that_is_written_down(autojump_clock: object) -> None:
    """One request has its answer and another one not yet: what is owed goes to the new place."""
    async with running() as bench:
        bench.poster.answer = lambda url, name: TAKEN if "//b." in url else Answer(Verdict.GONE, 410, "answered 410")
        slow = bench.poster.post

        async def post(url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
            bench.poster.takes_s = 10 if not bench.poster.posts else 0
            return await slow(url, headers, body)

        bench.poster.post = post  # type: ignore[method-assign]
        bench.note(2)
        await trio.sleep(5)
        assert bench.webhooks.gone == ["acme/a"]
        account = bench.config.accounts["acme"]
        moved = evolve(hook("a"), url="https://b.example/hook")
        bench.config.accounts["acme"] = evolve(account, webhooks={"a": moved})
        bench.webhooks.reconfigure()
        await trio.sleep(30)
        assert bench.owed == 0


async def test_an_endpoint_that_asks_for_time_gets_it(autojump_clock: object) -> None:
    """Nothing is sent to it before Retry-After is over."""
    async with running() as bench:
        busy = Answer(Verdict.BUSY, 429, "answered 429", retry_after_s=100)
        bench.poster.answer = lambda url, name: busy if trio.current_time() < 50 else TAKEN
        bench.note(20)
        await trio.sleep(99)
        assert len(bench.poster.posts) == 4
        await trio.sleep(100)
        assert bench.owed == 0


async def test_rate_and_concurrency_are_heeded(autojump_clock: object) -> None:
    """Requests a second, and requests side by side."""
    config = config_of()
    config.accounts["acme"] = evolve(config.accounts["acme"], webhooks={"a": hook("a", rate=10.0, concurrency=3)})
    async with running(config) as bench:
        bench.poster.takes_s = 0.05
        bench.note(100)
        await trio.sleep(20)
        assert bench.owed == 0
        assert bench.poster.most == 3
        times = [at for at, *_ in bench.poster.posts]
        assert times[-1] >= 8.9


async def test_what_was_owed_before_a_crash_is_sent_after_it(autojump_clock: object) -> None:
    """What was taken and not written down comes twice, under one id."""
    tables = Tables()
    async with running(tables=tables) as bench:
        bench.poster.takes_s = 1_000
        bench.note(2)
        await trio.sleep(1)
        bench.store.crash()
    async with running(tables=tables) as bench:
        await trio.sleep(1)
        assert sorted(bench.poster.names()) == ["evt_000000000001", "evt_000000000002"]
        assert bench.owed == 0


async def test_what_a_clock_that_was_days_ahead_had_planned_is_tried_by_the_right_one(autojump_clock: object) -> None:
    """No attempt is ever planned for later than the longest pause."""
    tables = Tables()
    async with running(tables=tables) as bench:
        bench.clock.jump_wall(864_000)
        bench.poster.answer = lambda url, name: FAILED
        bench.note(2)
        await trio.sleep(1)
        assert bench.owed == 2
    async with running(tables=tables) as bench:
        await trio.sleep(1)
        assert bench.owed == 0


async def test_endpoints_that_left_the_configuration_are_sent_nothing(autojump_clock: object) -> None:
    """What they were owed waits for its time to be over."""
    async with running() as bench:
        bench.note(1, "acme/gone")
        await trio.sleep(100)
        assert bench.poster.posts == []
        assert bench.owed == 1


async def test_networks_are_forbidden_by_a_reload_also_to_connections_that_are_made_later() -> None:
    """Whoever makes connections judges addresses by the settings of the moment."""
    bench, judges = Bench(config_of(allowed_networks=("10.0.0.0/8",))), list[Egress]()
    webhooks = Webhooks(
        lambda: bench.config,
        bench.store,
        bench.clock,
        Random(1),
        bench.metrics,
        lambda egress, _timeout_s: judges.append(egress) or bench.poster,  # type: ignore[func-returns-value,arg-type,return-value]
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(webhooks.run)
        await trio.testing.wait_all_tasks_blocked()
        judges[0].check_url("https://10.0.0.1/")
        bench.config = config_of()
        webhooks.reconfigure()
        with pytest.raises(Forbidden):
            judges[0].check_url("https://10.0.0.1/")
        nursery.cancel_scope.cancel()
