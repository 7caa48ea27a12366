"""A carrier's way to one country: its circuit, and what operators, rules and drills hold it to."""

from math import inf

from smsagg.queueing import TokenBucket
from smsagg.routing.circuit import CircuitBreaker
from smsagg.shaping import FailureRun


class Holds:
    """Restrictions by who made them; of several the strictest counts."""

    __slots__ = ("_paces", "_shares", "_stops")

    def __init__(self) -> None:
        self._stops: dict[str, str] = {}
        self._paces: dict[str, tuple[TokenBucket, str]] = {}
        self._shares: dict[str, tuple[float, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._stops or self._paces or self._shares)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing may go."""
        return bool(self._stops)

    @property
    def share(self) -> float:
        """Of what would go otherwise, so much does: 0 to 1."""
        return min((share for share, _ in self._shares.values()), default=1.0)

    def stop(self, source: str, reason: str) -> None:
        """Nothing goes until :meth:`release`."""
        self._stops[source] = reason

    def slow(self, source: str, rate_per_s: float, reason: str, now: float) -> None:
        """At most so much goes, of it a second's worth at once."""
        self._paces[source] = TokenBucket(rate_per_s, max(rate_per_s, 1.0), now), reason

    def shift(self, source: str, share: float, reason: str) -> None:
        """At most this share of what would go otherwise."""
        self._shares[source] = share, reason

    def release(self, source: str) -> None:
        """What ``source`` asked for is over."""
        self._stops.pop(source, None)
        self._paces.pop(source, None)
        self._shares.pop(source, None)

    def allowance(self, now: float) -> float:
        """Messages that may go now: 0, a number, ``inf``."""
        if self._stops:
            return 0
        return min((pace.available(now) for pace, _ in self._paces.values()), default=inf)

    def ready_at(self, now: float) -> float:
        """When time alone allows the next message; ``inf``: an event must."""
        if self._stops:
            return inf
        return max((pace.ready_at(now) for pace, _ in self._paces.values()), default=now)

    def take(self, count: int, now: float) -> None:
        """``count`` messages go."""
        for pace, _ in self._paces.values():
            pace.take(count, now)

    def sources(self) -> list[tuple[str, str]]:
        """Who made them, and what each does."""
        return [
            *((source, "suspend") for source in self._stops),
            *((source, "slow") for source in self._paces),
            *((source, "shift") for source in self._shares),
        ]

    def reasons(self) -> list[str]:
        """Why, for people; the strictest kind first."""
        return [
            *self._stops.values(),
            *(reason for _, reason in self._paces.values()),
            *(reason for _, reason in self._shares.values()),
        ]


class Way:
    """See the module. ``now`` is monotonic seconds."""

    __slots__ = ("circuit", "country", "holds", "is_judged_by_receipts", "run")

    def __init__(self, country: str, open_s: float) -> None:
        self.country = country
        self.circuit = CircuitBreaker(0, open_s)
        """Opened by :meth:`~smsagg.engine.health.health.Health.on_failure`, or because receipts tell of failures."""
        self.run = FailureRun()
        self.holds = Holds()
        self.is_judged_by_receipts = False
        """The circuit is open for what receipts said: that the carrier takes messages does not close it."""

    @property
    def restricts(self) -> bool:
        """Whether it is less than fully open."""
        return not self.circuit.is_closed or bool(self.holds)

    @property
    def is_idle(self) -> bool:
        """Nothing is known that is worth keeping."""
        return not self.run.count and not self.restricts

    def is_barred(self, now: float) -> bool:
        """Whether nothing may go for another reason than its pace."""
        return self.holds.is_stopped or self.circuit.allowance(now) <= 0

    def allowance(self, now: float) -> float:
        """Messages that may go now: 0, 1 (a probe), a number, ``inf``."""
        return min(self.circuit.allowance(now), self.holds.allowance(now))

    def ready_at(self, now: float) -> float:
        """When time alone allows the next message; ``inf``: an event must."""
        if self.circuit.allowance(now) <= 0:
            return max(self.circuit.next_probe_at, self.holds.ready_at(now))
        return self.holds.ready_at(now)
