"""Of numbers that are sent from."""

from smsagg.observe.metrics.families import Families


class NumberMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.number_stock = self._gauge(
            "smsagg_number_stock",
            "Numbers of the inventory, by country, type and status.",
            "country",
            "type",
            "status",
        )
        self.number_leases_ending = self._gauge(
            "smsagg_number_leases_ending", "Leases of numbers that end within a time (1h, 1d, 7d).", "within"
        )
        self.number_pool_available = self._gauge(
            "smsagg_number_pool_available", "Numbers of a number pool that nobody has, by pool.", "pool"
        )
        self.number_pool_low = self._gauge(
            "smsagg_number_pool_low", "1 while a number pool has fewer available numbers than its low mark.", "pool"
        )
        self.number_senders = self._counter(
            "smsagg_number_senders_total",
            "Messages that got their sender from a number pool, by account and pool.",
            "account",
            "pool",
        )
        self.number_fallbacks = self._counter(
            "smsagg_number_fallbacks_total",
            "Senders that came from another number pool, by the pool that was tried first and the one that had one.",
            "pool",
            "to",
        )
        self.number_refusals = self._counter(
            "smsagg_number_refusals_total",
            "Messages for which there was no sender, by account and reason (no_sender, senders_exhausted, "
            "no_number_pool).",
            "account",
            "reason",
        )
        self.number_conversations = self._gauge(
            "smsagg_number_conversations", "Recipients in memory of whom it is known which numbers wrote to them."
        )
        self.number_lookups = self._counter(
            "smsagg_number_lookups_total", "Recipients that the store was asked for before a sender was chosen."
        )
