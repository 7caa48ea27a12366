"""What an outage of one carrier moved to which others, from counts before and during it.

Each carrier's share of a country's traffic before is what it would have had of the traffic during. What the carrier had
less than that was moved; who had more than that took it, each in proportion. Without traffic before, nobody knows what
the carrier would have had. Pure.
"""

from collections.abc import Mapping

from attrs import define


@define(frozen=True)
class Moved:
    """One country."""

    country: str
    total: int
    """Messages that went there meanwhile, by whatever carrier."""
    moved: int
    """Of them those that the carrier would have had."""
    to: Mapping[str, int]
    """Who had them."""
    wait_before_s: float | None
    """Mean wait for a carrier, ``None``: nothing to tell from."""
    wait_during_s: float | None


def moved_from(carrier: str, before: Mapping[str, int], during: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """``(moved, who had it)``; ``before`` and ``during`` are one country's messages by carrier."""
    total_before, total = sum(before.values()), sum(during.values())
    if not total_before or not total:
        return 0, {}
    expected = {name: total * before.get(name, 0) / total_before for name in {*before, *during}}
    moved = max(round(expected.get(carrier, 0.0) - during.get(carrier, 0)), 0)
    gains = {name: during.get(name, 0) - expected[name] for name in expected if name != carrier}
    gained = {name: gain for name, gain in gains.items() if gain > 0}
    whole = sum(gained.values())
    if not moved or not whole:
        return moved, {}
    return moved, {
        name: round(moved * gain / whole) for name, gain in sorted(gained.items(), key=lambda item: -item[1])
    }
