"""Of what is suspicious, and of people who want no more."""

from smsagg.observe.metrics.families import Families


class AbuseMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.abuse_alarms = self._counter(
            "smsagg_abuse_alarms_total",
            "Findings of the checks of abuse, by kind (velocity, sequence, collapse, content, volume, country, "
            "network, conversion, bounces, opt_outs), account and action.",
            "kind",
            "account",
            "action",
        )
        self.abuse_blocked_prefixes = self._gauge(
            "smsagg_abuse_blocked_prefixes", "Prefixes blocked or throttled now, by account.", "account"
        )
        self.accounts_frozen = self._gauge("smsagg_accounts_frozen", "Accounts that are frozen now.")
        self.opted = self._counter(
            "smsagg_consent_keywords_total",
            "Keywords by which people said that they want no more messages (out), or want them again (in), by account.",
            "account",
            "way",
        )
        self.consent_records = self._gauge(
            "smsagg_consent_records",
            "Numbers in lists of suppressed numbers and of opt-ins, by kind and account (none: the operator's).",
            "kind",
            "account",
        )
