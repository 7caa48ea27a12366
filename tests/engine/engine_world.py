"""The world outside of the process, for random lives: what ESMEs were told, what carriers did, and what must hold.

A :class:`World` outlives crashes. It plays carriers, sessions, time and the store's medium by random steps, notes every
promise that was made, and has :func:`engine_judge.judge` hold the engine to them.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import trio
from engine_bounds import ACCOUNTS, CARRIERS, LIVE_MAX, TIGHT
from engine_judge import Attempt, judge
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import (
    Config,
)
from smsagg.engine.requests.replacement import Revision
from smsagg.errors import StoreFailed, StoreFull
from smsagg.model import Delivery, DeliveryKind, Message, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.base import QueuedMatch
from smsagg.store.memory import MemoryStore, Tables
from smsagg.tables import Tables as DataFiles
from smsagg.testing.carrier import FakeCarrier, Reported
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    Submitted,
    make_message,
    run_gateway,
)
from smsagg.testing.sink import FakeSink

FINAL = (MessageState.DELIVERED, MessageState.UNDELIVERABLE, MessageState.REJECTED)
STEPS = 36
"""Kinds of step, the likely ones counted as often as they are likely."""


class World:
    """Steps are small integers drawn by the test; ``rng`` fills in the details."""

    live_max = LIVE_MAX
    data_files = DataFiles()
    """What every life has read."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.tables = Tables()
        self.clock = FakeClock()
        self.latest_ms = 0
        """The wall clock's highest reading before it was set back."""
        self.submitted: list[Submitted] = []
        self.attempts: list[Attempt] = []
        self.by_message: dict[int, Attempt] = {}
        """The latest attempt with each message object of this life."""
        self.doubts: Counter[int] = Counter()
        self.returns: Counter[int] = Counter()
        """Attempts of which the carrier said, or nobody can doubt, that it does not have the message."""
        self.recorded: set[int] = set()
        """Messages whose attempt was recorded when the process died, whether it was made or not."""
        self.told: dict[str, list[int]] = defaultdict(list)
        self.asked_to_cancel: set[str] = set()
        self.swept: set[str] = set()
        self.cancelled: set[str] = set()
        self.rejected: set[str] = set()
        self.texts: dict[str, set[bytes]] = {}
        """Of messages that somebody asked to replace: the texts that may go out."""
        self.pending: dict[str, set[bytes]] = {}
        """Texts of replacements that nobody has answered yet, of this life."""
        self.sinks: list[FakeSink] = []
        self.unanswered: list[Delivery] = []
        self.config = TIGHT
        """Of the next life."""
        self.gateway: FakeGateway
        self.store: MemoryStore
        self.tasks: trio.Nursery

    async def live(self, steps: Sequence[int], config: Config = TIGHT) -> None:
        """One life after the other until the steps are used up; the last one is brought to its end and judged."""
        left = deque(steps)
        over = False
        self.config = config
        while not over:
            self.store = store = MemoryStore(self.tables)
            seed = self.rng.getrandbits(32)
            async with (
                run_gateway(self.config, store, self.clock, seed, self._begin, self.data_files) as self.gateway,
                trio.open_nursery() as self.tasks,
            ):
                over = await self._walk(left)
                self.tasks.cancel_scope.cancel()
            self._crashed()
        judge(self)

    async def _walk(self, left: deque[int]) -> bool:
        steps = self._steps
        assert len(steps) == STEPS
        while left:
            step = steps[left.popleft()]
            if step is not None:
                await step()
            elif self.rng.random() < 0.4:
                return False
        await self._finish()
        return True

    @property
    def _steps(self) -> list[Any]:
        return [
            *[self._submit] * 4,
            *[self._settle] * 4,
            *[self._accept] * 4,
            *[self._report] * 3,
            *[self._pass_time] * 2,
            *[self._answer_delivery] * 2,
            self._refuse,
            self._time_out,
            self._lose,
            self._bind,
            self._return_unsent,
            self._accept_late,
            self._cancel,
            self._attach,
            self._detach,
            self._hold,
            self._release,
            self._break_store,
            self._repair,
            self._fail_commit,
            self._jump_wall,
            self._acknowledge_late,
            None,  # crash
        ]

    # --- life and death ---

    def _begin(self, gateway: FakeGateway) -> None:
        self.sinks, self.by_message, self.unanswered, self.pending = [], {}, [], {}
        for carrier in gateway.carriers.values():
            self._watch(carrier)

    def _watch(self, carrier: FakeCarrier) -> None:
        def on_sent(messages: Sequence[Message]) -> None:
            now = self.clock.now_ms()
            for message in messages:
                for part in message.joins or (message,):
                    row = self.tables.messages.get(part.seq)
                    assert row is not None, "sent and not committed, or over"
                    assert part.not_before <= max(now, self.latest_ms), "sent too early"
                    assert now < part.expires_at, "sent too late"
                    assert part.message_id not in self.cancelled, "sent and cancelled"
                    texts = self.texts.get(part.message_id, {part.body}) if part.group is None else {part.body}
                    assert part.body in texts, "sent with a text of the past"
                    if part.message_class == "otp":
                        assert row.state is MessageState.SENDING, "sent and not recorded"
                        assert not self.doubts[part.seq], "sent twice"
                number = len(self.attempts)
                attempt = Attempt(carrier.name, f"id{number}", message)
                self.attempts.append(attempt)
                self.by_message[id(message)] = attempt

        carrier.observe_sent = on_sent

    def _crashed(self) -> None:
        """After the end of a life: what it had under way, or had not written down, is in doubt."""
        for row in self.tables.messages.values():
            if row.state is MessageState.SENDING:
                self.recorded.add(row.seq)
        for attempt in self.by_message.values():
            if attempt.outcome == "":
                attempt.outcome = "doubt"
                self.doubts.update(attempt.seqs)
            elif attempt.outcome == "accepted":
                rows = [self.tables.messages.get(seq) for seq in attempt.seqs]
                self.doubts.update(row.seq for row in rows if row and row.state is not MessageState.ENROUTE)

    async def _finish(self) -> None:
        """Let everything come to its end: the store works, carriers take and report, sessions acknowledge."""
        store, gateway = self.store, self.gateway
        store.repair()
        store.release()
        for sink in self.sinks:
            if self.rng.random() < 0.5:
                sink.detach()
            else:
                sink.status = ESME_ROK
                sink.answer(ESME_ROK)
        for account in ACCOUNTS:
            self._attach_to(account, ESME_ROK)
        await self._take_and_report(20)
        self.clock.jump_wall(10_000)  # schedules, and retries that are far off where the clock was set back
        await self._take_and_report(10)
        self.clock.jump_wall(100 * 86_400)
        await self._take_and_report(5)
        self.clock.jump_wall(86_400)
        await trio.sleep(65)
        await gateway.settle()
        gateway.assert_nothing_is_held()

    async def _take_and_report(self, rounds: int) -> None:
        for _ in range(rounds):
            for carrier in self.gateway.carriers.values():
                for link in carrier.links:
                    if not link.is_bound:
                        link.bind()
                self._accept_some(carrier, 100)
            self._report_rest()
            await trio.sleep(2)

    def _report_rest(self) -> None:
        for attempt in self.attempts:
            if attempt.outcome == "accepted" and not attempt.was_heard:
                self._report_final(attempt, attempt.finals[0] if attempt.finals else MessageState.DELIVERED)

    # --- ESMEs ---

    async def _submit(self) -> None:
        rng = self.rng
        account = rng.choice(ACCOUNTS)
        submitted = self.gateway.submit(
            rng.choice((1, 1, 2, 5)),
            account,
            message_class=self.gateway.config.accounts[account].message_class,
            pool=rng.choice(("gb", "vn")),
            priority=rng.choice((0, 0, 0, 3)),
            registered_delivery=rng.choice((0, 1, 1, 1, 2, 3, 0x11)),
            delay_s=rng.choice((0, 0, 0, 5, 1_000)),
            ttl_s=rng.choice((2, 20, 86_400, 86_400)),
        )
        self.submitted.append(submitted)

    async def _cancel(self) -> None:
        """Or replace."""
        accepted = [m for s in self.submitted if s.status == ESME_ROK for m in s.messages]
        if accepted:
            ask = self.rng.choice(
                (self._ask_to_cancel, self._ask_to_cancel, self._replace, self._replace, self._sweep, self._submit_anew)
            )
            self.tasks.start_soon(ask, self.rng.choice(accepted))

    async def _replace(self, message: Message) -> None:
        """replace_sm, often of what was replaced before or is being replaced."""
        message_id, text = message.message_id, b"text %d" % self.rng.getrandbits(32)
        allowed = self.texts.setdefault(message_id, {message.body})
        pending = self.pending.setdefault(message_id, set())
        allowed.add(text)
        pending.add(text)
        delay_ms = self.rng.choice((None, None, 5_000, 1_000_000))

        def revise(found: Message) -> Revision:
            not_before = found.not_before if delay_ms is None else found.accepted_at + delay_ms
            expires_at = max(found.expires_at, not_before + 2_000)
            return Revision(found.registered_delivery, text, False, not_before, expires_at)

        status = await self.gateway.engine.replacement.revise(message.account, message_id, revise)
        pending.discard(text)
        if status == ESME_ROK:
            self.texts[message_id] = {text} | pending
        else:
            allowed.discard(text)

    async def _sweep(self, message: Message) -> None:
        """cancel_sm by addresses."""
        self.swept.add(message.account)
        with suppress(StoreFailed, StoreFull):
            await self.gateway.engine.control.cancel_matching(_match_of(message))

    async def _submit_anew(self, message: Message) -> None:
        """A submit that replaces all that has the same addresses."""
        self.swept.add(message.account)
        new = make_message(
            self.clock.now_ms(),
            account=message.account,
            message_class=self.gateway.config.accounts[message.account].message_class,
            pool=self.rng.choice(("gb", "vn")),
            delay_s=self.rng.choice((0, 5, 1_000)),
        )
        submitted = Submitted([new], [])
        self.submitted.append(submitted)
        replacement = self.gateway.engine.replacement
        status = await replacement.submit(new, _match_of(message), self.rng.random() < 0.5, submitted.answer)
        if status:
            submitted.answer(status)

    async def _ask_to_cancel(self, message: Message) -> None:
        self.asked_to_cancel.add(message.message_id)
        try:
            done = await self.gateway.engine.control.cancel(message.account, message.message_id, lambda _: True)
        except (StoreFailed, StoreFull):
            return
        if done:
            self.cancelled.add(message.message_id)

    async def _attach(self) -> None:
        self._attach_to(self.rng.choice(ACCOUNTS), self.rng.choice((ESME_ROK, None, None, 0x64)))

    def _attach_to(self, account: str, status: int | None) -> None:
        sink = self.gateway.attach(account, self.rng.choice((1, 2, 5)), status)
        sink.observe = lambda delivery: (
            self.told[delivery.message_id].append(delivery.message_state)
            if delivery.kind is DeliveryKind.RECEIPT
            else None
        )
        for delivery in sink.received:  # handed over while attaching
            if delivery.kind is DeliveryKind.RECEIPT:
                self.told[delivery.message_id].append(delivery.message_state)
        self.sinks.append(sink)

    async def _detach(self) -> None:
        if self.sinks:
            self.sinks.pop(self.rng.randrange(len(self.sinks))).detach()

    async def _answer_delivery(self) -> None:
        if self.sinks:
            sink = self.rng.choice(self.sinks)
            status, deliveries = self.rng.choice((ESME_ROK, ESME_ROK, 0x64, None)), sink.outstanding[:2]
            sink.answer(status, deliveries)
            if status is None:
                self.unanswered += deliveries

    async def _acknowledge_late(self) -> None:
        """The answer to a delivery whose response timer had fired."""
        if self.unanswered:
            delivery = self.unanswered.pop(self.rng.randrange(len(self.unanswered)))
            self.gateway.engine.deliveries.on_late_answers([delivery])

    # --- carriers ---

    def _carrier(self) -> FakeCarrier:
        return self.gateway.carriers[self.rng.choice(CARRIERS)]

    def _conclude(self, messages: Sequence[Message], outcome: str) -> None:
        for message in messages:
            attempt = self.by_message[id(message)]
            attempt.outcome = outcome
            if outcome == "doubt":
                self.doubts.update(attempt.seqs)
            elif outcome in ("refused", "unsent"):
                self.returns.update(attempt.seqs)

    def _accept_some(self, carrier: FakeCarrier, count: int) -> None:
        for link in carrier.links:
            messages = link.outstanding[:count]
            self._conclude(messages, "accepted")
            link.accept(messages, [self.by_message[id(message)].carrier_message_id for message in messages])

    async def _accept(self) -> None:
        self._accept_some(self._carrier(), self.rng.choice((1, 2, 10)))

    async def _refuse(self) -> None:
        link = self.rng.choice(self._carrier().links)
        messages = link.outstanding[: self.rng.choice((1, 3))]
        self._conclude(messages, "refused")
        link.refuse(self.rng.choice((ESME_RSYSERR, ESME_RSYSERR, ESME_RTHROTTLED, ESME_RINVDSTADR)), messages)

    async def _time_out(self) -> None:
        link = self.rng.choice(self._carrier().links)
        messages = link.outstanding[:1]
        self._conclude(messages, "doubt")
        link.time_out(messages)

    async def _lose(self) -> None:
        link = self.rng.choice(self._carrier().links)
        self._conclude(link.outstanding, "doubt")
        link.lose()

    async def _return_unsent(self) -> None:
        link = self.rng.choice(self._carrier().links)
        link.is_bound = False
        self._conclude(link.outstanding, "unsent")
        link.return_unsent()

    async def _bind(self) -> None:
        for carrier in self.gateway.carriers.values():
            for link in carrier.links:
                if not link.is_bound:
                    link.bind()

    async def _accept_late(self) -> None:
        """The answer to an attempt that was given up; the same life, its link still there."""
        late = [attempt for attempt in self.by_message.values() if attempt.outcome == "doubt"]
        if late:
            attempt = self.rng.choice(late)
            attempt.outcome = "accepted"
            self.gateway.carriers[attempt.carrier].link.accept_late(attempt.message, attempt.carrier_message_id)

    async def _report(self) -> None:
        """A report on something the carrier has or may have: early, repeated, contradicting, on the way or final."""
        rng = self.rng
        known = [attempt for attempt in self.attempts[-40:] if attempt.outcome in ("", "accepted", "doubt")]
        if not known:
            return
        attempt = rng.choice(known)
        if rng.random() < 0.2:
            self._send_report(attempt, MessageState.ENROUTE)
        else:
            self._report_final(attempt, rng.choice(FINAL))

    def _report_final(self, attempt: Attempt, state: MessageState) -> None:
        attempt.finals.append(state)
        attempt.reports.append(self._send_report(attempt, state))

    def _send_report(self, attempt: Attempt, state: MessageState) -> Reported:
        return self.gateway.carriers[attempt.carrier].receipt(attempt.carrier_message_id, state=state)

    # --- time and the medium ---

    async def _settle(self) -> None:
        await wait_all_tasks_blocked()
        assert len(self.gateway.engine.core.live) <= self.live_max, "more in memory than all bounds together"

    async def _pass_time(self) -> None:
        await trio.sleep(self.rng.choice((0.1, 1, 3, 12)))

    async def _jump_wall(self) -> None:
        self.latest_ms = max(self.latest_ms, self.clock.now_ms())
        self.clock.jump_wall(self.rng.choice((-30, -2, 2, 30)))

    async def _hold(self) -> None:
        self.store.hold()

    async def _release(self) -> None:
        self.store.release()

    async def _break_store(self) -> None:
        self.store.break_down(self.rng.choice((StoreFull("full"), StoreFailed("bad"))))

    async def _repair(self) -> None:
        self.store.repair()
        self.store.release()

    async def _fail_commit(self) -> None:
        self.store.fail_next(StoreFull("full"))


def _match_of(message: Message) -> QueuedMatch:
    return QueuedMatch(message.account, message.source_addr, message.destination_addr, None)
