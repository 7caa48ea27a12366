"""Of rules, look-ups, and the choice between carriers."""

from smsagg.observe.histogram import ACCEPT_BOUNDS_S, Histogram
from smsagg.observe.metrics.families import Families


class RoutingMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.routed = self._counter(
            "smsagg_routing_decisions_total",
            "Messages that got their pool while there were routing rules, by the rule that decided (default: none did, "
            "so their country did).",
            "route",
        )
        self.route_blocked = self._counter(
            "smsagg_routing_blocked_total", "Messages that a routing rule refused, by rule.", "route"
        )
        self.lookups = self._counter(
            "smsagg_routing_lookups_total",
            "Networks of numbers that are looked up: asked for and remembered, known or not_listed (by a resolver that "
            "knows at once), by_prefix (nothing known in time), no_room (not looked up: too many under way, or the "
            "resolver is resting); and the look-ups themselves: found, not_found, error, timeout.",
            "result",
        )
        self._lookup_latency = self._histogram(
            "smsagg_routing_lookup_latency_seconds", "Duration of look-ups of ported numbers.", ACCEPT_BOUNDS_S
        )
        self.lookup_latency: Histogram = self._lookup_latency[""]
        self.choices = self._counter(
            "smsagg_choice_messages_total",
            "Messages given to a carrier, by pool, carrier and why there (first: the best by the policy; next: the "
            "best with room; explore; backup; avoided and shifted: for want of another; last_resort).",
            "pool",
            "carrier",
            "why",
        )
        self.choice_margins = self._counter(
            "smsagg_choice_margin_warnings_total",
            "Messages given to a carrier that costs more than they may, by pool and carrier.",
            "pool",
            "carrier",
        )
        self.quality = self._gauge(
            "smsagg_quality_score",
            "How good a carrier is in a country, 0 to 1, by carrier and country.",
            "carrier",
            "country",
        )
        self.quality_false = self._gauge(
            "smsagg_quality_false_receipts",
            "1 while probes say that a carrier's delivery receipts in a country are not true.",
            "carrier",
            "country",
        )
        self.probes = self._counter(
            "smsagg_probe_results_total",
            "Messages to numbers of [[probes]], by carrier, country and result (right, wrong, silent, refused, "
            "unsent).",
            "carrier",
            "country",
            "result",
        )
