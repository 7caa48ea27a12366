"""The rate of a link that listens to its carrier: the contract, less while the carrier says ESME_RTHROTTLED.

Theory of operation. Additive increase, multiplicative decrease, as TCP does it with its window::

    throttled   rate = rate / 2, not below a floor, and at most once an interval: the answers to one window of
                submits are one piece of news. The link pauses a moment, and what it had saved up is void.
    otherwise   rate grows by a fixed amount a second, back to the contract.

The burst shrinks and grows with the rate, and is at most one second's worth while the rate is lowered, a tenth of that
without a contract.

From the floor to the contract takes ``RECOVERY_S`` seconds, however long the carrier throttled. The state belongs to
the carrier's account and not to the connection: keep the object across reconnects, and a link that comes back does not
burst.

Without a contract the rate is unlimited until the first throttling, which teaches it: half of what the carrier accepted
lately. What is learned so is worth as much as it was measured::

    from less than a second     a guess, which may be far too little: the rate doubles every ``DOUBLING_S`` until the
                                carrier throttles again, as TCP starts
    from a second and more      the last good rate: back to it quickly at first, slowly around it, and then, when the
                                carrier does not mind, faster and faster beyond (the cubic of RFC 9438 §4.2)

Throttled again before it is back at the last good rate, the link learns that this has become less (RFC 9438 §4.7);
unless nothing at all was accepted meanwhile, which says nothing about rates. Beyond ``UNLIMITED_PER_S`` nothing limits
it, as before.

``now`` is monotonic seconds. Constant memory.
"""

from math import cbrt, exp2, inf

from smsagg.queueing.rate import TokenBucket

