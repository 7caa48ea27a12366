"""Of what accounts are told."""

from smsagg.observe.metrics.families import Families


class DeliveryMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.deliveries = self._counter(
            "smsagg_delivery_attempts_total",
            "deliver_sm to accounts, by account, kind and outcome (delivered, refused, unanswered, expired).",
            "account",
            "kind",
            "outcome",
        )
        self.webhook_requests = self._counter(
            "smsagg_webhook_requests_total",
            "Requests to webhook endpoints, by account and outcome (taken, failed, busy, gone, forbidden); events that "
            "were given up (given_up).",
            "account",
            "outcome",
        )
        self.webhooks_disabled = self._gauge(
            "smsagg_webhook_disabled", "Webhook endpoints that are told nothing, by account.", "account"
        )
        self.deliveries_pending = self._gauge(
            "smsagg_delivery_pending", "Receipts and MO that wait for an account's acknowledgement.", "account"
        )
