"""The rate of a link that listens to its carrier: the contract, less while the carrier says ESME_RTHROTTLED.

Theory of operation. Additive increase, multiplicative decrease, as TCP does it with its window::

    throttled   rate = rate / 2, not below a floor, and at most once an interval: the answers to one window of
                submits are one piece of news. The link pauses a moment, and what it had saved up is void.
    otherwise   rate grows by a fixed amount a second, back to the contract.

The burst shrinks and grows with the rate, and is at most one second's worth while the rate is lowered.

From the floor to the contract takes ``RECOVERY_S`` seconds, however long the carrier throttled. The state belongs to
the carrier's account and not to the connection: keep the object across reconnects, and a link that comes back does not
burst. Without a contract the rate is unlimited until the first throttling, which teaches it: half of what the carrier
accepted lately. Once back at what it learned it grows in proportion to itself, without end, since what was learned
from a first second, or from one answer, may be far too little.

``now`` is monotonic seconds. Constant memory.
"""

from math import exp, inf

from smsagg.queueing.rate import TokenBucket

DECREASE = 0.5
INTERVAL_S = 1.0
"""Decreases are at least so far apart."""
RECOVERY_S = 20.0
"""From nothing back to the contract (or to the learned rate)."""
FLOOR_SHARE = 0.01
"""The rate never falls below this share of the contract, so that recovery is always noticed."""
FLOOR_PER_S = 0.5
"""Nor below this; the contract itself if that is lower."""
IDLE_S = 2.0
"""After so long without an acceptance what was accepted is counted anew."""
EVIDENCE_MIN_S = 0.1
"""What was accepted in less time is taken as if it had taken so long."""
GROWTH_EXPONENT_MAX = 20.0
"""Bounds one step of growth after a long silence."""
PAUSE_S = 0.2
"""No message is sent for so long after ESME_RTHROTTLED."""
PAUSE_FULL_S = 2.0
"""The same after ESME_RMSGQFUL: a full queue drains more slowly than a rate limit resets."""


class AimdRate:
    """A token bucket whose rate follows the carrier's answers; the same questions as :class:`TokenBucket`."""

    __slots__ = (
        "_accepted",
        "_accepted_before",
        "_bucket",
        "_burst",
        "_contract_per_s",
        "_decreased_at",
        "_grown_at",
        "_learned_per_s",
        "_paused_until",
        "_second_from",
    )

    def __init__(self, contract_per_s: float | None, burst: float, now: float) -> None:
        """``contract_per_s``: the contracted rate, ``None`` when there is none. ``burst`` as for the bucket."""
        self._contract_per_s = inf if contract_per_s is None else contract_per_s
        self._learned_per_s = self._contract_per_s
        self._burst = burst
        self._bucket = TokenBucket(self._contract_per_s, burst, now)
        self._decreased_at = -inf
        self._grown_at = now
        self._paused_until = -inf
        self._second_from = now
        self._accepted = 0
        self._accepted_before = 0.0

    @property
    def is_slowed(self) -> bool:
        """Whether the carrier's throttling holds the rate below the contract."""
        return self._bucket.rate_per_s < self._contract_per_s

    def rate_per_s(self, now: float) -> float:
        """The present rate, ``inf`` when nothing limits it."""
        self._grow(now)
        return self._bucket.rate_per_s

    def available(self, now: float) -> float:
        """How many messages may be sent now: a whole number, or ``inf``."""
        if now < self._paused_until:
            return 0
        if self._bucket.rate_per_s < self._contract_per_s:
            self._grow(now)
        return self._bucket.available(now)

    def take(self, count: int, now: float) -> None:
        """``count`` messages are sent."""
        self._bucket.take(count, now)

    def ready_at(self, now: float) -> float:
        """When the next message may be sent: ``now`` if it may already."""
        self._grow(now)
        return max(self._bucket.ready_at(now), self._paused_until)

    def on_accepted(self, count: int, now: float) -> None:
        """The carrier took ``count`` messages; what a rate is learned from."""
        elapsed = now - self._second_from
        if elapsed >= IDLE_S:  # a quiet link says nothing about what its carrier would take
            self._accepted_before = 0.0
            self._accepted = 0
            self._second_from = now
        elif elapsed >= INTERVAL_S:
            self._accepted_before = self._accepted / elapsed
            self._accepted = 0
            self._second_from = now
        self._accepted += count

    def on_throttled(self, now: float, *, queue_full: bool = False) -> None:
        """The carrier answered ESME_RTHROTTLED, or with ``queue_full`` ESME_RMSGQFUL."""
        self._paused_until = max(self._paused_until, now + (PAUSE_FULL_S if queue_full else PAUSE_S))
        if now - self._decreased_at < INTERVAL_S:
            return
        self._grow(now)
        self._decreased_at = now
        rate = self._bucket.rate_per_s
        if rate == inf:
            rate = self._learned_per_s = self._lately_per_s(now)
        floor = min(max(self._learned_per_s * FLOOR_SHARE, FLOOR_PER_S), self._learned_per_s)
        self._set(max(rate * DECREASE, floor), now)
        self._bucket.take(int(max(self._bucket.available(now), 0)), now)

    def _lately_per_s(self, now: float) -> float:
        """What the carrier accepted a second, by the last whole second or the present one."""
        elapsed = now - self._second_from
        recent = self._accepted / max(elapsed, EVIDENCE_MIN_S)
        return max(self._accepted_before, recent, 1.0)

    def _grow(self, now: float) -> None:
        """Apply the additive increase since the last look."""
        elapsed = now - max(self._grown_at, self._paused_until)
        self._grown_at = max(now, self._grown_at)
        rate = self._bucket.rate_per_s
        if elapsed <= 0 or rate >= self._contract_per_s:
            return
        learned = self._learned_per_s
        grown = rate + learned / RECOVERY_S * elapsed
        if grown > learned:  # without a contract only: with one this is the contract
            beyond_s = elapsed if rate >= learned else (grown - learned) * RECOVERY_S / learned
            grown = max(rate, learned) * exp(min(beyond_s / RECOVERY_S, GROWTH_EXPONENT_MAX))
        self._set(min(grown, self._contract_per_s), now)

    def _set(self, rate_per_s: float, now: float) -> None:
        burst = self._burst
        if rate_per_s < self._learned_per_s:
            burst = min(burst * rate_per_s / self._learned_per_s, rate_per_s)
        self._bucket.set_rate(rate_per_s, burst, now)
