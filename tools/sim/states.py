"""Which of several final states tells of all of them; apart from the gateway's own table."""

from collections.abc import Iterable

from tools.chaos.checker import ACCEPTED, DELETED, DELIVERED, EXPIRED, REJECTED, UNDELIVERABLE, UNKNOWN

FROM_BEST_TO_WORST = (DELIVERED, ACCEPTED, UNKNOWN, EXPIRED, DELETED, UNDELIVERABLE, REJECTED)


def worst(states: Iterable[int]) -> int:
    """The worst of final states."""
    return max(states, key=FROM_BEST_TO_WORST.index)
