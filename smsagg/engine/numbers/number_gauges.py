"""Levels and counts of the number inventory that Prometheus asks for at each scrape."""

from smsagg.clock import Clock
from smsagg.engine.numbers.numbers import Numbers
from smsagg.observe.metrics import Metrics

_HOUR_MS = 3_600_000
WITHIN_MS = {"1h": _HOUR_MS, "1d": 24 * _HOUR_MS, "7d": 168 * _HOUR_MS}


def add_number_sources(metrics: Metrics, numbers: Numbers, clock: Clock) -> None:
    """Have ``metrics`` ask the inventory."""
    inventory, book = numbers.inventory, numbers.book

    def leases_ending() -> dict[str, float]:
        now = clock.now_ms()
        return {within: inventory.leases_ending_before(now + ms) for within, ms in WITHIN_MS.items()}

    metrics.number_stock.add_source(lambda: dict(inventory.counts))
    metrics.number_leases_ending.add_source(leases_ending)
    metrics.number_pool_available.add_source(lambda: {name: inventory.available[name] for name in inventory.pools})
    metrics.number_pool_low.add_source(lambda: {name: float(name in book.low_pools) for name in inventory.pools})
    metrics.number_senders.add_source(lambda: dict(numbers.chosen))
    metrics.number_fallbacks.add_source(lambda: dict(numbers.fallbacks))
    metrics.number_refusals.add_source(lambda: dict(numbers.refused))
    metrics.number_conversations.add_source(lambda: {"": len(numbers.conversations)})
    metrics.number_lookups.add_source(lambda: {"": numbers.looked_up})
