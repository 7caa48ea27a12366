"""Ends what time has ended: expired messages, silent carriers, old receipts.

Once a second it asks the store for messages whose ``expires_at`` has passed since it last asked, and a little before:
a row may come late, its commit having taken its time, or be on its way between store and memory when it is looked at.
Those still waiting are EXPIRED. Those with a carrier get ``carrier_grace`` for a receipt, then they are UNKNOWN; of
these every round sees all, for few live so long. A message in SENDING is left to its outcome, which checks the time
itself.

Messages that a customer submits in parts may miss some for ever. When their time to come is over and those that came
have ended, the group ends with what it has.
"""

from collections.abc import Callable
from functools import partial

import trio

from smsagg.engine.admission.money import first_day
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.ending.reports import Reports
from smsagg.engine.ending.retention import Retention
from smsagg.engine.queues.waiting import Waiting
from smsagg.errors import StoreError
from smsagg.events.endpoint import account_of
from smsagg.model import Message, MessageState, PartGroup, named_range

INTERVAL_S = 1.0
BATCH = 1_000
HISTORY_BATCHES = 50
"""Batches of history dropped in one round at most: 50,000 messages a second."""
EVENT_BATCHES = 200
"""The same of events, of which a message has some three."""
DROP_PARKED_S = 60.0
"""The store's parked receipts may be younger than memory's, which keeps the first of several alike. So often days of
spending that no cap or quota counts any more are dropped, too."""


class Sweeper:
    """One task."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher, reports: Reports) -> None:
        self._core = core
        self._waiting = waiting
        self._finisher = finisher
        self._reports = reports
        self.on_closed: Callable[[PartGroup], None] = lambda _group: None
        """Told of a group that ends though it misses parts."""
        self.last_seq: Callable[[], int] = lambda: 0
        """Highest seq ever given out."""
        self.retention = Retention(core)
        self._swept_until = 0
        self._drop_parked_at = 0.0
        self._overlap_ms = 0
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on."""
        overlap_ms = int((self._core.config.server.accept_deadline + 2 * INTERVAL_S) * 1000)
        self.retention.reconfigure()
        self._overlap_ms = max(overlap_ms, self._overlap_ms)  # commits under way began under the settings before

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._core.store_permitting(self.sweep)
            await trio.sleep(INTERVAL_S)

    async def sweep(self) -> None:
        """One round."""
        core = self._core
        now = core.clock.now_ms()
        grace_ms = int(core.config.receipts.carrier_grace * 1000)
        since = max(self._swept_until - self._overlap_ms, 0)
        await self._sweep_messages(since, now, now, MessageState.QUEUED, MessageState.EXPIRED)
        self._swept_until = now
        await self._sweep_messages(0, now - grace_ms, now, MessageState.ENROUTE, MessageState.UNKNOWN)
        await self._close_groups(now - self._overlap_ms)
        await self._drop_expired_deliveries(now)
        await self._drop_history(now)
        await self._drop_events(now)
        await self.retention.apply(now)
        parked_before = now - int(core.config.store.parked_receipt_ttl * 1000)
        orphans = self._reports.drop_orphans(parked_before)
        for carrier, _ in orphans:
            core.metrics.orphan(carrier)
        monotonic = core.clock.monotonic_s()
        if orphans or monotonic >= self._drop_parked_at:
            await core.store.drop_parked_receipts(parked_before)
            await core.store.drop_spending(first_day(now))
            await self._drop_keyed_answers(now)
            self._drop_parked_at = monotonic + DROP_PARKED_S

    async def _close_groups(self, closed_before: int) -> None:
        """A part that came in time may be committed a little after it, hence ``closed_before``."""
        core = self._core
        closed = BATCH
        while closed == BATCH:
            with core.groups.watching():
                found = await core.store.find_closed_groups(closed_before, BATCH)
                groups = [core.groups.shared(group) for group in found]
                firsts = [await self._first_part(group) for group in groups]
            closed = len(found)
            changes = Changes()
            for group, first in zip(groups, firsts, strict=True):
                if not group.is_over and group.ended == group.received:
                    self.on_closed(group)
                    self._finisher.close(group, first, core.clock.now_ms(), changes)
            if not changes.is_empty():
                self._finisher.commit(changes)

    async def _first_part(self, group: PartGroup) -> Message | None:
        """The one that came first; its id may be that of a submit_multi, and name others too."""
        named = named_range(group.message_id, self.last_seq())
        assert named is not None
        found = await self._core.store.find_messages(named.seq, min(named.copies, BATCH))
        own = (row for row in found if row.group_seq == group.group_seq and row.message_id == group.message_id)
        return next(own, None)

    async def _drop_expired_deliveries(self, now: int) -> None:
        dropped = BATCH
        while dropped == BATCH:
            dropped = await self._core.store.drop_expired_deliveries(now, BATCH)
            if dropped:
                self._core.metrics.deliveries_expired("", dropped)

    async def _drop_events(self, now: int) -> None:
        before = now - int(self._core.config.webhooks.events_ttl * 1000)
        for _ in range(EVENT_BATCHES):
            dropped, owed = await self._core.store.drop_events(before, BATCH)
            for endpoint, count in owed.items():
                self._core.metrics.events_expired(account_of(endpoint), count)
            if dropped < BATCH:
                return

    async def _drop_keyed_answers(self, now: int) -> None:
        created_before = now - int(self._core.config.http.idempotency_ttl * 1000)
        while await self._core.store.drop_keyed_answers(created_before, BATCH) == BATCH:
            pass

    async def _drop_history(self, now: int) -> None:
        """A bounded part a round, oldest first: the past goes at least as fast as it came."""
        done_before = now - self.retention.history_ms
        for _ in range(HISTORY_BATCHES):
            if await self._core.store.drop_history(done_before, BATCH) < BATCH:
                return

    async def _sweep_messages(
        self, since: int, before: int, now: int, state: MessageState, final: MessageState
    ) -> None:
        """End, as of ``now``, the messages in ``state`` with ``since <= expires_at < before``."""
        after_seq = 0
        while True:
            with self._core.watching_finishes() as finished_meanwhile:
                found = await self._core.store.find_expired(before, BATCH, after_seq, expires_from=since)
                self._core.groups.adopt(found)
            changes = Changes()
            parked: list[int] = []
            for stored in found:
                message = self._core.live.get(stored.seq, stored)
                if (
                    message.state is state
                    and message.seq not in finished_meanwhile
                    and not self._core.is_stale(message)
                ):
                    self._end(message, final, now, changes, parked)
            if not changes.is_empty():
                self._finisher.commit(changes, partial(self._settled, parked))
            if len(found) < BATCH:
                return
            after_seq = found[-1].seq

    def _settled(self, parked: list[int], _: StoreError | None) -> None:
        self._core.settled.extend(parked)

    def _end(self, message: Message, final: MessageState, now: int, changes: Changes, parked: list[int]) -> None:
        core = self._core
        if message.state is MessageState.QUEUED:
            if message.seq in core.live:
                self._waiting.withdraw(message)
            else:
                core.settling.add(message.seq)
                parked.append(message.seq)
        else:
            self._reports.ended(message)
        error_code = message.error_code
        self._finisher.finish(message, final, error_code, now, changes)
