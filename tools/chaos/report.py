"""A run's report, as tables to read and as JSON to keep."""

import json
from collections import Counter, defaultdict
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from tools.chaos.checker import PROMISES, Report, Verdict
from tools.chaos.history import Fault

EXAMPLES_MAX = 3
"""Violations shown of each invariant."""

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow"}


def as_json(report: Report, about: dict[str, Any]) -> str:
    """Figures, faults, invariants and violations; ``about`` says what was run."""
    faults = [
        {"kind": fault.kind, "target": fault.target, "began_at": fault.began_at, "ended_at": fault.ended_at,
         "copies": copies, "copies_max": fault.copies_max, "receipts": receipts, "receipts_max": fault.receipts_max}
        for fault, copies, receipts in report.charged
    ]  # fmt: skip
    found = _found(report)
    document = {
        "valid": report.verdict.value,
        **attrs.asdict(report.counts),
        "operations": {name: {"tried": tried, "ok": ok} for name, (tried, ok) in report.operations.items()},
        "invariants": {
            name: {
                "promise": promise,
                "examined": report.examined.get(name, 0),
                "violations": found[name],
                "figure": report.figures.get(name, ""),
            }
            for name, promise in PROMISES.items()
        },
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
    for name, (tried, ok) in report.operations.items():
        table.add_row(name, f"{ok} ok of {tried}")
    console.print(table)
    console.print(_faults(report))
    console.print(_invariants(report))
    _show_violations(report, console)
    colour = _COLOURS[report.verdict]
    console.print(f"verdict: [bold {colour}]{report.verdict.value}[/]")


def _faults(report: Report) -> Table:
    """A row for each kind of fault and target; one by one they stand in the JSON."""
    table = Table("fault", "target", "times", "lasted", "copies", "receipt copies", title="faults")
    groups: dict[tuple[str, str], list[tuple[Fault, int, int]]] = defaultdict(list)
    for each in report.charged:
        groups[each[0].kind, each[0].target].append(each)
    for (kind, target), faults in sorted(groups.items()):
        lasted_s = [fault.ended_at - fault.began_at for fault, _, _ in faults]
        table.add_row(
            kind,
            target,
            str(len(faults)),
            f"{min(lasted_s):.2f} to {max(lasted_s):.2f} s",
            f"{sum(copies for _, copies, _ in faults)} of {sum(fault.copies_max for fault, _, _ in faults)}",
            f"{sum(copies for _, _, copies in faults)} of {sum(fault.receipts_max for fault, _, _ in faults)}",
        )
    return table


def _invariants(report: Report) -> Table:
    table = Table("invariant", "", "held against", "broken", "worst", title="invariants")
    found = _found(report)
    for name, promise in PROMISES.items():
        examined = report.examined.get(name, 0)
        broken = f"[red]{found[name]}[/]" if found[name] else "0" if examined else "[yellow]not exercised[/]"
        table.add_row(name, promise, f"{examined:,}", broken, report.figures.get(name, ""))
    return table


def _found(report: Report) -> Counter[str]:
    return Counter(violation.invariant.split()[0] for violation in report.violations)


def _show_violations(report: Report, console: Console) -> None:
    shown: Counter[str] = Counter()
    for violation in report.violations:
        shown[violation.invariant] += 1
        if shown[violation.invariant] <= EXAMPLES_MAX:
            text = f"{violation.invariant} {violation.subject}: {violation.text}"
            console.print(text, style="red", highlight=False, markup=False)
