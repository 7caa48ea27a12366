"""What the engine counts, in the words of :class:`smsagg.observe.metrics.Metrics`."""

from collections.abc import Sequence

from smsagg.model import Cause, Delivery, DeliveryKind, Message, MessageState
from smsagg.observe.metrics import Metrics
from smsagg.smpp.status import bounded_name_of

_KINDS = {kind: kind.name.lower() for kind in DeliveryKind}
_CAUSES = {cause: cause.name.lower() for cause in Cause}
_STATES = {state: state.name.lower() for state in MessageState}


class EngineMetrics:
    """Adds to kept children of metric families; every call is cheap."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def accepted(self, messages: Sequence[Message], latency_s: float) -> None:
        """A batch was committed, all at the same latency."""
        by_account_country, latency = self.metrics.accepted, self.metrics.accept_latency
        for message in messages:
            by_account_country[message.account, message.country].n += 1
            latency[message.country].observe(latency_s)

    def refused(self, account: str, reason: str, count: int = 1) -> None:
        self.metrics.refused[account, reason].n += count

    def routed(self, rule: str) -> None:
        self.metrics.routed[rule].n += 1

    def blocked_by_route(self, rule: str) -> None:
        self.metrics.route_blocked[rule].n += 1

    def unpriced(self, message: Message) -> None:
        self.metrics.unpriced[message.account, message.country].n += 1

    def margin_warning(self, message: Message) -> None:
        self.metrics.margin_warnings[message.account, message.pool].n += 1

    def limit_alarm(self, account: str, limit: str, percent: int) -> None:
        self.metrics.limit_alarms[account, limit, str(percent)].n += 1

    def attempts(self, carrier: str, outcome: str, count: int = 1) -> None:
        self.metrics.attempts[carrier, outcome].n += count

    def chosen(self, pool: str, carrier: str, why: str, count: int, *, is_losing: bool = False) -> None:
        """Messages were given to a carrier; ``is_losing``: it costs more than they may."""
        self.metrics.choices[pool, carrier, why].n += count
        if is_losing:
            self.metrics.choice_margins[pool, carrier].n += count

    def probed(self, carrier: str, country: str, result: str) -> None:
        """A probe ended, or could not be sent."""
        self.metrics.probes[carrier, country, result].n += 1

    def refused_by_carrier(self, carrier: str, verdict: str, command_status: int) -> None:
        self.metrics.attempts[carrier, verdict].n += 1
        self.metrics.carrier_refusals[carrier, bounded_name_of(command_status)].n += 1

    def finished(self, message: Message, now: int) -> None:
        self.metrics.finished[message.account, _STATES[message.state]].n += 1
        self.metrics.end_to_end_latency[message.country].observe((now - message.accepted_at) / 1000)

    def carrier_receipt(self, carrier: str, state: MessageState, result: str) -> None:
        self.metrics.carrier_receipts[carrier, _STATES[state]].n += 1
        self.metrics.carrier_receipt_matches[carrier, result].n += 1

    def carrier_failure(self, carrier: str, cause: Cause) -> None:
        """A message failed at the carrier."""
        self.metrics.carrier_failures[
            carrier, _CAUSES[cause], "permanent" if cause.is_permanent else "temporary"
        ].n += 1

    def odd_receipt(self, carrier: str, oddity: str) -> None:
        self.metrics.carrier_receipt_oddities[carrier, oddity].n += 1

    def early_receipt(self, carrier: str) -> None:
        """A parked receipt, counted when it came, found its message."""
        self.metrics.carrier_receipt_matches[carrier, "early"].n += 1

    def orphan(self, carrier: str) -> None:
        """A receipt left unmatched."""
        self.metrics.carrier_receipt_matches[carrier, "orphan"].n += 1

    def mo(self, carrier: str, result: str, count: int = 1) -> None:
        self.metrics.carrier_mo[carrier, result].n += count

    def opted(self, account: str, way: str) -> None:
        self.metrics.opted[account, way].n += 1

    def alert(self, carrier: str, result: str) -> None:
        self.metrics.carrier_alerts[carrier, result].n += 1

    def mo_reassembled(self, carrier: str, result: str) -> None:
        self.metrics.mo_reassembled[carrier, result].n += 1

    def delivery_answered(self, delivery: Delivery, command_status: int | None, now: int) -> None:
        outcome = "delivered" if command_status == 0 else "unanswered" if command_status is None else "refused"
        self.metrics.deliveries[delivery.account, _KINDS[delivery.kind], outcome].n += 1

    def deliveries_expired(self, account: str, count: int) -> None:
        self.metrics.deliveries[account, "receipt", "expired"].n += count

    def events_expired(self, account: str, count: int) -> None:
        """So many are not told to an endpoint of ``account`` any more."""
        self.metrics.webhook_requests[account, "given_up"].n += count
