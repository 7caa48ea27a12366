"""What a load run came to: a summary for machines, a table for people, and the lines shown while it runs."""

from typing import Any

from rich.table import Table

from smsagg.loadgen.latency import LatencyHistogram
from smsagg.loadgen.run import LoadRun
from smsagg.smpp.status import describe, name_of

PERCENTILES = (50.0, 90.0, 99.0, 99.9)


def summary(run: LoadRun) -> dict[str, Any]:
    """Everything that was counted; latencies in milliseconds, rates per second."""
    ledger = run.ledger
    began = run.started_at
    ended = max(ledger.answered_at, ledger.receipted_at, began)
    return {
        "binds": run.settings.binds,
        "window": run.settings.window,
        "asked_rate_per_s": run.settings.rate_per_s,
        "sent": ledger.sent,
        "accepted": ledger.accepted,
        "errors": {name_of(status): count for status, count in ledger.errors.most_common()},
        "unanswered": ledger.unanswered,
        "receipts": ledger.receipts,
        "receipts_missing": ledger.missing,
        "receipts_duplicated": ledger.duplicated,
        "receipts_unmatched": ledger.unmatched,
        "receipts_intermediate": ledger.intermediate,
        "states": {stat.decode("latin-1"): count for stat, count in ledger.states.most_common()},
        "mo": ledger.mo,
        "connections_lost": run.connections_lost,
        "elapsed_s": ended - began,
        "sent_per_s": _rate(ledger.sent, run.sent_at - began),
        "accepted_per_s": _rate(ledger.accepted, ledger.answered_at - began),
        "receipts_per_s": _rate(ledger.receipts, ledger.receipted_at - began),
        "accept_ms": _latency(ledger.accept),
        "end_to_end_ms": _latency(ledger.whole_life),
        "generator_cpu_us_per_message": run.cpu_s / ledger.sent * 1e6 if ledger.sent else 0.0,
    }


def is_clean(run: LoadRun) -> bool:
    """Everything sent was accepted, and every receipt came exactly once."""
    ledger = run.ledger
    return ledger.accepted == ledger.sent and not (ledger.missing or ledger.duplicated or ledger.unmatched)


def final_table(run: LoadRun) -> Table:
    """The summary for people."""
    values = summary(run)
    table = _table()
    table.add_row("sent", f"{values['sent']:,}", f"{values['sent_per_s']:,.0f}/s")
    table.add_row("accepted", f"{values['accepted']:,}", f"{values['accepted_per_s']:,.0f}/s")
    for status, count in run.ledger.errors.most_common():
        table.add_row("refused", f"{count:,}", describe(status))
    if values["unanswered"]:
        table.add_row("unanswered", f"{values['unanswered']:,}", "")
    table.add_row("receipts", f"{values['receipts']:,}", f"{values['receipts_per_s']:,.0f}/s {_states(values)}")
    table.add_row("receipts missing", f"{values['receipts_missing']:,}", "")
    table.add_row("receipts duplicated", f"{values['receipts_duplicated']:,}", "")
    for name in ("receipts_unmatched", "receipts_intermediate", "mo", "connections_lost"):
        if values[name]:
            table.add_row(name.replace("_", " "), f"{values[name]:,}", "")
    table.add_row("accept", "", _percentiles(values["accept_ms"]))
    table.add_row("end to end", "", _percentiles(values["end_to_end_ms"]))
    table.add_row("elapsed", f"{values['elapsed_s']:.2f} s", "")
    table.add_row("generator", "", f"{values['generator_cpu_us_per_message']:.1f} µs CPU a message")
    return table


class LiveView:
    """The table while the run goes on, with rates since the view before."""

    def __init__(self, run: LoadRun) -> None:
        self._run = run
        self._before = (0.0, 0, 0, 0)

    def table(self, now: float) -> Table:
        ledger = self._run.ledger
        before_at, sent, accepted, receipts = self._before
        elapsed = now - max(before_at, self._run.started_at)
        self._before = (now, ledger.sent, ledger.accepted, ledger.receipts)
        table = _table()
        table.add_row("sent", f"{ledger.sent:,}", f"{_rate(ledger.sent - sent, elapsed):,.0f}/s")
        table.add_row("accepted", f"{ledger.accepted:,}", f"{_rate(ledger.accepted - accepted, elapsed):,.0f}/s")
        table.add_row("refused", f"{ledger.errors.total():,}", ", ".join(map(name_of, ledger.errors)))
        table.add_row("receipts", f"{ledger.receipts:,}", f"{_rate(ledger.receipts - receipts, elapsed):,.0f}/s")
        table.add_row("outstanding", f"{self._run.outstanding:,}", f"{ledger.missing:,} receipts awaited")
        table.add_row("accept", "", _percentiles(_latency(ledger.accept)))
        table.add_row("end to end", "", _percentiles(_latency(ledger.whole_life)))
        return table


def _table() -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    return table


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def _latency(histogram: LatencyHistogram) -> dict[str, float]:
    values = {f"p{percent:g}": histogram.percentile(percent) * 1e3 for percent in PERCENTILES}
    return values | {"max": histogram.max_s * 1e3, "mean": histogram.mean_s * 1e3}


def _percentiles(latency_ms: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:,.1f}" for name, value in latency_ms.items() if name != "mean") + " ms"


def _states(values: dict[str, Any]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in values["states"].items())
