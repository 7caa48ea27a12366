"""Of the front door for SMPP."""

from smsagg.observe.metrics.families import Families


class SmppMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.smpp_sessions = self._gauge(
            "smsagg_smpp_sessions",
            "Sessions bound now, by account and bind type (tx, rx, trx).",
            "account",
            "bind_type",
        )
        self.smpp_connections = self._gauge("smsagg_smpp_connections", "TCP connections open now, bound or not.")
        self.smpp_read_share = self._gauge(
            "smsagg_smpp_read_share",
            "Share of the loop's time that the reading of submits may use: 0.5, and less in a flood.",
        )
        self.smpp_pdus = self._counter(
            "smsagg_smpp_pdus_total",
            "PDUs of ESMEs, by direction (in, out), command and command_status (requests: none).",
            "direction",
            "command",
            "status",
        )
        self.smpp_binds_refused = self._counter(
            "smsagg_smpp_binds_refused_total", "Bind requests refused, by command_status.", "status"
        )
        self.smpp_bind_failures = self._counter(
            "smsagg_smpp_bind_failures_total",
            "Binds not let in, by reason (credentials, disabled, network, plaintext, certificate, banned, binds_max).",
            "reason",
        )
        self.smpp_bans = self._gauge(
            "smsagg_smpp_bans",
            "Bans in force for failed binds, by what is banned (bind: a system_id at an address; address).",
            "kind",
        )
        self.smpp_sessions_closed = self._counter(
            "smsagg_smpp_sessions_closed_total", "Connections ended, by reason.", "reason"
        )
