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

from smsagg.config.schema import CallbackSettings, Config, WebhookSendingSettings, WebhookSettings
from smsagg.engine.directory.register import Register
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.engine.endpoints.standings import Standings
from smsagg.events.endpoint import Endpoint, Source, callback_name
from smsagg.events.standing import Disabled, Standing
from smsagg.model import Event, EventDelivery
from smsagg.observe.metrics import Metrics
from smsagg.signing import signed_headers
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import account_settings, make_config
from smsagg.webhooks.egress import Egress, Forbidden, on_behalf_of
from smsagg.webhooks.post import Answer, Verdict
from smsagg.webhooks.sender import CALLBACKS_OF_ACCOUNT_MAX, REQUESTS_OF_ACCOUNT_MAX, Webhooks
from smsagg.webhooks.worker import FAILURES_MAX

SECRET, OTHER_SECRET = "whsec_" + "A" * 32, "whsec_" + "B" * 32
TAKEN = Answer(Verdict.TAKEN, 200, "")
FAILED = Answer(Verdict.FAILED, 500, "answered 500")


class FakePoster:
    """Answers as told; keeps what came."""

    def __init__(self) -> None:
        self.posts: list[tuple[float, str, dict[str, str], Any]] = []
        self.accounts: set[str] = set()
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
        self.accounts.add(on_behalf_of.get())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await trio.sleep(self.takes_s)
        self.under_way -= 1
        return self.answer(url, fields["webhook-id"])

    def names(self, url: str = "") -> list[str]:
        return [fields["webhook-id"] for _, to, fields, _ in self.posts if url in to]


def signature_of(secret: str, headers: dict[str, str], body: bytes) -> str:
    timestamp_s = int(headers["webhook-timestamp"])
    return dict(signed_headers([secret], headers["webhook-id"], timestamp_s, body))[b"webhook-signature"].decode()


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
        self.endpoints = Endpoints(lambda: self.config, Register(self.store, self.clock), self.store.cipher)
        self.standings = Standings(self.store)
        self.webhooks = Webhooks(
            lambda: self.config,
            self.endpoints,
            self.standings,
            self.store,
            self.clock,
            Random(1),
            self.metrics,
            lambda *_: self.poster,  # type: ignore[arg-type,return-value]
        )
        self._last_id = max(self.store.tables.events.events, default=0)

    def note(self, count: int = 1, *endpoints: str, account: str = "acme") -> None:
        """So many events happened."""
        endpoints = endpoints or ("acme/a",)
        changes = Changes()
        for _ in range(count):
            self._last_id += 1
            now = self.clock.now_ms()
            changes.events.append(Event(self._last_id, account, "message.delivered", now, "m", b'{"id":"m"}'))
            changes.event_deliveries += [EventDelivery(endpoint, self._last_id) for endpoint in endpoints]
        self.store.write(changes)
        self.webhooks.on_noted(account, endpoints)

    def call_back(self, *urls: str, account: str = "acme") -> None:
        """Something happened to messages that name these."""
        changes, names = Changes(), [callback_name(account, url) for url in urls]
        for url, name in zip(urls, names, strict=True):
            self._last_id += 1
            changes.events.append(Event(self._last_id, account, "message.sent", self.clock.now_ms(), "m", b"{}"))
            changes.event_deliveries.append(EventDelivery(name, self._last_id, url=url))
        self.store.write(changes)
        self.webhooks.on_noted(account, names)

    def reconfigure(self, **hooks: WebhookSettings) -> None:
        """The account has these endpoints from now on."""
        self.config.accounts["acme"] = evolve(self.config.accounts["acme"], webhooks=hooks)
        self.endpoints.reconfigure()
        self.webhooks.reconfigure()

    @property
    def disabled(self) -> list[str]:
        return [one.name for one in self.endpoints if self.standings.of(one).is_disabled]

    @property
    def owed(self) -> int:
        return len(self.store.tables.events.deliveries)


