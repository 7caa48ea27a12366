"""A carrier whose every move a test makes: what it offers, what it answers and when, what it reports.

Nothing is answered by itself: what the engine hands over stays in :attr:`FakeLink.outstanding` until the test accepts,
refuses, times out or loses it. For tests that are about something else, :attr:`FakeCarrier.answers` answers everything
one turn of the loop later.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, ClassVar, NamedTuple

import trio
from attrs import define, field

from smsagg.carriers.base import CarrierEvents
from smsagg.clock import Clock
from smsagg.model import Accepted, CarrierMo, CarrierReceipt, InDoubt, Message, MessageState, NotSent, Outcome, Refused
from smsagg.queueing import TokenBucket

Answer = Callable[[Message], Outcome | None]
"""What a carrier answers to a message by itself; ``None``: nothing."""


@define(frozen=True)
class FakeSettings:
    """``[carriers.NAME]`` with ``type = "fake"``."""

    links: int = 1
    window: int = 100
    rate: float | None = None
    """Attempts per second and link."""
    bound: bool = True
    """Whether the links are bound at the start."""
    long_messages: str = "as_is"
    """The form in which it wants messages of several parts."""
    segment_octets_max: int = 140
    learns_ids: bool = False


class Sent(NamedTuple):
    """One attempt, as it was handed over."""

    seq: int
    message_id: str
    carrier: str
    at: int
    """Wall time, UTC ms."""
    asks_receipt: bool
    body: bytes


@define(eq=False)
class Reported:
    """Receipts or MO that a carrier reported, and what it was answered so far."""

    answers: list[tuple[object, int]] = field(factory=list)

    @property
    def statuses(self) -> list[int]:
        """The command_status of each answer, in the order in which they came."""
        return [status for _, status in self.answers]


class FakeLink:
    """One bind of a :class:`FakeCarrier`."""

    def __init__(self, owner: "FakeCarrier", number: int, settings: FakeSettings) -> None:
        self.carrier = owner.name
        self.name = f"{owner.name}/{number}"
        self.window = settings.window
        self.is_bound = settings.bound
        self.outstanding: list[Message] = []
        """Attempts without an answer, oldest first."""
        self._owner = owner
        self._bucket = TokenBucket(settings.rate, 1, -math.inf) if settings.rate else None

    @property
    def in_flight(self) -> int:
        return len(self.outstanding)

    def capacity(self, now: float) -> int:
        free = self.window - len(self.outstanding) if self.is_bound and not self._owner.resting else 0
        return free if self._bucket is None or free <= 0 else int(min(free, self._bucket.available(now)))

    def ready_at(self, now: float) -> float:
        if not self.is_bound or len(self.outstanding) >= self.window:
            return math.inf
        return now if self._bucket is None else self._bucket.ready_at(now)

    def send(self, messages: Sequence[Message]) -> None:
        assert 0 < len(messages) <= self.capacity(trio.current_time()), "more than was offered"
        if self._bucket is not None:
            self._bucket.take(len(messages), trio.current_time())
        self.outstanding += messages
        self._owner.on_sent(self, messages)

    # What a test does.

    def accept(self, messages: Iterable[Message] | None = None, ids: Iterable[str] | None = None) -> list[str]:
        """Answer ESME_ROK to ``messages`` (all outstanding); returns the ids given, ``ids`` or fresh ones."""
        taken = self._take(messages)
        given = list(ids) if ids is not None else [self._owner.next_id() for _ in taken]
        self.report([Accepted(message, given_id) for message, given_id in zip(taken, given, strict=True)])
        return given

    def refuse(self, command_status: int, messages: Iterable[Message] | None = None) -> None:
        """Answer an error to ``messages`` (all outstanding)."""
        self.report([Refused(message, command_status) for message in self._take(messages)])

    def time_out(self, messages: Iterable[Message] | None = None) -> None:
        """Let the response timer fire on the living link."""
        self.report([InDoubt(message, link_lost=False) for message in self._take(messages)])

    def accept_late(self, message: Message, carrier_message_id: str) -> None:
        """Answer ESME_ROK to an attempt that has timed out."""
        self.report([Accepted(message, carrier_message_id)])

    def return_unsent(self, messages: Iterable[Message] | None = None) -> None:
        """Report that ``messages`` (all outstanding) were never written."""
        self.report([NotSent(message) for message in self._take(messages)])

    def lose(self) -> None:
        """The connection is gone, and with it every answer outstanding."""
        self.is_bound = False
        self.report([InDoubt(message, link_lost=True) for message in self._take(None)])

    def bind(self) -> None:
        """The link is bound (again)."""
        self.is_bound = True
        self._owner.events.on_capacity(self)

    def report(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            self._owner.events.on_outcomes(self, outcomes)
        if self._owner.resting and not self.outstanding:
            self.is_bound = False

    def _take(self, messages: Iterable[Message] | None) -> list[Message]:
        taken = list(self.outstanding if messages is None else messages)
        wanted = set(map(id, taken))
        assert wanted <= set(map(id, self.outstanding)), "not outstanding here"
        self.outstanding = [message for message in self.outstanding if id(message) not in wanted]
        return taken


class FakeCarrier:
    """A :class:`smsagg.carriers.base.Carrier` under a test's control."""

    Settings: ClassVar[type[Any]] = FakeSettings
    LIVE_KEYS: ClassVar[frozenset[str]] = frozenset({"long_messages", "segment_octets_max", "learns_ids"})

    def __init__(self, name: str, settings: FakeSettings, events: CarrierEvents, clock: Clock, rng: Random) -> None:
        self.name = name
        self.settings = settings
        self.learns_ids = settings.learns_ids
        self.events = events
        self.sent: list[Sent] = []
        """Every attempt there ever was, in order."""
        self.resting = False
        self.answers: Answer | None = None
        self.observe_sent: Callable[[Sequence[Message]], None] = lambda _messages: None
        """Called at each hand-over."""
        self.next_id: Callable[[], str] = self._count_up
        self._clock = clock
        self._last_id = 0
        self._links = [FakeLink(self, number, settings) for number in range(1, settings.links + 1)]
        self._work = trio.Event()

    def reconfigure(self, settings: FakeSettings) -> None:
        self.settings = settings
        self.learns_ids = settings.learns_ids

    @property
    def links(self) -> Sequence[FakeLink]:
        return self._links

    @property
    def link(self) -> FakeLink:
        """The first link."""
        return self._links[0]

    @property
    def outstanding(self) -> list[Message]:
        """Attempts without an answer, on any link."""
        return [message for link in self._links for message in link.outstanding]

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Give the answers of :attr:`answers`."""
        task_status.started()
        while True:
            for link in self._links:
                self._answer(link)
            await self._work.wait()
            self._work = trio.Event()

    async def drain(self) -> None:
        for link in self._links:
            link.is_bound = False

    def rest(self) -> None:
        """See :class:`~smsagg.carriers.base.RestingCarrier`."""
        self.resting = True
        self._unbind_idle()

    def wake(self) -> None:
        """Bind again."""
        self.resting = False
        self.bind()

    def _unbind_idle(self) -> None:
        for link in self._links:
            if not link.outstanding:
                link.is_bound = False

    # What a test does.

    def accept(self) -> list[str]:
        """Answer ESME_ROK to everything outstanding; returns the ids given."""
        return [given for link in self._links for given in link.accept()]

    def refuse(self, command_status: int) -> None:
        """Answer an error to everything outstanding."""
        for link in self._links:
            link.refuse(command_status)

    def time_out(self) -> None:
        """Let the response timers of everything outstanding fire."""
        for link in self._links:
            link.time_out()

    def lose(self) -> None:
        """Lose every link."""
        for link in self._links:
            link.lose()

    def bind(self) -> None:
        """Bind every link."""
        for link in self._links:
            link.bind()

    def answer_with(self, answers: Answer | None) -> None:
        """From now on answer by itself, what is outstanding as well; ``None``: the test answers again."""
        self.answers = answers
        self._work.set()

    def accept_all(self) -> None:
        """From now on answer ESME_ROK to everything."""
        self.answer_with(lambda message: Accepted(message, self.next_id()))

    def receipt(
        self, *carrier_message_ids: str, state: MessageState = MessageState.DELIVERED, error_code: int = 0
    ) -> Reported:
        """Report ``state`` for each id, in one batch."""
        return self.receipts([(carrier_message_id, state) for carrier_message_id in carrier_message_ids], error_code)

    def report(self, *receipts: CarrierReceipt) -> Reported:
        """Report these, in one batch."""
        reported = Reported()
        self.events.on_receipts(self.name, receipts, reported.answers.extend)
        return reported

    def receipts(self, reports: Iterable[tuple[str, MessageState]], error_code: int = 0) -> Reported:
        """Report several states in one batch."""
        reported = Reported()
        receipts = [CarrierReceipt(given_id, state, error_code, self._clock.now_ms()) for given_id, state in reports]
        self.events.on_receipts(self.name, receipts, reported.answers.extend)
        return reported

    def mo(
        self,
        destination_addr: str,
        body: bytes = b"hello",
        tlvs: bytes = b"",
        source_addr: str = "447700900999",
        esm_class: int = 0,
        data_coding: int = 0,
    ) -> Reported:
        """Report one message from a handset."""
        reported = Reported()
        mo = CarrierMo(1, 1, source_addr, 0, 1, destination_addr, "", esm_class, 0, data_coding, body, tlvs)
        self.events.on_mo(self.name, [mo], reported.answers.extend)
        return reported

    # The rest.

    def on_sent(self, link: FakeLink, messages: Sequence[Message]) -> None:
        """A link was handed ``messages``."""
        now = self._clock.now_ms()
        self.sent += [Sent(m.seq, m.message_id, self.name, now, m.asks_receipt, m.body) for m in messages]
        self.observe_sent(messages)
        self._work.set()

    def _answer(self, link: FakeLink) -> None:
        if self.answers is None:
            return
        answered = [(message, self.answers(message)) for message in link.outstanding]
        link.outstanding = [message for message, outcome in answered if outcome is None]
        link.report([outcome for _, outcome in answered if outcome is not None])

    def _count_up(self) -> str:
        self._last_id += 1
        return f"{self.name}-{self._last_id}"
