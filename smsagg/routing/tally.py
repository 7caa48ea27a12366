"""Decayed counts of what one carrier did in one country: what happened a half-life ago counts half.

A tally is a value that ages: :meth:`Tally.age` is called with the time that passed, then what happened since is added.
Constant memory.
"""

from collections.abc import Sequence
from math import sqrt

from attrs import define, field

from smsagg.routing.experience import BINS, bin_upper_ms

WILSON_Z = 2.0
"""Standard errors by which a share is given the benefit of the doubt."""


@define(eq=False)
class Tally:
    """Counts are real numbers, for they decay."""

    delivered: float = 0.0
    failed: float = 0.0
    """Reported as not delivered, or refused for good."""
    missing: float = 0.0
    """Not reported, though its time had come."""
    accepted: float = 0.0
    erred: float = 0.0
    """Attempts refused for now, or without an answer."""
    asked: float = 0.0
    converted: float = 0.0
    latencies: list[float] = field(factory=lambda: [0.0] * BINS)

    def age(self, factor: float) -> None:
        """All that was counted weighs ``factor`` (0 to 1) of what it did."""
        self.delivered *= factor
        self.failed *= factor
        self.missing *= factor
        self.accepted *= factor
        self.erred *= factor
        self.asked *= factor
        self.converted *= factor
        self.latencies = [count * factor for count in self.latencies]

    @property
    def reported(self) -> float:
        """Messages of which the carrier told the end."""
        return self.delivered + self.failed

    @property
    def resolved(self) -> float:
        """Messages whose end the carrier told, or should have told."""
        return self.delivered + self.failed + self.missing

    def latency_ms(self, quantile: float) -> int:
        """Upper bound of the bin in which the quantile (0 to 1) of the latencies lies; 0 when there are none."""
        return quantile_ms(self.latencies, quantile)


def quantile_ms(latencies: Sequence[float], quantile: float) -> int:
    """Upper bound of the bin in which the quantile of these counts by bin lies; 0 when there are none."""
    left = sum(latencies) * quantile
    if left <= 0:
        return 0
    for index, count in enumerate(latencies):
        left -= count
        if left <= 0:
            return bin_upper_ms(index)
    return bin_upper_ms(len(latencies) - 1)


def upper_share(good: float, total: float) -> float:
    """The highest share of good ones that ``good`` of ``total`` seen make likely (Wilson's score interval); 1 for
    nothing seen."""
    if total <= 0:
        return 1.0
    z2 = WILSON_Z * WILSON_Z
    good = min(max(good, 0.0), total)
    spread = WILSON_Z * sqrt(good * (total - good) / total + z2 / 4)
    return min((good + z2 / 2 + spread) / (total + z2), 1.0)