@asynccontextmanager
async def running(config: Config | None = None, tables: Tables | None = None) -> AsyncIterator[Bench]:
    bench = Bench(config or config_of(), tables)
    await bench.standings.load(lambda name: bench.endpoints.get(name) is not None)
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
        assert bench.poster.accounts == {"acme"}


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
        assert bench.disabled == ["acme/a"]
        tries = len(bench.poster.posts)
        bench.note()
        await trio.sleep(1_000)
        assert len(bench.poster.posts) == tries
        bench.poster.answer = lambda url, name: TAKEN
        bench.reconfigure(a=hook("a", rate=1000.0))
        await trio.sleep(10)
        assert bench.owed == 0
        assert bench.disabled == []


async def test_an_answer_concerns_the_settings_under_which_it_was_asked_for(autojump_clock: object) -> None:
    """410 to a request that was under way while the endpoint moved does not stop the new place."""
    async with running() as bench:
        bench.poster.takes_s = 10
        bench.poster.answer = lambda url, name: TAKEN if "//b." in url else Answer(Verdict.GONE, 410, "answered 410")
        bench.note(3)
        await trio.sleep(5)
        bench.reconfigure(a=evolve(hook("a"), url="https://b.example/hook"))
        await trio.sleep(30)
        assert bench.disabled == []
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
        assert bench.disabled == ["acme/a"]
        bench.reconfigure(a=evolve(hook("a"), url="https://b.example/hook"))
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


async def test_what_waits_for_its_turn_heeds_what_an_endpoint_becomes(autojump_clock: object) -> None:
    """Another rate or place is in force at once, and who is deleted or disabled hears nothing any more."""
    config = config_of()
    config.accounts["acme"] = evolve(config.accounts["acme"], webhooks={"a": hook("a", rate=0.01)})
    async with running(config) as bench:
        bench.note(20)
        await trio.sleep(1)
        assert len(bench.poster.posts) == 1
        bench.reconfigure(a=hook("b", rate=0.1))
        await trio.sleep(1)
        assert len(bench.poster.names("//b.")) == 1
        [endpoint] = bench.endpoints
        bench.standings.put(endpoint, Standing().disabled(Disabled.ASKED, 1, endpoint.digest), Changes())
        bench.endpoints.tell()
        await trio.sleep(60)
        assert len(bench.poster.posts) == 2
        bench.standings.put(endpoint, Standing(), Changes())
        bench.endpoints.tell()
        await trio.sleep(1)
        assert len(bench.poster.posts) == 3
        bench.reconfigure()
        await trio.sleep(60)
        assert len(bench.poster.posts) == 3
        assert bench.webhooks._workers == {}
        bench.reconfigure(a=hook("a"))
        await trio.sleep(60)
        assert bench.owed == 0
        assert len(bench.poster.posts) >= 20


async def test_an_endpoint_of_the_name_of_one_that_was_deleted_is_owed_nothing_of_it(autojump_clock: object) -> None:
    """Not what that one did not take."""
    async with running() as bench:
        bench.poster.takes_s = 10
        bench.poster.answer = lambda url, name: FAILED
        bench.endpoints._kept["acme/made"] = Endpoint("acme", "made", hook("made"), Source.API, created_at=1)
        bench.endpoints.reconfigure()
        bench.note(1, "acme/made")
        await trio.sleep(1)
        await bench.store.forgive_events("acme/made", 9)
        bench.endpoints._kept["acme/made"] = Endpoint("acme", "made", hook("other"), Source.API, created_at=2)
        bench.endpoints.reconfigure()
        await trio.sleep(60)
        assert bench.owed == 0
        assert len(bench.poster.posts) == 1


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


@pytest.mark.parametrize("ahead_s", [60, 3_600, 864_000])
async def test_what_a_clock_that_was_ahead_had_planned_is_tried_by_the_right_one(
    autojump_clock: object, ahead_s: int
) -> None:
    """No attempt is planned for later than its delay can be."""
    tables = Tables()
    async with running(tables=tables) as bench:
        bench.clock.jump_wall(ahead_s)
        bench.poster.answer = lambda url, name: FAILED
        bench.note(2)
        await trio.sleep(1)
        assert bench.owed == 2
    async with running(tables=tables) as bench:
        await trio.sleep(1)
        assert bench.owed == 0


