"""The figures of a group of messages: counted one by one, merged group by group.

What ended is counted by its end. *Sent* are messages that ended with the carrier's yes, since no receipt was asked for.
The **delivery rate** is delivered ÷ (delivered + failed + expired + rejected + unknown): what is not over yet, what the
customer cancelled and what nobody asked a receipt for says nothing about delivery. **Time to deliver** runs from the
moment at which the message might go (its acceptance, or ``schedule_delivery_time``) to the carrier's report.
"""

from typing import Any

from smsagg.model import Cause, MessageState
from smsagg.reports.causes import told_cause
from smsagg.reports.durations import Durations
from smsagg.reports.traffic import Traffic

ENDS = {
    "delivered": MessageState.DELIVERED,
    "sent": MessageState.ACCEPTED,
    "failed": MessageState.UNDELIVERABLE,
    "expired": MessageState.EXPIRED,
    "rejected": MessageState.REJECTED,
    "unknown": MessageState.UNKNOWN,
    "deleted": MessageState.DELETED,
}
"""How messages end, in the words of reports."""
KNOWN_ENDS = tuple(ENDS[word] for word in ("delivered", "failed", "expired", "rejected", "unknown"))
"""Those that say whether a message was delivered."""
_STATES = max(MessageState) + 1
_DELIVERED = int(MessageState.DELIVERED)

BOUNDS_MS = (1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000)
"""Of the distribution of times to deliver."""
BOUND_WORDS = ("1s", "5s", "15s", "1m", "5m", "1h", "more")


class Tally:
    """Counts of one group. Money is in micros of the base currency."""

    __slots__ = ("accepted", "causes", "cost", "durations", "retries", "revenue", "states", "texts")

    def __init__(self) -> None:
        self.accepted = 0
        """Messages; each part of a long one is a message."""
        self.texts = 0
        """The same with the parts of a long one counted as one."""
        self.states = [0] * _STATES
        self.causes: dict[int, int] = {}
        """Of messages that were not delivered, by :class:`~smsagg.model.Cause`."""
        self.retries = 0
        """Attempts beyond the first of each message."""
        self.revenue = 0
        self.cost = 0
        self.durations = Durations()

    def add(self, record: Traffic) -> None:
        state, attempts = record.state, record.attempts
        self.accepted += 1
        if record.part_number <= 1:
            self.texts += 1
        self.states[state] += 1
        if attempts > 1:
            self.retries += attempts - 1
        if record.cost:
            self.cost += record.cost
        if record.earned:
            self.revenue += record.earned
        if state == _DELIVERED:
            self.durations.record(record.done_at - record.not_before)
        else:
            cause = told_cause(state, record.cause, record.error_code)
            if cause:
                self.causes[cause] = self.causes.get(cause, 0) + 1

    def merge(self, other: "Tally") -> None:
        """Count all that ``other`` counted."""
        self.accepted += other.accepted
        self.texts += other.texts
        self.states = [mine + its for mine, its in zip(self.states, other.states, strict=True)]
        for cause, count in other.causes.items():
            self.causes[cause] = self.causes.get(cause, 0) + count
        self.retries += other.retries
        self.revenue += other.revenue
        self.cost += other.cost
        self.durations.merge(other.durations)

    def ended(self, word: str) -> int:
        """How many ended so; ``word`` is one of :data:`ENDS`."""
        return self.states[ENDS[word]]

    @property
    def delivered(self) -> int:
        return self.states[_DELIVERED]

    @property
    def pending(self) -> int:
        """Not over yet."""
        return self.accepted - sum(self.states[state] for state in ENDS.values())

    @property
    def delivery_rate(self) -> float | None:
        """0 to 1; ``None`` when nothing has an end that says so."""
        known = sum(self.states[state] for state in KNOWN_ENDS)
        return self.delivered / known if known else None

    @property
    def opted_out(self) -> int:
        """Not delivered since the recipient does not want messages of this sender."""
        return self.causes.get(Cause.OPTED_OUT, 0)

    @property
    def margin(self) -> int:
        return self.revenue - self.cost

    @property
    def cost_per_delivered(self) -> int | None:
        """Micros, half up; ``None`` when none was delivered."""
        delivered = self.delivered
        return (2 * self.cost + delivered) // (2 * delivered) if delivered else None

    def distribution(self) -> list[int]:
        """Delivered messages by time to deliver: up to each of :data:`BOUNDS_MS`, and beyond."""
        return self.durations.within(BOUNDS_MS)

    def causes_by_name(self) -> dict[str, int]:
        """The most frequent first."""
        ranked = sorted(self.causes.items(), key=lambda item: (-item[1], item[0]))
        return {Cause(cause).name.lower(): count for cause, count in ranked}


def figures(tally: Tally) -> dict[str, Any]:
    """All figures by their stable names: counts, shares from 0 to 1, seconds, and money in micros."""
    median, p99 = tally.durations.quantile(0.5), tally.durations.quantile(0.99)
    return {
        "accepted": tally.accepted,
        "texts": tally.texts,
        "pending": tally.pending,
        **{word: tally.ended(word) for word in ENDS},
        "delivery_rate": tally.delivery_rate,
        "median_s": None if median is None else median / 1000,
        "p99_s": None if p99 is None else p99 / 1000,
        "retries": tally.retries,
        "opted_out": tally.opted_out,
        "cost": tally.cost,
        "revenue": tally.revenue,
        "margin": tally.margin,
        "cost_per_delivered": tally.cost_per_delivered,
    }


MONEY_FIGURES = ("cost", "revenue", "margin", "cost_per_delivered")
