"""Whether a link, or a carrier's way to a country, is healthy enough for messages: a circuit breaker.

Theory of operation. ``_TABLE`` is the whole truth; what is absent leaves the state as it is::

    CLOSED ──failures in a row──▶ OPEN ──open_s passed, one message sent──▶ PROBING ──success──▶ CLOSED
                                   ▲                                          │
                                   └───────────── failure, or probe not sent ─┘

It is also opened by whoever has other reasons to (:meth:`CircuitBreaker.trip`), and closed when they prove wrong
(:meth:`CircuitBreaker.clear`). A success is any answer that shows a working carrier: ESME_ROK, a permanent refusal of
that message, throttling. A failure is a temporary refusal, a response timeout, a lost link. While OPEN, what was sent
before it opened still reports; that evidence is older than the decision and changes nothing. Time is an argument;
memory is constant.
"""

from enum import Enum
from math import inf


class CircuitState(Enum):
    CLOSED = "closed"
    """Healthy: no limit."""
    OPEN = "open"
    """Failing: nothing, until it is time for a probe."""
    PROBING = "probing"
    """One message is out to see."""


class CircuitInput(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    """In CLOSED: the last of the failures in a row that are allowed."""
    SENT = "sent"
    ABANDONED = "abandoned"
    """The probe never reached the carrier."""
    TRIPPED = "tripped"
    """Somebody else decided that it fails."""
    CLEARED = "cleared"
    """And was wrong."""


_TABLE: dict[tuple[CircuitState, CircuitInput], CircuitState] = {
    (CircuitState.CLOSED, CircuitInput.FAILURE): CircuitState.OPEN,
    (CircuitState.OPEN, CircuitInput.SENT): CircuitState.PROBING,
    (CircuitState.PROBING, CircuitInput.SUCCESS): CircuitState.CLOSED,
    (CircuitState.PROBING, CircuitInput.FAILURE): CircuitState.OPEN,
    (CircuitState.PROBING, CircuitInput.ABANDONED): CircuitState.OPEN,
    (CircuitState.CLOSED, CircuitInput.TRIPPED): CircuitState.OPEN,
    (CircuitState.OPEN, CircuitInput.CLEARED): CircuitState.CLOSED,
    (CircuitState.PROBING, CircuitInput.CLEARED): CircuitState.CLOSED,
}


class CircuitBreaker:
    """One circuit. ``now`` is monotonic seconds."""

    __slots__ = ("_failures", "_failures_max", "_open_s", "_probe_at", "state")

    def __init__(self, failures_max: int, open_s: float) -> None:
        """Opens after ``failures_max`` failures in a row (0: never), for ``open_s`` seconds before each probe."""
        self._failures_max = failures_max
        self._open_s = open_s
        self._failures = 0
        self._probe_at = inf
        self.state = CircuitState.CLOSED

    def set_limits(self, failures_max: int, open_s: float) -> None:
        """Other settings from now on; the state, and when an open circuit is probed, stay."""
        self._failures_max = failures_max
        self._open_s = open_s

    def allowance(self, now: float) -> float:
        """How many messages may be handed over now: ``inf``, 1 (a probe) or 0."""
        if self.state is CircuitState.CLOSED:
            return inf
        return 1 if self.state is CircuitState.OPEN and now >= self._probe_at else 0

    @property
    def is_closed(self) -> bool:
        """Healthy."""
        return self.state is CircuitState.CLOSED

    @property
    def next_probe_at(self) -> float:
        """When an open circuit allows its next probe; ``inf`` when closed or when a probe is out."""
        return self._probe_at

    def on_sent(self) -> None:
        """Messages were handed over; in OPEN this is the probe."""
        if self.state is not CircuitState.CLOSED:
            self._enter(CircuitInput.SENT, inf)

    def on_success(self) -> None:
        """The carrier answered as a healthy one does."""
        self._failures = 0
        if self.state is not CircuitState.CLOSED:
            self._enter(CircuitInput.SUCCESS, inf)

    def on_failure(self, now: float) -> None:
        """The carrier failed a message, or its link."""
        self._failures += 1
        if self.state is CircuitState.CLOSED and not 0 < self._failures_max <= self._failures:
            return
        self._enter(CircuitInput.FAILURE, now + self._open_s)

    def on_not_sent(self, now: float) -> None:
        """A message came back unsent: no evidence, but a probe is needed again."""
        self._enter(CircuitInput.ABANDONED, now + self._open_s)

    def trip(self, now: float) -> None:
        """Open a closed circuit."""
        self._enter(CircuitInput.TRIPPED, now + self._open_s)

    def clear(self) -> None:
        """Close it: the reason to open it has gone."""
        self._failures = 0
        self._enter(CircuitInput.CLEARED, inf)

    def _enter(self, happened: CircuitInput, probe_at: float) -> None:
        successor = _TABLE.get((self.state, happened))
        if successor is not None:
            self.state = successor
            self._probe_at = probe_at