async def test_what_a_clock_that_was_ahead_had_planned_for_a_callback_is_tried_by_the_right_one(
    autojump_clock: object,
) -> None:
    """Callbacks are left alone until they are due, and no longer than their delay can be."""
    async with running(callback_config()) as bench:
        bench.clock.jump_wall(864_000)
        bench.poster.answer = lambda url, name: FAILED
        bench.call_back("https://a.example/1")
        await trio.sleep(1)
        bench.clock.jump_wall(-864_000)
        bench.poster.answer = lambda url, name: TAKEN
        await trio.sleep(86_400)
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
        bench.endpoints,
        bench.standings,
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


async def test_an_endpoint_that_is_gone_stays_so_after_a_restart(autojump_clock: object) -> None:
    """Until it is enabled; then what it was owed comes."""
    tables = Tables()
    async with running(tables=tables) as bench:
        bench.poster.answer = lambda url, name: Answer(Verdict.GONE, 410, "answered 410")
        bench.note(2)
        await trio.sleep(10)
    async with running(tables=tables) as bench:
        bench.note(1)
        await trio.sleep(10)
        assert bench.poster.posts == []
        [endpoint] = bench.endpoints
        changes = Changes()
        bench.standings.put(endpoint, bench.standings.of(endpoint).enabled(), changes)
        bench.store.write(changes)
        bench.webhooks.heed_endpoints()
        await trio.sleep(10)
        assert bench.owed == 0
        assert len(bench.poster.posts) == 3


async def test_an_endpoint_that_takes_nothing_for_days_is_told_no_more(autojump_clock: object) -> None:
    """Once, after ``disable_after``, and somebody is told."""
    async with running(config_of(disable_after=86_400.0)) as bench:
        told: list[object] = []
        bench.standings.on_disabled = lambda endpoint, why: told.append((endpoint.name, why))
        bench.poster.answer = lambda url, name: FAILED
        bench.note()
        await trio.sleep(86_000)
        assert bench.disabled == []
        await trio.sleep(86_400 * 2)
        assert bench.disabled == ["acme/a"]
        assert told == [("acme/a", Disabled.FAILING)]
        tries = len(bench.poster.posts)
        bench.note()
        await trio.sleep(86_400)
        assert len(bench.poster.posts) == tries


async def test_endpoints_that_hang_take_no_requests_from_others(autojump_clock: object) -> None:
    """An account with hundreds of requests under way holds its share of them; another's event goes at once."""
    slow = {f"a{n}": hook(f"a{n}", concurrency=64) for n in range(6)}
    config = config_of()
    config.accounts["acme"] = evolve(config.accounts["acme"], webhooks=slow)
    config.accounts["other"] = account_settings("other", webhooks={"b": hook("b")})
    async with running(config) as bench:
        bench.poster.takes_s = 1_000_000
        bench.note(200, *(f"acme/{name}" for name in slow))
        await trio.sleep(10)
        assert bench.poster.under_way == REQUESTS_OF_ACCOUNT_MAX
        bench.poster.takes_s = 0
        bench.note(1, "other/b", account="other")
        await trio.sleep(1)
        assert len(bench.poster.names("//b.")) == 1


def callback_config() -> Config:
    config = config_of()
    config.accounts["acme"] = evolve(config.accounts["acme"], callbacks=CallbackSettings(OTHER_SECRET))
    return config


