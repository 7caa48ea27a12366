"""Of carriers: attempts, links, and what holds them back."""

from smsagg.observe.metrics.families import Families


class CarrierMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = self._counter(
            "smsagg_carrier_attempts_total",
            "Attempts, by carrier and outcome (accepted, temporary, throttled, permanent, in_doubt, not_sent, late).",
            "carrier",
            "outcome",
        )
        self.carrier_refusals = self._counter(
            "smsagg_carrier_refusals_total",
            "Attempts refused, by carrier and command_status (other: one that nobody named).",
            "carrier",
            "status",
        )
        self.link_bound = self._gauge("smsagg_carrier_link_bound", "1 while the link is bound.", "carrier", "link")
        self.link_window = self._gauge(
            "smsagg_carrier_link_window", "Attempts that the link may have outstanding.", "carrier", "link"
        )
        self.link_outstanding = self._gauge(
            "smsagg_carrier_link_outstanding", "Attempts that await their response.", "carrier", "link"
        )
        self.circuit_open = self._gauge(
            "smsagg_carrier_circuit_open",
            "1 while a circuit is open, 0.5 while it is probed: of a link, by its name, or of the carrier's way to a "
            "country, by its code.",
            "carrier",
            "of",
        )
        self.shaping_actions = self._gauge(
            "smsagg_shaping_actions",
            "1 for each restriction in force, by carrier, country (all: the whole carrier), who made it (a rule, "
            "drain, drill) and what it does (suspend, slow, shift; of a drill its kind).",
            "carrier",
            "country",
            "source",
            "action",
        )
        self.country_rate = self._gauge(
            "smsagg_country_rate",
            "Messages per second that may go to a country of [countries], +Inf for unlimited.",
            "country",
        )
        self.link_rate = self._gauge(
            "smsagg_carrier_link_rate",
            "Messages per second to which throttling holds a link, +Inf for unlimited.",
            "carrier",
            "link",
        )
        self.carrier_failures = self._counter(
            "smsagg_carrier_failures_total",
            "Messages that failed by their carrier's receipt, by carrier, canonical cause and permanence (permanent, "
            "temporary).",
            "carrier",
            "cause",
            "permanence",
        )
