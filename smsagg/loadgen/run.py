"""A load run: binds, pacing, the end, and what came out.

Theory of operation. Without a rate every bind keeps its window full. With a rate message *k* is due at ``k / rate``
after the start; what is due and not sent yet may be sent, and a message that had to wait for a window counts its
latency from when it was due, not from when it left (no coordinated omission). One ticker paces, wakes binds that held
off, and sees the end: everything sent, answered and receipted, or no progress for ``patience_s``.
"""

import gc
import math
import time
from collections.abc import Iterator

import trio
from attrs import define, field

from smsagg.errors import PeerError
from smsagg.loadgen.bind import LoadBind
from smsagg.loadgen.journal import LoadJournal
from smsagg.loadgen.ledger import Ledger
from smsagg.loadgen.templates import MessageShape, Templates

PACED_TICK_S = 0.002
UNPACED_TICK_S = 0.02
BATCH_MIN = 8
"""A tick gives a bind so many messages before the next bind gets any: fewer and larger writes."""
STOP_TIMEOUT_S = 3.0


@define(frozen=True)
class LoadSettings:
    """What a run does."""

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = "demo"
    password: str = field(default="demo-pw", repr=False)
    binds: int = 4
    window: int = 100
    rate_per_s: float | None = None
    """None: as fast as the windows allow."""
    messages: int | None = 10_000
    """None: until ``duration_s`` is over."""
    duration_s: float | None = None
    patience_s: float = 30.0
    """How long without a response or receipt before the rest counts as missing."""
    reconnect: bool = False
    """Bind again when a connection is lost; what was outstanding counts as unanswered and is not sent again."""
    shape: MessageShape = field(factory=MessageShape)


class LoadRun:
    """One run. ``run_word`` tells its messages from those of other runs."""

    def __init__(self, settings: LoadSettings, templates: Templates, journal: LoadJournal | None = None) -> None:
        self.settings = settings
        self.templates = templates
        self.ledger = Ledger(bool(settings.shape.registered_delivery & 0x03), journal)
        self.binds = [LoadBind(self) for _ in range(settings.binds)]
        self.is_stopping = False
        self.connections_lost = 0
        self.started_at = math.inf
        self.sent_at = 0.0
        """When the last message left."""
        self.ended_at = 0.0
        self.cpu_s = 0.0
        self._journal = journal
        self._limit = settings.messages if settings.messages is not None else 10**9
        self._end_at = math.inf
        self._is_ended = False

    async def run(self) -> None:
        """Bind, send, wait for the rest, unbind. Raises :class:`PeerError` when a bind fails.

        Runs one task a bind. :meth:`end` ends it early; when it is cancelled the counts stand as they are.
        """
        error: PeerError | None = None
        async with trio.open_nursery() as nursery:
            for bind in self.binds:
                error = await nursery.start(bind.run)
                if error is not None:
                    break
            else:
                cpu_began_s = time.process_time()
                try:
                    await self._drive()
                finally:
                    self.cpu_s = time.process_time() - cpu_began_s
            self._stop()
            nursery.cancel_scope.deadline = trio.current_time() + STOP_TIMEOUT_S
        if error is not None:
            raise error

    def end(self) -> None:
        """Send nothing more and do not wait for what is missing."""
        self._is_ended = True

    def allowed(self, now: float) -> int:
        """How many messages may be sent now that were not sent yet."""
        if now >= self._end_at or now < self.started_at:
            return 0
        rate = self.settings.rate_per_s
        limit = self._limit if rate is None else min(self._limit, int((now - self.started_at) * rate))
        return limit - self.ledger.sent

    def take(self, count: int, now: float) -> Iterator[tuple[int, float]]:
        """(number, start of the latency) of the next ``count`` messages, which are sent now."""
        first = self.ledger.sent
        self.ledger.sent = first + count
        self.sent_at = now
        if self._journal is not None:
            text = self.settings.shape.text
            for number in range(first, first + count):
                self._journal.submitted(number, f"{text} {self.templates.nonce(number)}")
        rate = self.settings.rate_per_s
        for number in range(first, first + count):
            due_at = now if rate is None else self.started_at + (number + 1) / rate
            yield number, due_at if now - due_at > 2 * PACED_TICK_S else now

    @property
    def outstanding(self) -> int:
        return sum(len(bind.outstanding) for bind in self.binds)

    def on_connection_lost(self, bind: LoadBind) -> None:
        """What was outstanding on it will not be answered."""
        if not self.is_stopping:
            self.connections_lost += 1
        self.ledger.unanswered += len(bind.outstanding)
        bind.outstanding.clear()

    async def _drive(self) -> None:
        gc.collect()
        gc.freeze()
        settings = self.settings
        self.started_at = now = trio.current_time()
        self.ledger.progress_at = now
        if settings.duration_s is not None:
            self._end_at = now + settings.duration_s
        tick_s = PACED_TICK_S if settings.rate_per_s is not None else UNPACED_TICK_S
        while not self._is_over(now):
            self._fill(now)
            await trio.sleep(tick_s)
            now = trio.current_time()

    def _fill(self, now: float) -> None:
        """Share what may be sent among the binds, the emptiest first."""
        allowed = self.allowed(now)
        binds = sorted(self.binds, key=lambda bind: len(bind.outstanding))
        for index, bind in enumerate(binds):
            if allowed <= 0:
                return
            share = max(-(-allowed // (len(binds) - index)), BATCH_MIN)
            allowed -= bind.fill(now, min(share, allowed))

    def _is_over(self, now: float) -> bool:
        ledger = self.ledger
        if self._is_ended:
            return True
        is_sent = ledger.sent >= self._limit or now >= self._end_at
        if is_sent and not self.outstanding and not ledger.missing:
            return True
        if not self.settings.reconnect and not any(bind.is_bound for bind in self.binds):
            return True
        is_waiting = is_sent or self.outstanding > 0
        return is_waiting and now - max(ledger.progress_at, self.sent_at) > self.settings.patience_s

    def _stop(self) -> None:
        self.is_stopping = True
        self.ended_at = trio.current_time()
        for bind in self.binds:
            self.ledger.unanswered += len(bind.outstanding)
            bind.outstanding.clear()
            bind.unbind()
        if self._journal is not None:
            self._journal.flush()
        gc.unfreeze()
