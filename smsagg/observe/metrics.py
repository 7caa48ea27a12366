"""Everything that smsagg tells Prometheus, in one object with its own registry.

Names are ``smsagg_<subsystem>_<noun>_<unit>[_total]``; labels are accounts, pools, carriers and links of the
configuration, countries, states and statuses: closed sets, never a number or an id. Each attribute of :class:`Metrics`
is a family (:mod:`smsagg.observe.family`): who counts takes a child by its label values and adds to it; who holds a
value registers a source. A scrape is two steps: :meth:`Metrics.refresh` on the loop asks the sources,
:meth:`Metrics.render` in a worker thread makes the text, because thousands of series take tens of milliseconds.
"""

import platform
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from smsagg.observe.family import CounterFamily, Family, GaugeFamily, Value
from smsagg.observe.histogram import (
    ACCEPT_BOUNDS_S,
    BATCH_BOUNDS,
    LAG_BOUNDS_S,
    LIFE_BOUNDS_S,
    Histogram,
    HistogramFamily,
)


class Metrics:
    """All families. Keys of children are the label values in the order of the names given here."""

    def __init__(self, version: str) -> None:
        self._families: list[Family[Any]] = []
        self._smpp()
        self._messages()
        self._money()
        self._queues()
        self._carriers()
        self._numbers()
        self._verification()
        self._deliveries()
        self._store()
        self._process(version)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Exposition(self._families))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def refresh(self) -> None:
        """Ask all sources for their values; on the loop, before :meth:`render`."""
        for family in self._families:
            family.refresh()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """``(body, content type)`` of the exposition that an ``Accept`` header asks for; from any thread."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _smpp(self) -> None:
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

    def _messages(self) -> None:
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

    def _money(self) -> None:
        self.unpriced = self._counter(
            "smsagg_money_unpriced_messages_total",
            "Messages that the account's price list has no price for, by account and country.",
            "account",
            "country",
        )
        self.margin_warnings = self._counter(
            "smsagg_money_margin_warnings_total",
            "Messages taken although every carrier of their pool costs too much for them, by account and pool.",
            "account",
            "pool",
        )
        self.limit_alarms = self._counter(
            "smsagg_money_limit_alarms_total",
            "Caps and quotas that were used to so many per cent, by account, limit and per cent.",
            "account",
            "limit",
            "percent",
        )
        self.balance = self._gauge("smsagg_money_balance_micros", "Credited less charged, by account.", "account")
        self.reserved = self._gauge(
            "smsagg_money_reserved_micros", "Prices of messages that are not over, by account.", "account"
        )
        self.available = self._gauge(
            "smsagg_money_available_micros",
            "What messages may still reserve, of the balance and the credit, by billed account; not of those whose "
            "credit is unlimited.",
            "account",
        )
        self.charged = self._counter(
            "smsagg_money_charged_micros_total", "Charged for messages, by account.", "account"
        )
        self.limit_used = self._gauge(
            "smsagg_money_limit_used_ratio",
            "How much of a cap or quota is used, by account, limit and country (empty: of all together).",
            "account",
            "limit",
            "country",
        )

    def _queues(self) -> None:
        self.queue_depth = self._gauge(
            "smsagg_queue_messages", "Messages that wait for a carrier, by pool and queue.", "pool", "queue"
        )
        self.queue_age = self._gauge(
            "smsagg_queue_oldest_age_seconds", "Age of the oldest ready message, by pool.", "pool"
        )
        self.account_queue_depth = self._gauge(
            "smsagg_queue_account_messages", "Messages that wait for a carrier, by account.", "account"
        )

    def _carriers(self) -> None:
        self.attempts = self._counter(
            "smsagg_carrier_attempts_total",
            "Attempts, by carrier and outcome (accepted, temporary, throttled, permanent, in_doubt, not_sent, late).",
            "carrier",
            "outcome",
        )
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
        self.carrier_receipts = self._counter(
            "smsagg_carrier_receipts_total", "Receipts that carriers sent, by carrier and state.", "carrier", "state"
        )
        self.carrier_receipt_matches = self._counter(
            "smsagg_carrier_receipt_matches_total",
            "What became of carriers' receipts (matched, duplicate, contradicted, refused, parked; of the parked: "
            "early, orphan), by carrier.",
            "carrier",
            "result",
        )
        self.carrier_receipt_oddities = self._counter(
            "smsagg_carrier_receipt_oddities_total",
            "Receipts whose TLV and text name different messages (ids_differ), and those with a word for the state "
            "that no table knows (unknown_state), by carrier.",
            "carrier",
            "oddity",
        )
        self.carrier_failures = self._counter(
            "smsagg_carrier_failures_total",
            "Messages that failed by their carrier's receipt, by carrier, canonical cause and permanence (permanent, "
            "temporary).",
            "carrier",
            "cause",
            "permanence",
        )
        self.parked_receipts = self._gauge(
            "smsagg_carrier_receipts_parked", "Receipts that wait for their submit_sm_resp."
        )
        self.receipt_dialects = self._gauge(
            "smsagg_receipt_dialect_learned",
            "1 for an id rule that a carrier's receipts have shown: the keys that say it, and whether it is in force "
            "(applied) or for the operator to set (proposed).",
            "carrier",
            "keys",
            "result",
        )
        self.id_collisions = self._counter(
            "smsagg_carrier_id_collisions_total",
            "Messages whose carrier gave them an id that another one awaits under.",
        )
        self.carrier_mo = self._counter(
            "smsagg_carrier_mo_total",
            "Messages from handsets, by carrier and result (taken, refused, looped).",
            "carrier",
            "result",
        )
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
        self.carrier_alerts = self._counter(
            "smsagg_carrier_alerts_total",
            "Handsets that can be reached again, by carrier and result (told, missed).",
            "carrier",
            "result",
        )
        self.mo_reassembled = self._counter(
            "smsagg_carrier_mo_reassembled_total",
            "Long messages from handsets that waited for their parts (whole, incomplete), and parts that came twice "
            "(repeated) or after the others were handed out (late), by carrier.",
            "carrier",
            "result",
        )
        self.mo_parts = self._gauge("smsagg_carrier_mo_parts", "Parts from handsets that wait for the others.")

    def _numbers(self) -> None:
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

    def _verification(self) -> None:
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

    def _deliveries(self) -> None:
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

    def _store(self) -> None:
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

    def _process(self, version: str) -> None:
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
        build = self._gauge("smsagg_build_info", "Always 1; version of smsagg and of Python.", "version", "python")
        build[version, platform.python_version()].n = 1

    def _counter(self, name: str, documentation: str, *labels: str) -> CounterFamily:
        family = CounterFamily(name, documentation, *labels)
        self._families.append(family)
        return family

    def _gauge(self, name: str, documentation: str, *labels: str) -> GaugeFamily:
        family = GaugeFamily(name, documentation, *labels)
        self._families.append(family)
        return family

    def _histogram(self, name: str, documentation: str, bounds: tuple[float, ...], *labels: str) -> HistogramFamily:
        family = HistogramFamily(name, documentation, bounds, *labels)
        self._families.append(family)
        return family


class _Exposition(Collector):
    """All families as one collector of prometheus_client."""

    def __init__(self, families: Sequence[Family[Any]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            yield from family.collect()
