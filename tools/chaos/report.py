"""A run's report, as a table to read and as JSON to keep."""

import json
from collections import Counter
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from tools.chaos.checker import Report, Verdict

EXAMPLES_MAX = 3
"""Violations shown of each invariant."""

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow"}


def as_json(report: Report, about: dict[str, Any]) -> str:
    """Figures, faults and violations; ``about`` says what was run."""
    faults = [
        {"kind": fault.kind, "target": fault.target, "began_at": fault.began_at, "ended_at": fault.ended_at,
         "copies": copies, "copies_max": fault.copies_max, "receipts": receipts, "receipts_max": fault.receipts_max}
        for fault, copies, receipts in report.charged
    ]  # fmt: skip
    document = {
        "valid": report.verdict.value,
        **attrs.asdict(report.counts),
        "faults_in_order": faults,
        "violations": [attrs.asdict(violation) for violation in report.violations],
        "run": about,
    }
    return json.dumps(document, indent=2)


def show(report: Report, console: Console) -> None:
    """Print the tables and the verdict."""
    counts = report.counts
    table = Table(title="what became of every message", show_header=False)
    for name, value in attrs.asdict(counts).items():
        if name not in ("duplicated_max", "receipts_duplicated_max", "faults"):
            bound = getattr(counts, f"{name}_max", None)
            table.add_row(name.replace("_", " "), str(value) + (f"  (at most {bound})" if bound is not None else ""))
    console.print(table)
    faults = Table("fault", "target", "lasted", "copies", "receipt copies", title="faults")
    start = report.charged[0][0].began_at if report.charged else 0.0
    for fault, copies, receipts in report.charged:
        faults.add_row(
            f"{fault.began_at - start:6.2f} s {fault.kind}",
            fault.target,
            f"{fault.ended_at - fault.began_at:.2f} s",
            f"{copies} of {fault.copies_max}",
            f"{receipts} of {fault.receipts_max}",
        )
    console.print(faults)
    _show_violations(report, console)
    colour = _COLOURS[report.verdict]
    console.print(f"verdict: [bold {colour}]{report.verdict.value}[/]")


def _show_violations(report: Report, console: Console) -> None:
    shown: Counter[str] = Counter()
    for violation in report.violations:
        shown[violation.invariant] += 1
        if shown[violation.invariant] <= EXAMPLES_MAX:
            console.print(f"[red]{violation.invariant}[/] {violation.subject}: {violation.text}", highlight=False)
    for invariant, number in shown.items():
        if number > EXAMPLES_MAX:
            console.print(f"[red]{invariant}[/]: {number} in all")
