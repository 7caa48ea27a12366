"""``kill -9`` under load loses nothing, and the run that says so can say otherwise."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tools.chaos import harness
from tools.chaos.checker import Report, Verdict
from tools.chaos.esme import Load
from tools.chaos.nemesis import NO_FAULTS
from tools.chaos.seeded import BUGS, BY_KILLS, HARMLESS, SHOWN_BY

pytestmark = pytest.mark.slow

RUNS_A_BUG = 3


def run(
    folder: Path,
    faults: dict[str, Any],
    rate_per_s: float = 600,
    seed_bug: str = "",
    drain_deadline_s: float = 60.0,
    balances: bool = False,
) -> Report:
    plan = evolve(NO_FAULTS, **faults, pause_s=(0.3, 0.8))
    settings = harness.Settings(
        plan,
        Load(rate_per_s=rate_per_s),
        seed=1,
        seed_bug=seed_bug,
        drain_deadline_s=drain_deadline_s,
        balances=balances,
    )
    report, _ = harness.run(settings, folder)
    return report


def told(report: Report) -> str:
    """What an assertion shows when the verdict is another than expected."""
    return "\n".join([str(report.counts), *map(str, report.violations[:20])])


def test_five_kills_under_load(tmp_path: Path) -> None:
    """After five kills all that was acknowledged is sent and reported, with copies only within each kill's windows."""
    report = run(tmp_path, {"kill_server": 5}, balances=True)
    assert report.verdict is Verdict.PASS, told(report)
    assert report.counts.faults == 6  # and the restart before the books are balanced
    assert report.counts.acknowledged == report.counts.ok > 500


def test_bad_roads(tmp_path: Path) -> None:
    """A carrier that is cut off and one that swallows what it is sent cost copies within their windows, and no more."""
    report = run(tmp_path, {"cut_carrier": 1, "hole_carrier": 1}, rate_per_s=400)
    assert report.verdict is Verdict.PASS, told(report)
    assert report.counts.faults == 2


def test_power_loss_and_ill_disks(tmp_path: Path) -> None:
    """What was acknowledged outlives the loss of all unsynced writes; a disk that is full or fails costs refusals only,
    sessions and enquire_link live on, and the server recovers by itself."""
    report = run(tmp_path, {"power_loss": 2, "disk_full": 1, "sync_error": 1, "stalled_sync": 1})
    assert report.verdict is Verdict.PASS, told(report)
    assert report.counts.refused > 0


def test_a_clock_an_hour_wrong(tmp_path: Path) -> None:
    """Set an hour forward or back and right again, and started anew, the server forgets nothing for an hour and sends
    nothing after its time."""
    report = run(tmp_path, {"clock_jump": 2, "kill_server": 1})
    assert report.verdict is Verdict.PASS, told(report)


def test_kills_with_a_slow_store(tmp_path: Path) -> None:
    """Commits that take long widen no promise: what is not recorded yet counts against the window."""
    report = run(tmp_path, BY_KILLS, seed_bug=HARMLESS)
    assert report.verdict is Verdict.PASS, told(report)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug != HARMLESS])
def test_seeded_bug_is_found(tmp_path: Path, bug: str) -> None:
    """One of a few runs fails when the server has the bug: what was at hand when a fault struck is chance."""
    faults = SHOWN_BY.get(bug, BY_KILLS)
    for attempt in range(RUNS_A_BUG):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        report = run(folder, faults, rate_per_s=1_000, seed_bug=bug, drain_deadline_s=1.5)
        if report.verdict is Verdict.FAIL:
            return
    raise AssertionError(told(report))


def test_reloads_between_kills(tmp_path: Path) -> None:
    """Carriers that are replaced under load cost no copy; who dies afterwards comes back with the new configuration."""
    report = run(tmp_path, {"reload": 2, "kill_server": 1}, rate_per_s=400)
    assert report.verdict is Verdict.PASS, told(report)
    assert report.counts.acknowledged == report.counts.ok > 300
