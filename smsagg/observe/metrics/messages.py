"""Of messages, from their acceptance to their end, and where they wait."""

from smsagg.observe.histogram import ACCEPT_BOUNDS_S, LIFE_BOUNDS_S
from smsagg.observe.metrics.families import Families


class MessageMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = self._counter(
            "smsagg_messages_accepted_total",
            "Messages committed and answered ESME_ROK, by account and country.",
            "account",
            "country",
        )
        self.refused = self._counter(
            "smsagg_messages_refused_total",
            "Messages refused at the front door, by account and reason (name of the command_status).",
            "account",
            "reason",
        )
        self.finished = self._counter(
            "smsagg_messages_finished_total",
            "Messages that reached their final state, by account and state.",
            "account",
            "state",
        )
        self.accept_latency = self._histogram(
            "smsagg_messages_accept_latency_seconds",
            "From reading a submit_sm to writing its ESME_ROK, by country.",
            ACCEPT_BOUNDS_S,
            "country",
        )
        self.end_to_end_latency = self._histogram(
            "smsagg_messages_end_to_end_latency_seconds",
            "From acceptance to the final state, by country.",
            LIFE_BOUNDS_S,
            "country",
        )
        self.live = self._gauge(
            "smsagg_messages_live",
            "Accepted messages that are not over, by where they are kept (memory; of these: scheduled, and assembly: "
            "parts that wait for the others).",
            "place",
        )
        self.queue_depth = self._gauge(
            "smsagg_queue_messages", "Messages that wait for a carrier, by pool and queue.", "pool", "queue"
        )
        self.queue_age = self._gauge(
            "smsagg_queue_oldest_age_seconds", "Age of the oldest ready message, by pool.", "pool"
        )
        self.account_queue_depth = self._gauge(
            "smsagg_queue_account_messages", "Messages that wait for a carrier, by account.", "account"
        )
