"""Tells one endpoint what it is owed, until it is owed nothing.

What is due is asked of the store, sent side by side, and what came of it written down, before more is asked for. An
endpoint that fails again and again is *tried* with one event at a time, ever later, and what it is owed waits.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import trio
from attrs import define

from smsagg.clock import Clock
from smsagg.config.schema import WebhookSendingSettings
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.engine.endpoints.standings import Standings
from smsagg.errors import StoreError
from smsagg.events import envelope_of
from smsagg.events.batches import Owed, batch_envelope_of, batches_of
from smsagg.events.documents import name_of
from smsagg.events.endpoint import Endpoint, Source
from smsagg.events.standing import Disabled
from smsagg.model import Event, EventDelivery
from smsagg.observe.log import RateLimitedLog
from smsagg.observe.metrics import Metrics
from smsagg.queueing import TokenBucket
from smsagg.signing import signed_headers
from smsagg.store.base import Changes, Store
from smsagg.webhooks.places import Places
from smsagg.webhooks.post import Answer, Verdict

BACKOFF = 4.0
JITTER = 0.2
FAILURES_MAX = 5
"""So many failures in a row, and the endpoint is tried with one event at a time."""
PAUSE_FIRST_S, PAUSE_MAX_S = 1.0, 300.0
STORE_RETRY_S = 0.5
DUE_MAX = 1_000
"""Events that are worked on at once."""
LINGER_S = 2.0
"""A callback with nothing to be told for longer is left until then, so that others have its worker."""
_FOREVER_MS = 2**62


@define(eq=False)
class Means:
    """What all workers share."""

    sending: WebhookSendingSettings
    endpoints: Endpoints
    standings: Standings
    store: Store
    clock: Clock
    rng: Random
    metrics: Metrics
    log: RateLimitedLog
    places: Places
    post: Callable[[str, list[tuple[bytes, bytes]], bytes], Awaitable[Answer]]

    def found(self, name: str) -> Endpoint | None:
        """The endpoint of this name, if it is to be told anything."""
        endpoint = self.endpoints.get(name)
        return None if endpoint is None or self.standings.of(endpoint).is_disabled else endpoint


class Worker:
    """Of one endpoint."""

    def __init__(self, means: Means, endpoint: Endpoint) -> None:
        self._means = means
        self.endpoint = endpoint
        self._work = trio.Event()
        self._moved = trio.Event()
        self._bucket = _bucket_of(endpoint)
        self._failures = 0
        """In a row."""
        self.pauses_until = -math.inf
        """By trio's clock."""

    def stir(self) -> None:
        """It is owed something more, or may be."""
        self._work.set()

    def heed(self) -> None:
        """Go on under the settings of now, as if it had never failed if they are others. What waits for its turn is
        not sent as it was meant to be before, nor at all to an endpoint that is not to be told any more."""
        endpoint = self._means.found(self.endpoint.name)
        if endpoint is None:
            self._moved.set()
        elif endpoint != self.endpoint:
            self.endpoint, self._bucket, self._failures = endpoint, _bucket_of(endpoint), 0
            self.pauses_until = -math.inf
            self._moved.set()

    async def run(self) -> float | None:
        """Tell it until it is owed nothing, or is not to be told. A callback that is to be told something later on is
        left too: the seconds until then."""
        while self._means.found(self.endpoint.name) is not None:
            self._work, self._moved = trio.Event(), trio.Event()
            pause_s = self.pauses_until - trio.current_time()
            if pause_s > LINGER_S and self.endpoint.source is Source.CALLBACK:
                return pause_s
            with trio.move_on_after(max(pause_s, 0)):
                await self._moved.wait()
            try:
                owed = await self._means.store.due_events(self.endpoint.name, _FOREVER_MS, self._at_once)
            except StoreError:
                await trio.sleep(STORE_RETRY_S)
                continue
            now = self._means.clock.now_ms()
            due = [(delivery, event) for delivery, event in owed if self._is_due(delivery, now)]
            if due:
                await self._tell_all(due)
            elif owed:
                wait_s = (owed[0][0].next_attempt_at - now) / 1000
                if self.endpoint.source is Source.CALLBACK and wait_s > LINGER_S:
                    return wait_s
                with trio.move_on_after(wait_s):
                    await self._work.wait()
            elif not self._work.is_set():
                return None
        return None

    @property
    def _at_once(self) -> int:
        settings = self.endpoint.settings
        return 1 if self._failures >= FAILURES_MAX else min(settings.concurrency * settings.batch_max, DUE_MAX)

    async def _tell_all(self, due: Sequence[Owed]) -> None:
        """Send these side by side, and write down what came of them."""
        changes = Changes()
        async with trio.open_nursery() as nursery:
            for batch in batches_of(due, self.endpoint.settings.batch_max):
                nursery.start_soon(self._tell, batch, changes)
        if not changes.is_empty():
            self._means.store.write(changes)
            await self._means.store.flush()  # else the same would be due again

    async def _tell(self, batch: Sequence[Owed], changes: Changes) -> None:
        """One request."""
        means, account = self._means, self.endpoint.account
        if self._bucket is not None:
            await self._take_turn(self._bucket)
        async with means.places.one(account, self.endpoint.name):
            endpoint = self.endpoint  # it may be another by the time of the answer
            if self._moved.is_set() or means.found(endpoint.name) is None:
                return  # it stays owed
            answer = await self._post(endpoint, batch)
        means.metrics.webhook_requests[account, answer.verdict.value].n += 1
        if answer.verdict is not Verdict.TAKEN:
            self._log(endpoint, batch[0][1], answer)
        present = means.endpoints.get(endpoint.name)
        if present is None or present.created_at != endpoint.created_at:
            return  # it was deleted, and is owed nothing, nor is another one of its name
        if endpoint.source is not Source.CALLBACK:
            if present == endpoint:
                self._note(endpoint, answer, changes)
            if answer.verdict is Verdict.GONE:
                return  # it stays owed, for when the endpoint is another or is enabled again
        pause_s, jitter = self._pause(answer), 1 + JITTER * means.rng.random()  # those of a batch stay together
        for delivery, event in batch:
            wait_s = max(self._least_delay_s(delivery.attempts + 1) * jitter, pause_s)
            self._settle(delivery, event, answer, wait_s, changes)

    async def _take_turn(self, bucket: TokenBucket) -> None:
        """Wait for it, unless the settings become others meanwhile."""
        ready_at = bucket.ready_at(trio.current_time())
        bucket.take(1, trio.current_time())  # before the wait, so that those that wait side by side go one by one
        with trio.move_on_at(ready_at):
            await self._moved.wait()

    async def _post(self, endpoint: Endpoint, batch: Sequence[Owed]) -> Answer:
        delivery, event = batch[0]
        now = self._means.clock.now_ms()
        if endpoint.settings.batch_max == 1:
            name, body = name_of(event.event_id), envelope_of(event)
        else:
            name, body = batch_envelope_of([one for _, one in batch], now)
        headers = [(b"content-type", b"application/json"), (b"user-agent", b"smsagg")]
        headers += signed_headers(endpoint.secrets(now), name, now // 1000, body)
        return await self._means.post(delivery.url or endpoint.settings.url, headers, body)

    def _note(self, endpoint: Endpoint, answer: Answer, changes: Changes) -> None:
        """How the endpoint stands after this."""
        standings, now = self._means.standings, self._means.clock.now_ms()
        standing = standings.of(endpoint)
        if answer.verdict is Verdict.TAKEN:
            standing = standing.succeeded(now)
        else:
            disable_after_ms = round(self._means.sending.disable_after * 1000)
            if answer.verdict is Verdict.GONE:
                standing = standing.disabled(Disabled.GONE, now, endpoint.digest)
            standing = standing.failed(now, answer.reason, disable_after_ms, endpoint.digest)
        standings.put(endpoint, standing, changes)

    def _settle(self, delivery: EventDelivery, event: Event, answer: Answer, wait_s: float, changes: Changes) -> None:
        """What becomes of what is owed; if it was not taken, it is tried again in ``wait_s``."""
        means = self._means
        if answer.verdict is Verdict.TAKEN:
            changes.done_event_deliveries.append((delivery.endpoint, delivery.event_id))
            return
        next_attempt_at = means.clock.now_ms() + round(1000 * wait_s)
        ends_at = event.at + means.sending.events_ttl * 1000
        if answer.verdict is Verdict.GONE or next_attempt_at >= ends_at:
            means.metrics.webhook_requests[event.account, "given_up"].n += 1
            changes.done_event_deliveries.append((delivery.endpoint, delivery.event_id))
            return
        changes.event_deliveries.append(
            delivery._replace(attempts=delivery.attempts + 1, next_attempt_at=next_attempt_at)
        )

    def _pause(self, answer: Answer) -> float:
        """Leave the endpoint alone after a failure; for so many seconds."""
        if answer.verdict is Verdict.TAKEN:
            self._failures = 0
            return 0.0
        self._failures += 1
        pause_s = answer.retry_after_s
        if self._failures >= FAILURES_MAX or answer.verdict is Verdict.BUSY:
            doublings = max(self._failures - FAILURES_MAX, 0)
            pause_s = max(pause_s, min(PAUSE_FIRST_S * 2 ** min(doublings, 20), PAUSE_MAX_S))
        self.pauses_until = max(self.pauses_until, trio.current_time() + pause_s)
        return pause_s

    def _is_due(self, delivery: EventDelivery, now: int) -> bool:
        """Its time has come, or is further ahead than its delay can be: that was planned before the clock was set back,
        or for a pause, which is over."""
        latest = now + round(1000 * self._least_delay_s(delivery.attempts) * (1 + JITTER))
        return not now < delivery.next_attempt_at <= latest

    def _least_delay_s(self, attempts: int) -> float:
        """After so many attempts."""
        sending = self._means.sending
        return min(sending.retry_first * BACKOFF ** min(max(attempts - 1, 0), 20), sending.retry_max)

    def _log(self, endpoint: Endpoint, event: Event, answer: Answer) -> None:
        subject = endpoint.account if endpoint.source is Source.CALLBACK else endpoint.name
        self._means.log.warning(
            "webhook_failed",
            key=f"{subject} {answer.verdict.value}",
            endpoint=endpoint.name,
            kind=event.kind,
            verdict=answer.verdict.value,
            reason=answer.reason,
        )


def _bucket_of(endpoint: Endpoint) -> TokenBucket | None:
    rate = endpoint.settings.rate
    return None if rate is None else TokenBucket(rate, max(rate, 1), -math.inf)
