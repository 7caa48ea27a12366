"""Sends what endpoints are owed, each endpoint by itself, until it is taken, or its time is over.

Theory of operation. What is owed is in the store, and a *worker* for each endpoint that is owed something tells it; it
ends when nothing is owed any more, so endpoints that are quiet cost nothing. Requests have *places*, shared fairly, so
that slow endpoints hold up no other.

Callbacks are endpoints that messages name, so there may be any number of them: only so many have a worker, and one
that has to wait for its next attempt gives it up. What is owed to the others is looked for when the first of it is due.

After a crash what was sent and not yet written down is sent again, under the same id.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import structlog
import trio

from smsagg.clock import Clock
from smsagg.config.schema import Config
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.engine.endpoints.standings import Standings
from smsagg.errors import StoreError
from smsagg.events.endpoint import Source, account_of, is_callback
from smsagg.observe.log import RateLimitedLog
from smsagg.observe.metrics import Metrics
from smsagg.store.base import ENDPOINTS_AT_ONCE, Store
from smsagg.webhooks.egress import Egress, on_behalf_of
from smsagg.webhooks.places import Places
from smsagg.webhooks.post import CONNECTIONS_MAX, Answer, Poster, Verdict
from smsagg.webhooks.worker import JITTER, LINGER_S, STORE_RETRY_S, Means, Worker

REQUESTS_OF_ACCOUNT_MAX = CONNECTIONS_MAX // 2
"""Requests of one account that are under way at once, to all of its endpoints."""
CALLBACKS_MAX = 1_000
"""Servers of callbacks that are told at once."""
CALLBACKS_OF_ACCOUNT_MAX = 50
LOOK_AGAIN_S = 5.0
"""After so long callbacks that there was no worker for are looked for again."""


class Webhooks:
    """All endpoints."""

    def __init__(
        self,
        config: Callable[[], Config],
        endpoints: Endpoints,
        standings: Standings,
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
        self._log = RateLimitedLog(structlog.get_logger("smsagg.webhooks"))
        self._means = Means(
            sending=config().webhooks,
            endpoints=endpoints,
            standings=standings,
            store=store,
            clock=clock,
            rng=rng,
            metrics=metrics,
            log=self._log,
            places=Places(CONNECTIONS_MAX, REQUESTS_OF_ACCOUNT_MAX),
            post=self._post,
        )
        self._workers: dict[str, Worker] = {}
        self._callbacks: Counter[str] = Counter()
        """Workers of callbacks, by account."""
        self._pauses: dict[str, float] = {}
        """Until when callbacks that have no worker are left alone; the oldest are forgotten above CALLBACKS_MAX."""
        self._wake = trio.Event()
        self._owed: set[str] = set()
        """Endpoints that are owed something since they were looked at."""
        self._looks_for_all = True
        self._look_at = math.inf
        """When to look for all again, by trio's clock."""
        self._poster: Poster
        self._egress = Egress(())
        endpoints.on_changed.append(self.heed_endpoints)
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration from now on."""
        self._means.sending = sending = self._config().webhooks
        self._egress.allow(sending.allowed_networks)
        if hasattr(self, "_poster"):
            self._poster.timeout_s = sending.timeout
        self.heed_endpoints()

    def heed_endpoints(self) -> None:
        """Endpoints have come, become others, or stand otherwise."""
        for worker in self._workers.values():
            worker.heed()
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

    async def run(self) -> None:
        """Send until cancelled; what is under way then is sent again after the next start.

        Tasks: this one, which looks for endpoints that are owed something, and one for each of them.
        """
        async with (
            self._make_poster(self._egress, self._means.sending.timeout) as self._poster,
            trio.open_nursery() as nursery,
        ):
            while True:
                self._wake = trio.Event()
                await self._start_workers(nursery)
                with trio.move_on_at(self._look_at):
                    await self._wake.wait()

    async def _start_workers(self, nursery: trio.Nursery) -> None:
        owed, self._owed = self._owed, set()
        if self._looks_for_all or trio.current_time() >= self._look_at:
            self._looks_for_all, self._look_at = False, math.inf
            try:
                owed |= await self._find_owed()
            except StoreError:
                await trio.sleep(STORE_RETRY_S)
                self.look()
        for name in owed:
            worker = self._workers.get(name) or self._new_worker(name, nursery)
            if worker is not None:
                worker.stir()

    async def _find_owed(self) -> set[str]:
        """Endpoints that are owed something; of callbacks as many as there may be of those that are due."""
        owed: set[str] = set()
        callbacks = Counter(self._callbacks)
        after, is_more = "", True
        while is_more:
            now = self._clock.now_ms()
            page = await self._store.next_event_due(after)
            for name, due_at in page.items():
                after = name
                if not is_callback(name) or name in self._workers:
                    owed.add(name)
                elif (wait_s := max(self._wait_s(due_at, now), self._pause_s(name))) > LINGER_S:
                    self._look_later(wait_s)
                elif _has_room(callbacks, account := account_of(name)):
                    owed.add(name)
                    callbacks[account] += 1
                else:
                    self._look_later(LOOK_AGAIN_S)
            is_more = len(page) == ENDPOINTS_AT_ONCE
        return owed

    def _wait_s(self, due_at: int, now: int) -> float:
        """Until then; none if that is later than any attempt is planned: the clock has been set back."""
        wait_s = (due_at - now) / 1000
        return wait_s if wait_s <= self._means.sending.retry_max * (1 + JITTER) else 0.0

    def _look_later(self, wait_s: float) -> None:
        self._look_at = min(self._look_at, trio.current_time() + wait_s)

    def _new_worker(self, name: str, nursery: trio.Nursery) -> Worker | None:
        endpoint = self._means.found(name)
        if endpoint is None:
            return None
        if endpoint.source is Source.CALLBACK:
            if (pause_s := self._pause_s(name)) > 0:
                self._look_later(pause_s)
                return None
            if not _has_room(self._callbacks, endpoint.account):
                self._look_later(LOOK_AGAIN_S)
                return None
            self._callbacks[endpoint.account] += 1
        worker = self._workers[name] = Worker(self._means, endpoint)
        nursery.start_soon(self._work, worker)
        return worker

    async def _work(self, worker: Worker) -> None:
        wait_s: float | None = None
        on_behalf_of.set(worker.endpoint.account)
        try:
            wait_s = await worker.run()
        finally:
            endpoint = worker.endpoint
            del self._workers[endpoint.name]
            if endpoint.source is Source.CALLBACK:
                self._callbacks -= Counter({endpoint.account: 1})
        if wait_s is not None:
            self._leave(endpoint.name, worker.pauses_until - trio.current_time())
            self._look_later(wait_s)
            self._wake.set()

    def _leave(self, name: str, pause_s: float) -> None:
        """Leave a callback alone for so long."""
        self._pauses.pop(name, None)
        if pause_s > 0:
            self._pauses[name] = trio.current_time() + pause_s
            if len(self._pauses) > CALLBACKS_MAX:
                del self._pauses[next(iter(self._pauses))]

    def _pause_s(self, name: str) -> float:
        """How long a callback is to be left alone yet; 0 or less: it is not."""
        return self._pauses.get(name, -math.inf) - trio.current_time()

    async def _post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        """One request: named supervisor of what an endpoint may provoke."""
        try:
            return await self._poster.post(url, headers, body)
        except Exception as error:  # noqa: BLE001  named supervisor
            self._log.error("webhook_crashed", error=repr(error), exc_info=error)
            return Answer(Verdict.FAILED, 0, "it could not be asked")


def _has_room(callbacks: Counter[str], account: str) -> bool:
    """Whether one more callback of ``account`` may have a worker, beside so many of each account."""
    return callbacks.total() < CALLBACKS_MAX and callbacks[account] < CALLBACKS_OF_ACCOUNT_MAX