async def test_a_callback_is_told_where_its_message_says(autojump_clock: object) -> None:
    """Signed with the secret for callbacks, tried again as an endpoint is; 410 gives up what was sent."""
    async with running(callback_config()) as bench:
        bench.poster.answer = lambda url, name: FAILED if len(bench.poster.posts) < 3 else TAKEN
        bench.call_back("https://a.example/1", "https://a.example/2")
        await trio.sleep(3_600)
        assert {url for _, url, *_ in bench.poster.posts} == {"https://a.example/1", "https://a.example/2"}
        assert bench.owed == 0
        _, _, headers, document = bench.poster.posts[0]
        body = orjson.dumps(document)
        assert headers["webhook-signature"] == signature_of(OTHER_SECRET, headers, body)
        bench.poster.answer = lambda url, name: Answer(Verdict.GONE, 410, "answered 410")
        bench.call_back("https://a.example/3")
        await trio.sleep(1)
        assert bench.owed == 0
        bench.poster.answer = lambda url, name: TAKEN
        bench.call_back("https://a.example/4")
        await trio.sleep(60)
        assert bench.owed == 0


async def test_a_callback_that_asks_for_time_gets_it_and_keeps_no_worker(autojump_clock: object) -> None:
    """Whatever else happens to its messages meanwhile; then all of it comes."""
    async with running(callback_config()) as bench:
        busy = Answer(Verdict.BUSY, 503, "answered 503", retry_after_s=100)
        bench.poster.answer = lambda url, name: busy if trio.current_time() < 50 else TAKEN
        bench.call_back("https://a.example/1")
        for _ in range(20):
            await trio.sleep(4)
            bench.call_back("https://a.example/2")
        assert len(bench.poster.posts) == 1
        assert bench.webhooks._workers == {}
        await trio.sleep(60)
        assert bench.owed == 0
        assert len(bench.poster.posts) == 22


async def test_any_number_of_dead_callbacks_holds_up_no_other(autojump_clock: object) -> None:
    """Each account has so many of them under way; who waits for a next attempt has no worker."""
    config = callback_config()
    config.accounts["other"] = account_settings("other", callbacks=CallbackSettings(OTHER_SECRET))
    async with running(config) as bench:
        bench.poster.answer = lambda url, name: FAILED if ".dead/" in url else TAKEN
        bench.poster.takes_s = 15
        bench.call_back(*(f"https://h{n:04}.dead/" for n in range(500)))
        await trio.sleep(5)
        assert len(bench.webhooks._workers) == CALLBACKS_OF_ACCOUNT_MAX
        bench.call_back("https://alive.example/", account="other")
        await trio.sleep(16)
        assert len(bench.poster.names("alive.example")) == 1
        await trio.sleep(1_200)
        assert len({url for _, url, *_ in bench.poster.posts}) == 501
        await trio.sleep(4 * 86_400)
        assert bench.owed == 0
        assert bench.webhooks._workers == {}
        assert not bench.webhooks._callbacks


async def test_an_endpoint_may_take_many_events_in_one_request(autojump_clock: object) -> None:
    """Under a name that is theirs together, in one envelope; what is refused is tried again."""
    config = config_of()
    config.accounts["acme"] = evolve(config.accounts["acme"], webhooks={"a": hook("a", batch_max=50, concurrency=2)})
    async with running(config) as bench:
        bench.poster.answer = lambda url, name: TAKEN if trio.current_time() > 1 else FAILED
        bench.note(120)
        await trio.sleep(1)
        refused = len(bench.poster.posts)
        await trio.sleep(600)
        assert bench.owed == 0
        assert len(bench.poster.posts) < 20
        told = [
            event["id"] for _, _, _, document in bench.poster.posts[refused:] for event in document["data"]["events"]
        ]
        assert sorted(told) == [f"evt_{n:012x}" for n in range(1, 121)]
        assert all(document["type"] == "webhook.batch" for *_, document in bench.poster.posts)
        assert all(fields["webhook-id"] == document["id"] for _, _, fields, document in bench.poster.posts)


async def test_what_is_answered_after_an_endpoint_was_deleted_leaves_nothing(autojump_clock: object) -> None:
    """How it stood is forgotten with it."""
    async with running() as bench:
        bench.poster.takes_s = 10
        bench.poster.answer = lambda url, name: FAILED
        bench.note()
        await trio.sleep(1)
        bench.reconfigure()
        await trio.sleep(60)
        assert bench.standings._standings == {}
        assert bench.store.tables.entities == {}