DECREASE = 0.5
INTERVAL_S = 1.0
"""Decreases are at least so far apart."""
RECOVERY_S = 20.0
"""From nothing back to the contract."""
DOUBLING_S = 1.0
"""In which a rate that rests on a guess doubles."""
CUBIC_S = 12.0
"""From nothing back to the last good rate, and from there to twice as much."""
CONVERGENCE = (1 + DECREASE) / 2
"""Of a rate that was throttled before the last good one was regained, so much is the last good rate then."""
UNLIMITED_PER_S = 100_000.0
FLOOR_SHARE = 0.01
"""The rate never falls below this share of the contract (or of the last good rate), so that recovery is noticed."""
FLOOR_PER_S = 0.5
"""Nor below this; the contract itself if that is lower."""
IDLE_S = 2.0
"""After so long without an acceptance what was accepted is counted anew."""
EVIDENCE_MIN_S = 0.1
"""What was accepted in less time is taken as if it had taken so long."""
DOUBLINGS_MAX = 40.0
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
        "_accepted_since",
        "_bucket",
        "_burst",
        "_contract_per_s",
        "_decreased_at",
        "_decreased_to",
        "_grown_at",
        "_is_guess",
        "_learned_per_s",
        "_paused_until",
        "_second_from",
    )

    def __init__(self, contract_per_s: float | None, burst: float, now: float) -> None:
        """``contract_per_s``: the contracted rate, ``None`` when there is none. ``burst`` as for the bucket."""
        self._contract_per_s = inf if contract_per_s is None else contract_per_s
        self._learned_per_s = self._contract_per_s
        """The contract, or the last good rate."""
        self._is_guess = False
        self._burst = burst
        self._bucket = TokenBucket(self._contract_per_s, burst, now)
        self._decreased_at = -inf
        self._decreased_to = self._contract_per_s
        self._grown_at = now
        self._paused_until = -inf
        self._second_from = now
        self._accepted = 0
        self._accepted_before = 0.0
        self._accepted_since = 0
        """Since the latest decrease."""

    def set_contract(self, contract_per_s: float | None, burst: float, now: float) -> None:
        """Another contract from now on. A rate that throttling holds below the contract grows on from where it is; what
        was saved up stays as far as the new burst allows."""
        was_slowed = self.is_slowed
        self._grow(now)
        self._contract_per_s = inf if contract_per_s is None else contract_per_s
        self._burst = burst
        rate = min(self._bucket.rate_per_s if was_slowed else inf, self._contract_per_s)
        if contract_per_s is not None or not was_slowed:
            self._learned_per_s = self._contract_per_s
        else:
            self._decreased_at, self._decreased_to = now, rate
        self._set(rate, now)

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
        self._accepted_since += count

    def on_throttled(self, now: float, *, queue_full: bool = False) -> None:
        """The carrier answered ESME_RTHROTTLED, or with ``queue_full`` ESME_RMSGQFUL."""
        self._paused_until = max(self._paused_until, now + (PAUSE_FULL_S if queue_full else PAUSE_S))
        self.on_congested(now)

    def on_congested(self, now: float) -> None:
        """The carrier took it, and says that it is about to throttle: slower, without a pause."""
        if now - self._decreased_at < INTERVAL_S:
            return
        self._grow(now)
        rate = self._bucket.rate_per_s
        if self._contract_per_s == inf:
            rate = self._learn(rate, now)
        self._decreased_at = now
        self._accepted_since = 0
        floor = min(max(self._learned_per_s * FLOOR_SHARE, FLOOR_PER_S), self._learned_per_s)
        self._decreased_to = max(rate * DECREASE, floor)
        self._set(self._decreased_to, now)
        self._bucket.take(int(max(self._bucket.available(now), 0)), now)

    def _learn(self, rate: float, now: float) -> float:
        """What throttling at ``rate`` says about the last good rate; returns the rate to decrease from."""
        if rate != inf and not self._accepted_since:
            return rate
        lately, is_measured = self._lately_per_s(now), self._accepted_before > 0
        reached = lately if lately < rate * DECREASE else min(rate, UNLIMITED_PER_S)  # else the link was in full use
        if rate != inf and not (is_measured or self._is_guess):
            return rate
        if rate == inf or self._is_guess:
            self._is_guess = not is_measured
            self._learned_per_s = reached
        elif rate >= self._learned_per_s:
            self._learned_per_s = reached
        else:
            self._learned_per_s = max(reached * CONVERGENCE, FLOOR_PER_S)
        return reached

    def _lately_per_s(self, now: float) -> float:
        """What the carrier accepted a second, by the last whole second or the present one."""
        elapsed = now - self._second_from
        recent = self._accepted / max(elapsed, EVIDENCE_MIN_S)
        return max(self._accepted_before, recent, 1.0)

    def _grow(self, now: float) -> None:
        """Apply the increase since the last look."""
        rate = self._bucket.rate_per_s
        if rate >= self._contract_per_s:
            self._grown_at = max(now, self._grown_at)
            return
        if self._contract_per_s == inf:
            grown = self._grown(now - max(self._decreased_at, self._paused_until))
        else:
            elapsed = now - max(self._grown_at, self._paused_until)
            grown = rate + self._contract_per_s / RECOVERY_S * max(elapsed, 0.0)
        self._grown_at = max(now, self._grown_at)
        if grown > rate:
            self._set(min(grown, self._contract_per_s), now)

    def _grown(self, elapsed: float) -> float:
        """The rate without a contract so many seconds after the latest decrease and its pause."""
        if elapsed <= 0:
            return self._decreased_to
        if self._is_guess:
            grown = self._decreased_to * exp2(min(elapsed / DOUBLING_S, DOUBLINGS_MAX))
        else:
            learned = self._learned_per_s
            regained_s = CUBIC_S * cbrt(max(1 - self._decreased_to / learned, 0.0))
            grown = learned * (1 + ((elapsed - regained_s) / CUBIC_S) ** 3)
        if grown > UNLIMITED_PER_S:
            self._is_guess, self._learned_per_s = False, inf
            return inf
        return grown

    def _set(self, rate_per_s: float, now: float) -> None:
        burst = self._burst
        if self._contract_per_s == inf:
            burst = min(burst, rate_per_s / 10)
        elif rate_per_s < self._contract_per_s:
            burst = min(burst * rate_per_s / self._contract_per_s, rate_per_s)
        self._bucket.set_rate(rate_per_s, burst, now)
