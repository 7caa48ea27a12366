"""Rules that give a carrier less for a time: what they look at, when they act, and when they stop.

Theory of operation. A rule has subjects: carriers, each as a whole or in one country. Each look, once a second,
measures the rule's value for each subject over its window::

    idle ──value beyond the threshold, enough samples──▶ in force, for ``lasting`` ──time is up──▶ idle
                                                             ▲                        │
                                                             └──still beyond the ─────┘
                                                                threshold less ``hysteresis``

A rule is in force for a subject at most once. The window begins anew whenever an action begins or ends, so that it is
judged by what came after it; what is suspended brings no evidence, and ends by time. Pure; ``now`` is monotonic
seconds. Memory: one window for each rule and subject that met.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple, Protocol

from attrs import define

from smsagg.config.shaping_settings import CONDITIONS, ShapingRuleSettings
from smsagg.routing.experience import BINS, bin_upper_ms
from smsagg.shaping.window import Counts, SlidingCounts, between

Subject = tuple[str, str]
"""(carrier, country); country ``""``: the carrier as a whole."""

ACCEPTED, THROTTLED, TEMPORARY, PERMANENT, IN_DOUBT, DELIVERED, FAILED = range(7)
STATUSES_FROM = 7 + BINS
"""In :data:`Counts`: the seven above, receipts by bin of latency, then answers by watched status."""


class Sightings(Protocol):
    """What rules look at."""

    def subjects(self) -> Mapping[Subject, Counts]:
        """The counters of each carrier in each country that met, and under country ``""`` of each as a whole."""
        ...

    def response_ms(self, subject: Subject, since: float) -> Sequence[float]:
        """Response times that were sampled from then on."""
        ...


class Measured(NamedTuple):
    """What a rule saw of a subject."""

    value: float
    samples: int
    taken_per_s: float
    """What the carrier took, of the subject's messages."""


@define(eq=False)
class Action:
    """A rule in force."""

    rule: ShapingRuleSettings
    subject: Subject
    reason: str
    """For people."""
    began_at: float
    ends_at: float
    rate_per_s: float
    """``slow``: to this."""

    @property
    def source(self) -> str:
        """Who restricts, in one word."""
        return f"rule {self.rule.name}"


class _Watched:
    """One rule and one subject."""

    __slots__ = ("action", "looked_at", "since", "window")

    def __init__(self, window_s: float) -> None:
        self.window = SlidingCounts(window_s)
        self.since = 0.0
        self.looked_at: Counts = ()
        self.action: Action | None = None


