"""How a simulated SMSC misbehaves: the plan it makes for each submit_sm, its outages and its MO traffic.

Theory of operation. A :class:`Behaviour` decides everything about one message at the moment it arrives: when and how
it is answered, under which id, and which receipts follow and when. Who runs it (the in-process carrier, the
stand-alone simulator) only does at the right time what the plan says. Time and randomness are arguments, so the same
seed and the same arrivals give the same plans.

Distributions are turned into tables of quantiles once, so that drawing from one is one look-up; a benign plan costs
less than two microseconds.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import inf
from random import Random
from typing import Generic, TypeVar

from attrs import define

from smsagg.carriers.behaviour_settings import BehaviourSettings
from smsagg.smpp.status import ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED

THROTTLE_BURST_S = 0.1
"""The throttle lets through at once what its rate allows in so long."""

STATE_ERRORS: dict[str, int] = {"DELIVRD": 0, "ACCEPTD": 0, "ENROUTE": 0, "UNDELIV": 1, "REJECTD": 8, "EXPIRED": 27}
"""``err`` of a receipt by its ``stat``."""
OTHER_STATE_ERROR = 99

T = TypeVar("T")

PlannedReceipt = tuple[float, str, int]
"""(seconds after the submit_sm, ``stat`` word, ``err``)."""


@define(eq=False)
class Plan:
    """What becomes of one submit_sm."""

    response_after_s: float | None
    """None: never answered."""
    command_status: int
    carrier_message_id: str
    """In the response; ``""`` when it was refused or never taken."""
    receipt_id: str
    """The same id as receipts write it."""
    receipts: tuple[PlannedReceipt, ...]
    """In the order of sending. A receipt due before ``response_after_s`` must go out before the response."""


@define(eq=False)
class MoText:
    """A message that a handset sends."""

    source_addr: str
    destination_addr: str
    text: str


class Mix(Generic[T]):
    """Draws from weighted values. ``rest`` is drawn with the weight that is missing to ``total``."""

    def __init__(self, weights: Mapping[T, float], total: float | None = None) -> None:
        self._values = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))
        self._total = total or self._bounds[-1]

    def draw(self, rng: Random) -> T | None:
        """One of the values, or None when the draw fell into the rest."""
        index = bisect_right(self._bounds, rng.random() * self._total)
        return self._values[index] if index < len(self._values) else None


class Throttle:
    """Says which arrivals exceed a rate (GCRA: a virtual clock that each conforming arrival advances)."""

    def __init__(self, rate_per_s: float) -> None:
        self._interval_s = 1 / rate_per_s
        self._tolerance_s = max(THROTTLE_BURST_S - self._interval_s, 0.0)
        self._theoretical_at = -inf

    def exceeded(self, now: float) -> bool:
        """Whether an arrival at ``now`` is above the rate; if so it does not count against it."""
        if self._theoretical_at - now > self._tolerance_s:
            return True
        self._theoretical_at = max(self._theoretical_at, now) + self._interval_s
        return False


class Behaviour:
    """The behaviour of one simulated SMSC.

    ``now`` is monotonic seconds; outages count from ``started_at``. Ids go up from ``first_id``, which must be beyond
    those of earlier runs: ids that come again would make receipts ambiguous.
    """

    def __init__(self, settings: BehaviourSettings, started_at: float, first_id: int) -> None:
        self.settings = settings
        self._started_at = started_at
        self._next_id = first_id
        self._latencies = settings.latency.quantiles()
        self._delays = settings.receipts.delay.quantiles()
        self._late_delays = settings.receipts.late_delay.quantiles()
        self._errors = Mix(settings.errors, total=1.0) if settings.errors else None
        self._states = Mix(settings.receipts.states)
        self._only_state = next(iter(settings.receipts.states)) if len(settings.receipts.states) == 1 else None
        self._throttle = Throttle(settings.throttle_above) if settings.throttle_above else None
        receipts = settings.receipts
        self._receipts_are_plain = not (
            receipts.missing
            or receipts.early
            or receipts.late
            or receipts.duplicate
            or receipts.out_of_order
            or receipts.contradicted
        )
        self._ids_are_plain = settings.ids.form == "decimal" and settings.ids.receipt_form in (None, "decimal")

    def plan(self, now: float, rng: Random) -> Plan:
        """What becomes of a submit_sm that arrives ``now``."""
        latencies = self._latencies
        latency_s = latencies[int(rng.random() * len(latencies))]
        status = self._refusal(now, rng)
        if status != ESME_ROK:
            return Plan(None, ESME_ROK, "", "", ()) if status is None else Plan(latency_s, status, "", "", ())
        message_id, receipt_id = self._take_id(rng)
        answered = not self.settings.response_lost or rng.random() >= self.settings.response_lost
        receipts = self._plan_receipts(latency_s, rng)
        return Plan(latency_s if answered else None, ESME_ROK, message_id, receipt_id, receipts)

    def outage(self, now: float) -> str | None:
        """The kind of the outage that is on, or None."""
        for outage in self.settings.outages:
            if outage.since_start(now - self._started_at)[0]:
                return outage.kind
        return None

    def next_change_at(self, now: float) -> float:
        """When :meth:`outage` may answer something else; ``inf`` when never."""
        elapsed_s = now - self._started_at
        return min((now + o.since_start(elapsed_s)[1] for o in self.settings.outages), default=inf)

    def next_mo_at(self, now: float, rng: Random) -> float:
        """When the next message from a handset comes, ``inf`` when never."""
        rate = self.settings.mo.rate
        return now + rng.expovariate(rate) if rate else inf

    def make_mo(self, rng: Random) -> MoText:
        """The next message from a handset."""
        mo = self.settings.mo
        return MoText(rng.choice(mo.sources), rng.choice(mo.destinations), rng.choice(mo.texts))

    def _refusal(self, now: float, rng: Random) -> int | None:
        """The command_status it is refused with, ESME_ROK when it is taken, None when nobody is there to answer."""
        if self.settings.outages:
            outage = self.outage(now)
            if outage is not None:
                return ESME_RSYSERR if outage == "refuse" else None
        if self._throttle is not None and self._throttle.exceeded(now):
            return ESME_RTHROTTLED
        if self._errors is not None:
            status = self._errors.draw(rng)
            if status is not None:
                return status
        return ESME_ROK

    def _take_id(self, rng: Random) -> tuple[str, str]:
        number = self._next_id
        self._next_id = number + 1
        if self._ids_are_plain:
            message_id = str(number)
            return message_id, message_id
        ids = self.settings.ids
        if ids.form == "uuid":
            number = rng.getrandbits(128)
        message_id = ids.write(number, ids.form)
        return message_id, ids.write(number, ids.receipt_form) if ids.receipt_form else message_id

    def _plan_receipts(self, latency_s: float, rng: Random) -> tuple[PlannedReceipt, ...]:
        state = self._only_state or self._states.draw(rng) or ""
        error = STATE_ERRORS.get(state, OTHER_STATE_ERROR)
        delays = self._delays
        due_s = latency_s + delays[int(rng.random() * len(delays))]
        if self._receipts_are_plain:
            return ((due_s, state, error),)
        return self._plan_odd_receipts(latency_s, due_s, state, error, rng)

    def _plan_odd_receipts(
        self, latency_s: float, due_s: float, state: str, error: int, rng: Random
    ) -> tuple[PlannedReceipt, ...]:
        receipts, random = self.settings.receipts, rng.random
        if random() < receipts.missing:
            return ()
        if random() < receipts.early:
            due_s = latency_s * random()
        elif random() < receipts.late:
            due_s = latency_s + self._late_delays[int(random() * len(self._late_delays))]
        planned = [(due_s, state, error)]
        gap_s = max(due_s - latency_s, 0.001)
        if random() < receipts.duplicate:
            planned.append((due_s + gap_s * random(), state, error))
        if random() < receipts.out_of_order:
            planned.append((due_s + gap_s, "ENROUTE", 0))
        if random() < receipts.contradicted:
            other = "UNDELIV" if state == "DELIVRD" else "DELIVRD"
            planned.append((due_s + gap_s, other, STATE_ERRORS[other]))
        return tuple(planned)
