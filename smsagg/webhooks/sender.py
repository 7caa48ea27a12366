"""Sends what endpoints are owed, each endpoint by itself, until it is taken, or its time is over.

Theory of operation. What is owed is in the store; a *worker* for each endpoint that is owed something asks for what is
due, sends it, and writes down what came of it. It ends when nothing is owed any more, so endpoints that are quiet cost
nothing. An endpoint that fails again and again is *tried* with one event at a time, ever later, and what it is owed
waits; others notice nothing.

After a crash what was sent and not yet written down is sent again, under the same id. 410 stops an endpoint until its
settings change.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

import structlog
import trio
from attrs import define, field

from smsagg.clock import Clock
from smsagg.config.schema import Config, WebhookSendingSettings, WebhookSettings
from smsagg.config.webhook_settings import secrets_of
from smsagg.errors import StoreError
from smsagg.events import envelope_of
from smsagg.events.documents import name_of
from smsagg.model import Event, EventDelivery
from smsagg.observe.log import RateLimitedLog
from smsagg.observe.metrics import Metrics
from smsagg.queueing import TokenBucket
from smsagg.signing import signed_headers
from smsagg.store.base import Changes, Store
from smsagg.webhooks.egress import Egress
from smsagg.webhooks.post import RETRY_AFTER_MAX_S, Answer, Poster, Verdict

BACKOFF = 4.0
JITTER = 0.2
FAILURES_MAX = 5
"""So many failures in a row, and the endpoint is tried with one event at a time."""
PAUSE_FIRST_S, PAUSE_MAX_S = 1.0, 300.0
STORE_RETRY_S = 0.5
FOREVER_MS = 2**62


@define(eq=False)
class Endpoint:
    """One endpoint, as long as it is owed something."""

    name: str
    """``account/hook``."""
    settings: WebhookSettings
    bucket: TokenBucket | None
    work: trio.Event = field(factory=trio.Event)
    failures: int = 0
    """In a row."""
    pauses_until: float = -math.inf


class Webhooks:
    """All endpoints of a configuration."""

    def __init__(
        self,
        config: Callable[[], Config],
        store: Store,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        make_poster: Callable[[Egress, float], Poster] = Poster,
    ) -> None:
        self._make_poster = make_poster
        self._config = config
        self._store = store
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._log = RateLimitedLog(structlog.get_logger("smsagg.webhooks"))
        self._working: dict[str, Endpoint] = {}
        self._gone: dict[str, WebhookSettings] = {}
        """Endpoints that answered 410 under these settings."""
        self._wake = trio.Event()
        self._owed: set[str] = set()
        """Endpoints that are owed something since they were looked at."""
        self._looks_for_all = True
        self._poster: Poster
        self._egress = Egress(())
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration from now on."""
        config = self._config()
        self._sending: WebhookSendingSettings = config.webhooks
        self._settings: Mapping[str, WebhookSettings] = {
            f"{account}/{name}": settings
            for account, customer in config.accounts.items()
            for name, settings in customer.webhooks.items()
        }
        self._egress.allow(self._sending.allowed_networks)
        if hasattr(self, "_poster"):
            self._poster.timeout_s = self._sending.timeout
        for endpoint in self._working.values():
            settings = self._settings.get(endpoint.name)
            if settings is not None and settings != endpoint.settings:
                endpoint.settings, endpoint.bucket, endpoint.failures = settings, self._bucket_of(settings), 0
        self.look()

    def look(self) -> None:
        """Look for everything that is owed, and not only for what is told of."""
        self._looks_for_all = True
        self._wake.set()

    def on_noted(self, _account: str, endpoints: Sequence[str]) -> None:
        """These are owed something, or will be in a moment. Cheap, and any number of calls is one look."""
        if endpoints:
            self._owed.update(endpoints)
            self._wake.set()

    @property
    def gone(self) -> list[str]:
        """Endpoints that answered 410 and are told nothing."""
        return sorted(name for name, settings in self._settings.items() if self._is_gone(name, settings))

    def _is_gone(self, name: str, settings: WebhookSettings) -> bool:
        return self._gone.get(name) == settings

    async def run(self) -> None:
        """Send until cancelled; what is under way then is sent again after the next start.

        Tasks: this one, which looks for endpoints that are owed something, and one for each of them.
        """
        async with (
            self._make_poster(self._egress, self._sending.timeout) as self._poster,
            trio.open_nursery() as nursery,
        ):
            while True:
                self._wake = trio.Event()
                await self._start_workers(nursery)
                await self._wake.wait()

    async def _start_workers(self, nursery: trio.Nursery) -> None:
        owed, self._owed = self._owed, set()
        if self._looks_for_all:
            self._looks_for_all = False
            try:
                owed.update(await self._store.next_event_due())
            except StoreError:
                await trio.sleep(STORE_RETRY_S)
                self.look()
        for name in owed:
            settings = self._settings.get(name)
            if settings is None or self._is_gone(name, settings):
                continue
            endpoint = self._working.get(name)
            if endpoint is None:
                endpoint = self._working[name] = Endpoint(name, settings, self._bucket_of(settings))
                nursery.start_soon(self._work, endpoint)
            endpoint.work.set()

    @staticmethod
    def _bucket_of(settings: WebhookSettings) -> TokenBucket | None:
        return None if settings.rate is None else TokenBucket(settings.rate, max(settings.rate, 1), -math.inf)

    async def _work(self, endpoint: Endpoint) -> None:
        """Serve ``endpoint`` until it is owed nothing."""
        try:
            while endpoint.name in self._settings and not self._is_gone(endpoint.name, endpoint.settings):
                endpoint.work = trio.Event()
                await trio.sleep_until(max(endpoint.pauses_until, trio.current_time()))
                try:
                    owed = await self._store.due_events(endpoint.name, FOREVER_MS, self._at_once(endpoint))
                except StoreError:
                    await trio.sleep(STORE_RETRY_S)
                    continue
                now = self._clock.now_ms()
                latest = now + self._longest_ms  # what is planned for later was planned before the clock was set back
                due = [(delivery, event) for delivery, event in owed if not now < delivery.next_attempt_at <= latest]
                if due:
                    await self._send_all(endpoint, due)
                elif owed:
                    with trio.move_on_after((owed[0][0].next_attempt_at - now) / 1000):
                        await endpoint.work.wait()
                elif not endpoint.work.is_set():
                    return
        finally:
            del self._working[endpoint.name]

    def _at_once(self, endpoint: Endpoint) -> int:
        return 1 if endpoint.failures >= FAILURES_MAX else endpoint.settings.concurrency

    async def _send_all(self, endpoint: Endpoint, due: list[tuple[EventDelivery, Event]]) -> None:
        """Send these side by side, and write down what came of them."""
        changes = Changes()
        async with trio.open_nursery() as nursery:
            for delivery, event in due:
                nursery.start_soon(self._send, endpoint, delivery, event, changes)
        if not changes.is_empty():
            self._store.write(changes)
            await self._store.flush()  # else the same would be due again

    async def _send(self, endpoint: Endpoint, delivery: EventDelivery, event: Event, changes: Changes) -> None:
        if endpoint.bucket is not None:
            await self._take_turn(endpoint.bucket)
        settings = endpoint.settings  # it may have others by the time of the answer
        body = envelope_of(event)
        headers = [(b"content-type", b"application/json"), (b"user-agent", b"smsagg")]
        name = name_of(event.event_id)
        headers += signed_headers(secrets_of(settings), name, self._clock.now_ms() // 1000, body)
        answer = await self._post(settings.url, headers, body)
        self._metrics.webhook_requests[event.account, answer.verdict.value].n += 1
        if answer.verdict is Verdict.GONE:
            self._tell(endpoint, event, answer)
            self._gone[endpoint.name] = settings
        else:
            self._settle(endpoint, delivery, event, answer, changes)

    async def _post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        """One request: named supervisor of what an endpoint may provoke."""
        try:
            return await self._poster.post(url, headers, body)
        except Exception as error:  # noqa: BLE001  named supervisor
            self._log.error("webhook_crashed", error=repr(error), exc_info=error)
            return Answer(Verdict.FAILED, 0, "it could not be asked")

    async def _take_turn(self, bucket: TokenBucket) -> None:
        ready_at = bucket.ready_at(trio.current_time())
        bucket.take(1, trio.current_time())  # before the wait, so that those that wait side by side go one by one
        await trio.sleep_until(ready_at)

    def _settle(
        self, endpoint: Endpoint, delivery: EventDelivery, event: Event, answer: Answer, changes: Changes
    ) -> None:
        if answer.verdict is Verdict.TAKEN:
            endpoint.failures = 0
            changes.done_event_deliveries.append((delivery.endpoint, delivery.event_id))
            return
        self._tell(endpoint, event, answer)
        endpoint.failures += 1
        pause_s = answer.retry_after_s
        if endpoint.failures >= FAILURES_MAX or answer.verdict is Verdict.BUSY:
            doublings = max(endpoint.failures - FAILURES_MAX, 0)
            pause_s = max(pause_s, min(PAUSE_FIRST_S * 2 ** min(doublings, 20), PAUSE_MAX_S))
        endpoint.pauses_until = max(endpoint.pauses_until, trio.current_time() + pause_s)
        attempts = delivery.attempts + 1
        next_attempt_at = self._clock.now_ms() + round(1000 * max(self._delay_s(attempts), pause_s))
        if next_attempt_at >= event.at + self._sending.events_ttl * 1000:
            self._metrics.webhook_requests[event.account, "given_up"].n += 1
            changes.done_event_deliveries.append((delivery.endpoint, delivery.event_id))
            return
        changes.event_deliveries.append(delivery._replace(attempts=attempts, next_attempt_at=next_attempt_at))

    @property
    def _longest_ms(self) -> int:
        """No attempt is planned further ahead."""
        return round(1000 * max(self._sending.retry_max * (1 + JITTER), RETRY_AFTER_MAX_S, PAUSE_MAX_S))

    def _delay_s(self, attempts: int) -> float:
        delay_s = min(self._sending.retry_first * BACKOFF ** min(attempts - 1, 20), self._sending.retry_max)
        return delay_s * (1 + JITTER * self._rng.random())

    def _tell(self, endpoint: Endpoint, event: Event, answer: Answer) -> None:
        self._log.warning(
            "webhook_failed",
            key=f"{endpoint.name} {answer.verdict.value}",
            endpoint=endpoint.name,
            kind=event.kind,
            verdict=answer.verdict.value,
            reason=answer.reason,
        )
