"""Of the store, the event loop and the configuration."""

from smsagg.observe.family import Value
from smsagg.observe.histogram import ACCEPT_BOUNDS_S, BATCH_BOUNDS, LAG_BOUNDS_S, Histogram
from smsagg.observe.metrics.families import Families


class ProcessMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self._commit_latency = self._histogram(
            "smsagg_store_commit_latency_seconds", "Duration of group commits.", ACCEPT_BOUNDS_S
        )
        self._commit_changes = self._histogram(
            "smsagg_store_commit_changes", "Writes that shared one group commit.", BATCH_BOUNDS
        )
        self.store_commit_latency: Histogram = self._commit_latency[""]
        self.store_commit_changes: Histogram = self._commit_changes[""]
        self.store_failing = self._gauge("smsagg_store_failing", "1 while the store cannot commit what is owed.")
        self.store_wal_octets = self._gauge("smsagg_store_wal_octets", "Size of the write-ahead log.")
        self.store_queued_changes = self._gauge(
            "smsagg_store_queued_changes", "Writes that wait for the next group commit."
        )
        self.store_commits = self._counter("smsagg_store_commits_total", "Group commits.")
        self.store_commit_failures = self._counter("smsagg_store_commit_failures_total", "Group commits that failed.")
        self.store_rows = self._counter("smsagg_store_rows_total", "Rows written.")
        self._loop_lag = self._histogram(
            "smsagg_loop_lag_seconds", "How much later than asked the event loop woke its probe.", LAG_BOUNDS_S
        )
        self.loop_lag: Histogram = self._loop_lag[""]
        self.config_version: Value = self._gauge(
            "smsagg_config_version", "Number of the version of the configuration that is in force."
        )[""]
        self.config_applied_at: Value = self._gauge(
            "smsagg_config_applied_timestamp_seconds", "When that version was put in force, in Unix time."
        )[""]
        self.config_reloads = self._counter(
            "smsagg_config_reloads_total",
            "Reloads asked for, by result (applied, unchanged, refused: the files are wrong, failed: we are).",
            "result",
        )
        self.loop_tasks = self._gauge("smsagg_loop_tasks", "Tasks of the event loop: some for each session and link.")
