"""The score of one carrier in one country, and what it is made of."""

from attrs import define


@define(frozen=True)
class Score:
    """One carrier in one country, and why."""

    value: float
    """0 to 1."""
    delivery: float
    errors: float
    """Share of attempts."""
    latency_ms: int
    """Median of its reports (upper bound of the bin), 0 when none are known."""
    missing: float
    """Share of reports missing beyond what is usual."""
    plausibility: float
    conversion: float
    is_false: bool
    """Its reports are known to be false, by probes."""
    evidence: float
    """Messages that the score rests on, decayed."""

    def __str__(self) -> str:
        parts = [f"{self.value:.3f}: delivery {self.delivery:.1%}", f"errors {self.errors:.1%}"]
        if self.latency_ms:
            parts.append(f"median {self.latency_ms / 1000:g} s")
        if self.missing >= 0.005:
            parts.append(f"missing {self.missing:.1%}")
        if self.plausibility < 1:
            parts.append(f"plausibility {self.plausibility:.2f}")
        if self.conversion < 1:
            parts.append(f"conversion {self.conversion:.2f}")
        if self.is_false:
            parts.append("false receipts")
        return ", ".join(parts)
