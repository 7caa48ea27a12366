"""What a bench found beside what it hoped for, as a table and as JSON."""

import os
import platform
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, define
from rich.console import Console
from rich.table import Table

Row = dict[str, Any]


@define
class Goal:
    """One figure and whether it is good enough."""

    part: str
    figure: str
    found: str
    goal: str
    met: bool


def at_least(part: str, figure: str, value: float, bound: float, unit: str = "") -> Goal:
    return Goal(part, figure, f"{value:,.4g}{unit}", f"≥ {bound:,g}{unit}", value >= bound)


def at_most(part: str, figure: str, value: float, bound: float, unit: str = "") -> Goal:
    return Goal(part, figure, f"{value:,.4g}{unit}", f"≤ {bound:,g}{unit}", value <= bound)


def goals_table(goals: list[Goal]) -> Table:
    table = Table(title="Goals")
    for heading in ("part", "figure", "found", "goal", ""):
        table.add_column(heading, justify="right" if heading in ("found", "goal") else "left")
    for goal in goals:
        table.add_row(goal.part, goal.figure, goal.found, goal.goal, "[green]met[/]" if goal.met else "[red]not met[/]")
    return table


def rows_table(title: str, rows: list[Row]) -> Table:
    """Load runs of all parts, in the words of the load generator."""
    table = Table(title=title)
    for heading in ("part", "run"):
        table.add_column(heading)
    for heading in (
        "accepted/s",
        "receipts/s",
        "refused",
        "server µs",
        "accept p50 / p99 ms",
        "life p50 / p99 ms",
        "memory MiB",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        accept, life = row["accept_ms"], row["end_to_end_ms"]
        refused = sum(row["errors"].values()) / max(row["sent"], 1)
        cpu = row.get("server_cpu_us_per_message")
        memory = row.get("server_resident_max_octets")
        table.add_row(
            row.get("part", ""),
            row["name"],
            f"{row['accepted_per_s']:,.0f}",
            f"{row['receipts_per_s']:,.0f}",
            f"{refused:.1%}" if refused else "",
            "" if cpu is None else f"{cpu:.0f}",
            f"{accept['p50']:,.1f} / {accept['p99']:,.1f}",
            f"{life['p50']:,.1f} / {life['p99']:,.1f}",
            "" if memory is None else f"{memory / 2**20:.0f}",
        )
    return table


def conclude(console: Console, title: str, rows: list[Row], goals: list[Goal], path: Path, **more: Any) -> None:
    """Print both tables and write everything to ``path``."""
    if rows:
        console.print(rows_table(title, rows))
    if goals:
        console.print(goals_table(goals))
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine, "rows": rows, "goals": [asdict(goal) for goal in goals], **more}
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    console.print(f"{machine['cores']} cores, Python {machine['python']}; written to {path}")