class Rule:
    """One of ``[[shaping_rules]]``."""

    def __init__(self, settings: ShapingRuleSettings, watched_statuses: Sequence[int]) -> None:
        self.settings = settings
        (self.condition,) = (key for key in CONDITIONS if getattr(settings, key) is not None)
        self.threshold = float(getattr(settings, self.condition))
        self._statuses = [STATUSES_FROM + i for i, status in enumerate(watched_statuses) if status in settings.statuses]
        self._watched: dict[Subject, _Watched] = {}
        self._concerned: list[Subject] = []
        self._known = 0

    def subjects(self, sightings: Sightings) -> list[Subject]:
        """Those of the rule that met so far."""
        every = sightings.subjects()
        if len(every) != self._known:
            self._known = len(every)
            self._concerned = [subject for subject in every if self.concerns(subject)]
        return self._concerned

    def concerns(self, subject: Subject) -> bool:
        """Whether ``subject`` is one of the rule's."""
        carrier, country = subject
        settings = self.settings
        if settings.carrier not in ("*", carrier):
            return False
        return country == settings.country or (settings.country == "*" and country != "")

    def actions(self) -> Iterator[Action]:
        """Those in force."""
        for watched in self._watched.values():
            if watched.action is not None:
                yield watched.action

    def action_on(self, subject: Subject) -> Action | None:
        """What is in force for ``subject``."""
        watched = self._watched.get(subject)
        return None if watched is None else watched.action

    def begin_watching(self, sightings: Sightings, now: float) -> None:
        """The rule is new: what was counted before it is no concern of its."""
        for subject, counts in sightings.subjects().items():
            if self.concerns(subject):
                self._watch(subject, counts, now)

    def measure(self, subject: Subject, sightings: Sightings, now: float) -> Measured | None:
        """What is seen of ``subject`` in the window; ``None``: nothing new, so nothing that could begin an action."""
        counts = sightings.subjects()[subject]
        watched = self._watched.get(subject)
        if watched is None:  # it has just appeared: all that is counted of it is new
            watched = self._watch(subject, (0,) * len(counts), now)
        if watched.looked_at is counts and watched.action is None:
            return None
        watched.looked_at = counts
        first, elapsed = watched.window.look(counts, now)
        since = max(watched.since, now - self.settings.window)
        value, samples = self._value(first, counts, lambda: sightings.response_ms(subject, since))
        return Measured(value, samples, (counts[ACCEPTED] - first[ACCEPTED]) / max(elapsed, 1.0))

    def look(self, subject: Subject, measured: Measured, now: float) -> Action | None:
        """Whether the rule begins to act on ``subject``, idle so far: its action, not in force before :meth:`begin`."""
        if measured.samples < self.settings.samples_min:
            return None
        if not self._is_beyond(measured.value, self.threshold):
            return None
        rate = self.settings.rate or measured.taken_per_s * self.settings.factor
        reason = f"{self.settings.name}: {self.describe(measured)}"
        return Action(self.settings, subject, reason, now, now + self.settings.lasting, max(rate, 0.1))

    def begin(self, action: Action, now: float) -> None:
        """``action`` is in force."""
        watched = self._watched[action.subject]
        watched.action = action
        self._judge_anew(watched, now)

    def is_over(self, action: Action, measured: Measured | None, now: float) -> bool:
        """Whether ``action`` has ended; one whose reason is still there is prolonged."""
        if now < action.ends_at:
            return False
        if (
            self.settings.action != "suspend"
            and measured is not None
            and measured.samples >= self.settings.samples_min
            and self._is_beyond(measured.value, self._clears_at)
        ):
            action.ends_at = now + self.settings.lasting
            action.reason = f"{self.settings.name}: {self.describe(measured)}"
            return False
        self.end(action, now)
        return True

    def end(self, action: Action, now: float) -> None:
        """``action`` is over."""
        watched = self._watched[action.subject]
        watched.action = None
        self._judge_anew(watched, now)

    def describe(self, measured: Measured) -> str:
        """What was seen, for people."""
        condition, value = self.condition, measured.value
        if condition == "status_count":
            return f"{value:.0f} answers of its statuses"
        if condition in ("response_latency", "receipt_latency"):
            return f"{condition} p{self.settings.percentile * 100:g} {value:g} s of {measured.samples}"
        word = "delivery" if condition == "delivery_below" else condition
        return f"{word} {value:.0%} of {measured.samples}"

    @property
    def _clears_at(self) -> float:
        change = self.threshold * self.settings.hysteresis
        return self.threshold + change if self.condition == "delivery_below" else self.threshold - change

    def _is_beyond(self, value: float, threshold: float) -> bool:
        return value < threshold if self.condition == "delivery_below" else value >= threshold

    def _watch(self, subject: Subject, counts: Counts, now: float) -> _Watched:
        watched = self._watched[subject] = _Watched(self.settings.window)
        watched.window.look(counts, now)
        watched.since = now
        return watched

    def _judge_anew(self, watched: _Watched, now: float) -> None:
        watched.window.restart()
        watched.since = now

    def _value(self, first: Counts, last: Counts, response_ms: Callable[[], Sequence[float]]) -> tuple[float, int]:
        """The condition's value between two looks, and the samples that it rests on."""
        condition = self.condition
        if condition == "response_latency":
            samples = response_ms()
            return percentile_of(samples, self.settings.percentile) / 1000, len(samples)
        if condition == "receipt_latency":
            bins = between(first[FAILED + 1 : STATUSES_FROM], last[FAILED + 1 : STATUSES_FROM])
            return binned_percentile_ms(bins, self.settings.percentile) / 1000, sum(bins)
        if condition == "delivery_below":
            delivered = last[DELIVERED] - first[DELIVERED]
            reported = delivered + last[FAILED] - first[FAILED]
            return delivered / reported if reported else 1.0, reported
        attempts = sum(last[:DELIVERED]) - sum(first[:DELIVERED])
        if condition == "error_share":
            count = attempts - (last[ACCEPTED] - first[ACCEPTED])
        elif condition == "temporary_share":
            count = last[TEMPORARY] - first[TEMPORARY]
        else:
            count = sum(last[i] - first[i] for i in self._statuses)
        if condition == "status_count":
            return count, max(attempts, self.settings.samples_min)  # the count is evidence enough
        return count / attempts if attempts else 0.0, attempts


def percentile_of(samples: Sequence[float], percentile: float) -> float:
    """The smallest sample that is not below so large a share of them; 0 of none."""
    ordered = sorted(samples)
    return ordered[ceil(percentile * len(ordered)) - 1] if ordered else 0.0


def binned_percentile_ms(bins: Sequence[int], percentile: float) -> float:
    """A lower bound, within a factor of two, of that percentile of receipts' latencies."""
    wanted, seen = percentile * sum(bins), 0
    for index, count in enumerate(bins):
        seen += count
        if seen and seen >= wanted:
            return bin_upper_ms(index) / 2
    return 0.0
