"""How long a message waits before its next attempt: exponential, bounded, with jitter."""

from typing import Protocol

from smsagg.config.schema import RetrySettings

_DOUBLINGS_MAX = 64
"""More steps than any delay needs to reach its maximum; keeps the power finite."""


class Rng(Protocol):
    """What of ``random.Random`` is needed."""

    def random(self) -> float: ...


def retry_delay_s(retry: RetrySettings, attempts: int, rng: Rng) -> float:
    """Seconds to wait after attempt number ``attempts`` (from 1) failed.

    ``first * multiplier ** (attempts - 1)``, at most ``max``; of that the share ``jitter`` is random, so the delay
    lies in ``[(1 - jitter) * d, d]`` and never passes the maximum.
    """
    steps = min(max(attempts - 1, 0), _DOUBLINGS_MAX)
    delay = min(retry.first * retry.multiplier**steps, retry.max)
    return delay * (1.0 - retry.jitter * rng.random())
