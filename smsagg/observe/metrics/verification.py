"""Of codes that prove whose a number is."""

from smsagg.observe.metrics.families import Families


class VerificationMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.verifications_started = self._counter(
            "smsagg_verification_started_total", "Verifications begun, by country.", "country"
        )
        self.verification_messages = self._counter(
            "smsagg_verification_messages_total", "Messages with codes that were committed, by country.", "country"
        )
        self.verification_checks = self._counter(
            "smsagg_verification_checks_total",
            "Codes that were told, by country and result (right, wrong, late: the verification was over).",
            "country",
            "result",
        )
        self.verifications_ended = self._counter(
            "smsagg_verification_ended_total",
            "Verifications that are over, by country and status (approved, failed, expired, cancelled).",
            "country",
            "status",
        )
        self.verification_limited = self._counter(
            "smsagg_verification_limited_total",
            "Codes that were not sent for a limit, by account and scope (recipient, prefix, country, account).",
            "account",
            "scope",
        )
