"""``python -m tools.chaos --failpoints``: every kill point, once with ``kill -9`` and once with the loss of power."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import define, evolve
from rich.console import Console

from tools.chaos import harness
from tools.chaos.checker import Report, Verdict
from tools.chaos.esme import Load
from tools.chaos.failpoints import FAILPOINTS
from tools.chaos.nemesis import NO_FAULTS
from tools.chaos.report import show
from tools.chaos.visit_report import RowReport, judge, table_of

WAYS = {"kill -9": False, "power loss": True}
"""Ways to die, and whether they cut the power."""
RATE_PER_S = 400.0


@define
class VisitReport:
    """What one world of deaths showed."""

    rows: list[RowReport]
    report: Report

    @property
    def verdict(self) -> Verdict:
        """Of the rows and of the world. So short a world need not have tried every operation, but all that was
        acknowledged in it must be over and reported."""
        counts = self.report.counts
        if self.report.violations or any(row.verdict != "pass" for row in self.rows):
            return Verdict.FAIL
        return Verdict.PASS if counts.acknowledged == counts.ok > 0 else Verdict.UNKNOWN


def visit(folder: Path, rows: Sequence[str], cuts_power: bool, seed: int, seed_bug: str = "") -> VisitReport:
    """One world in ``folder``, an empty one."""
    plan = evolve(NO_FAULTS, failpoints=tuple(rows), cuts_power=cuts_power, pause_s=(0.2, 0.4))
    settings = harness.Settings(plan, Load(RATE_PER_S), seed=seed, seed_bug=seed_bug, balances=False)
    report, history = harness.run(settings, folder)
    return VisitReport(judge(history, history.visits, rows), report)


def visit_all(console: Console, seed: int, json_path: Path | None) -> Verdict:
    """Both ways to die at every failpoint; the tables on the console, all of it in ``json_path``."""
    documents: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    for way, cuts_power in WAYS.items():
        folder = Path(tempfile.mkdtemp(prefix="smsagg-chaos-"))
        console.print(f"failpoints with {way}: seed {seed}, in {folder}", highlight=False)
        result = visit(folder, list(FAILPOINTS), cuts_power, seed)
        console.print(table_of(result.rows, f"failpoints, {way}"))
        for row in result.rows:
            for problem in row.problems:
                console.print(f"[red]{row.row}[/] {problem}", highlight=False)
        if result.verdict is not Verdict.PASS:
            show(result.report, console)
        verdicts.append(result.verdict)
        documents[way] = _document(result)
        if result.verdict is Verdict.PASS:
            shutil.rmtree(folder)
    verdict = next((each for each in (Verdict.FAIL, Verdict.UNKNOWN) if each in verdicts), Verdict.PASS)
    console.print(f"verdict: {verdict.value}")
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps({"valid": verdict.value, "seed": seed, **documents}, indent=2))
    return verdict


def _document(result: VisitReport) -> dict[str, Any]:
    return {
        "valid": result.verdict.value,
        "rows": [{**attrs.asdict(row), "verdict": row.verdict} for row in result.rows],
        **attrs.asdict(result.report.counts),
        "violations": [attrs.asdict(violation) for violation in result.report.violations],
    }
