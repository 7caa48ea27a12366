"""How many requests a caller may make, and how it is told (draft-ietf-httpapi-ratelimit-headers).

A limit is a token bucket. In the headers' terms its quota ``q`` is what may come at once, its window ``w`` the seconds
in which that much is gained; of ``r`` that remain now, ``t`` is the time until all are there again.
"""

from collections.abc import Sequence
from math import ceil

from smsagg.queueing.rate import TokenBucket


class RequestLimit:
    """One limit; ``name`` tells it from the caller's others."""

    def __init__(self, name: str, rate_per_s: float, burst: int | None, now: float) -> None:
        """``burst``: requests that may come at once; ``None``: one second's worth. Full at first."""
        self.name = name
        self.rate_per_s = rate_per_s
        self.burst = max(ceil(rate_per_s) if burst is None else burst, 1)
        self._bucket = TokenBucket(rate_per_s, self.burst, now)

    def set_rate(self, rate_per_s: float, burst: int | None, now: float) -> None:
        """Go on at another rate."""
        self.rate_per_s = rate_per_s
        self.burst = max(ceil(rate_per_s) if burst is None else burst, 1)
        self._bucket.set_rate(rate_per_s, self.burst, now)

    def take(self, now: float) -> None:
        self._bucket.take(1, now)

    def remaining(self, now: float) -> int:
        """Requests that may come at once now."""
        return max(int(self._bucket.available(now)), 0)

    def ready_in_s(self, now: float) -> float:
        """Until the next request may come; 0: it may now."""
        return self._bucket.ready_at(now) - now

    def policy(self) -> str:
        """This limit's item of ``RateLimit-Policy``."""
        return f'"{self.name}";q={self.burst};w={max(ceil(self.burst / self.rate_per_s), 1)}'

    def state(self, now: float) -> str:
        """This limit's item of ``RateLimit``."""
        remaining = self.remaining(now)
        return f'"{self.name}";r={remaining};t={ceil((self.burst - remaining) / self.rate_per_s)}'


def headers_of(limits: Sequence[RequestLimit], now: float) -> dict[str, str]:
    """What an answer says of them."""
    return {
        "RateLimit-Policy": ", ".join(limit.policy() for limit in limits),
        "RateLimit": ", ".join(limit.state(now) for limit in limits),
    }


def take_one(limits: Sequence[RequestLimit], now: float) -> float:
    """Count a request against all of them; or, when one of them does not let it pass, count it against none and tell
    after how many seconds it may come again. 0: it was counted."""
    wait_s = max(limit.ready_in_s(now) for limit in limits)
    if wait_s <= 0:
        for limit in limits:
            limit.take(now)
        return 0.0
    return wait_s
