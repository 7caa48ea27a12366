"""A carrier of the day: takes messages at its rate, delivers its share of them, and reports, truly or not."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Any, ClassVar

import trio
from attrs import define, field

from smsagg.carriers.base import CarrierEvents
from smsagg.clock import Clock
from smsagg.model import Accepted, CarrierReceipt, InDoubt, Message, MessageState, Outcome, Refused
from smsagg.queueing import TokenBucket
from smsagg.smpp.status import ESME_RTHROTTLED
from tools.day.scenario import (
    DEAD,
    FAILURES,
    FALSE_DELIVERS,
    HOUR_S,
    PREFIXES,
    SUPPLIERS,
    THROTTLED_TO,
    Failure,
    operator_of,
)

WINDOW = 50
ANSWER_S = (0.05, 0.2)
FALSE_RECEIPT_S = 0.3
REBIND_S = 5.0


@define(frozen=True)
class DaySettings:
    """``[carriers.NAME]`` with ``type = "day"``."""

    rate: float
    """The contracted rate, messages per second."""


@define
class Taken:
    """What a carrier took, and what really became of it."""

    seq: int
    account: str
    country: str
    operator: int
    at_s: float
    is_delivered: bool
    is_told_falsely: bool


@define(eq=False)
class DayLink:
    """The one bind of a carrier."""

    carrier: str
    name: str
    owner: "DayCarrier"
    bucket: TokenBucket
    window: int = WINDOW
    is_bound: bool = True
    outstanding: dict[int, Message] = field(factory=dict)

    @property
    def in_flight(self) -> int:
        return len(self.outstanding)

    def capacity(self, now: float) -> int:
        free = self.window - len(self.outstanding) if self.is_bound else 0
        return int(min(free, self.bucket.available(now))) if free > 0 else 0

    def ready_at(self, now: float) -> float:
        if not self.is_bound or len(self.outstanding) >= self.window:
            return inf
        return self.bucket.ready_at(now)

    def send(self, messages: Sequence[Message]) -> None:
        self.bucket.take(len(messages), trio.current_time())
        for message in messages:
            self.outstanding[message.seq] = message
            self.owner.after(self.owner.rng.uniform(*ANSWER_S), lambda message=message: self.owner.answer(message))


class DayCarrier:
    """Implements :class:`smsagg.carriers.base.Carrier`; :attr:`taken` is the truth about what it took."""

    Settings: ClassVar[type[Any]] = DaySettings

    def __init__(self, name: str, settings: DaySettings, events: CarrierEvents, clock: Clock, rng: Random) -> None:
        self.name = name
        self.rng = rng
        self.taken: list[Taken] = []
        self._supplier = SUPPLIERS[name]
        self._failures = [failure for failure in FAILURES if failure.carrier == name]
        self._events = events
        self._clock = clock
        self._began_at = trio.current_time()
        self._link = DayLink(name, f"{name}/1", self, TokenBucket(settings.rate, max(settings.rate, 1), -inf))
        self._narrow = TokenBucket(settings.rate * THROTTLED_TO, max(settings.rate, 1), -inf)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._work = trio.Event()
        for failure in self._failures:
            if failure.kind == "outage":
                self._at(failure.from_hour * HOUR_S, self._drop)
                self._at(failure.to_hour * HOUR_S + REBIND_S, self._bind)

    @property
    def links(self) -> Sequence[DayLink]:
        return (self._link,)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            self._work = trio.Event()
            while self._agenda and self._agenda[0][0] <= trio.current_time():
                heappop(self._agenda)[2]()
            with trio.move_on_at(self._agenda[0][0] if self._agenda else inf):
                await self._work.wait()

    async def drain(self) -> None:
        self._link.is_bound = False

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Have ``do`` called after that time."""
        heappush(self._agenda, (trio.current_time() + seconds, next(self._order), do))
        self._work.set()

    def answer(self, message: Message) -> None:
        """Take the message or not, by the mood of the hour."""
        if self._link.outstanding.pop(message.seq, None) is None:
            return
        failure = self._failure()
        if failure is not None and failure.kind == "throttling" and not self._narrow.available(trio.current_time()):
            self._report(Refused(message, ESME_RTHROTTLED))
            return
        if failure is not None and failure.kind == "throttling":
            self._narrow.take(1, trio.current_time())
        self._take(message, failure is not None and failure.kind == "false receipts")

    def _take(self, message: Message, is_false: bool) -> None:
        offer = self._supplier.offers[message.country]
        is_dead = message.destination_addr.startswith(PREFIXES[message.country] + DEAD)
        share = FALSE_DELIVERS if is_false else offer.delivers
        is_delivered = not is_dead and self.rng.random() < share
        operator = operator_of(message.country, message.destination_addr)
        at_s = trio.current_time() - self._began_at
        taken = Taken(message.seq, message.account, message.country, operator, at_s, is_delivered, is_false)
        self.taken.append(taken)
        given_id = f"{self.name}-{len(self.taken)}"
        self._report(Accepted(message, given_id))
        state = MessageState.DELIVERED if is_delivered or is_false else MessageState.UNDELIVERABLE
        wait_s = FALSE_RECEIPT_S if is_false else self.rng.lognormvariate(0, 0.5) * offer.receipt_s
        receipt = CarrierReceipt(given_id, state, 0, self._clock.now_ms())
        self.after(wait_s, lambda: self._events.on_receipts(self.name, [receipt], _heard))

    def _failure(self) -> Failure | None:
        hour = (trio.current_time() - self._began_at) / HOUR_S
        return next((failure for failure in self._failures if failure.is_on(hour)), None)

    def _at(self, at_s: float, do: Callable[[], None]) -> None:
        heappush(self._agenda, (self._began_at + at_s, next(self._order), do))

    def _drop(self) -> None:
        self._link.is_bound = False
        lost, self._link.outstanding = list(self._link.outstanding.values()), {}
        self._events.on_outcomes(self._link, [InDoubt(message, link_lost=True) for message in lost])

    def _bind(self) -> None:
        self._link.is_bound = True
        self._events.on_capacity(self._link)

    def _report(self, outcome: Outcome) -> None:
        self._events.on_outcomes(self._link, [outcome])


def _heard(_answers: object) -> None:
    """Receipts that we are answered for are over."""
