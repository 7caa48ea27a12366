"""``python -m tools.chaos``: one run and its verdict. Exit status 0 for pass, 1 for fail, 2 for unknown."""

import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import click
from attrs import evolve
from click.core import ParameterSource
from rich.console import Console

from tools.chaos import harness
from tools.chaos.checker import Verdict
from tools.chaos.configuration import Sizes
from tools.chaos.esme import Load
from tools.chaos.nemesis import NO_FAULTS
from tools.chaos.report import as_json, show
from tools.chaos.visit_run import visit_all

FAULTS = {
    "kills": "kill_server",
    "kills_starting": "kill_starting",
    "carrier_kills": "kill_carrier",
    "stops": "stop_server",
    "carrier_stops": "stop_carrier",
    "restarts": "restart",
    "reloads": "reload",
    "client_drops": "drop_client",
    "client_cuts": "cut_client",
    "client_holes": "hole_client",
    "client_slow": "slow_client",
    "client_slow_closes": "slow_close_client",
    "web_cuts": "cut_web",
    "web_holes": "hole_web",
    "web_slow": "slow_web",
    "carrier_cuts": "cut_carrier",
    "carrier_holes": "hole_carrier",
    "carrier_mutes": "mute_carrier",
    "carrier_slow": "slow_carrier",
    "power_losses": "power_loss",
    "disk_full": "disk_full",
    "disk_low": "disk_low",
    "sync_errors": "sync_error",
    "slow_syncs": "slow_sync",
    "stalled_syncs": "stalled_sync",
    "clock_jumps": "clock_jump",
}
"""Options and the faults of :class:`~tools.chaos.nemesis.Plan` that they count."""
EXIT_STATUS = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 2}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--kills", default=10, type=click.IntRange(0, 1_000), help="kill -9 of the server.")
@click.option("--kills-starting", default=2, type=click.IntRange(0, 100), help="… and twice more while it starts.")
@click.option("--carrier-kills", default=4, type=click.IntRange(0, 1_000), help="kill -9 of a carrier.")
@click.option("--stops", default=3, type=click.IntRange(0, 1_000), help="SIGSTOP and SIGCONT of the server.")
@click.option("--carrier-stops", default=3, type=click.IntRange(0, 1_000), help="SIGSTOP and SIGCONT of a carrier.")
@click.option("--restarts", default=3, type=click.IntRange(0, 1_000), help="Orderly restarts of the server.")
@click.option("--reloads", default=3, type=click.IntRange(0, 1_000), help="Other configurations by SIGHUP.")
@click.option("--client-drops", default=4, type=click.IntRange(0, 1_000), help="Resets of a connection of the ESME.")
@click.option("--client-cuts", default=2, type=click.IntRange(0, 1_000), help="Its road resets or ends connections.")
@click.option("--client-holes", default=2, type=click.IntRange(0, 100), help="… swallows what a connection sends.")
@click.option("--client-slow", default=2, type=click.IntRange(0, 100), help="… is late, narrow, or cuts into octets.")
@click.option("--client-slow-closes", default=1, type=click.IntRange(0, 100), help="… keeps the end of one back.")
@click.option("--web-cuts", default=2, type=click.IntRange(0, 1_000), help="An application's road, likewise.")
@click.option("--web-holes", default=1, type=click.IntRange(0, 100), help="…")
@click.option("--web-slow", default=1, type=click.IntRange(0, 100), help="…")
@click.option("--carrier-cuts", default=3, type=click.IntRange(0, 1_000), help="A carrier's road, likewise.")
@click.option("--carrier-holes", default=2, type=click.IntRange(0, 100), help="…")
@click.option("--carrier-mutes", default=1, type=click.IntRange(0, 100), help="… lets nobody bind.")
@click.option("--carrier-slow", default=2, type=click.IntRange(0, 100), help="…")
@click.option("--power-losses", default=4, type=click.IntRange(0, 1_000), help="Kills that drop unsynced writes.")
@click.option("--disk-full", default=1, type=click.IntRange(0, 1_000), help="The disk is full for a while.")
@click.option("--disk-low", default=1, type=click.IntRange(0, 1_000), help="… has less room than free_octets_min.")
@click.option("--sync-errors", default=2, type=click.IntRange(0, 1_000), help="… fails every fsync.")
@click.option("--slow-syncs", default=1, type=click.IntRange(0, 1_000), help="… takes 0.1 to 0.5 s a sync.")
@click.option("--stalled-syncs", default=1, type=click.IntRange(0, 1_000), help="… more than accept_deadline.")
@click.option("--clock-jumps", default=2, type=click.IntRange(0, 1_000), help="The server's clock is an hour off.")
@click.option("--share", default=1.0, type=click.FloatRange(0, 100), help="Of all faults that no option names.")
@click.option("--only", is_flag=True, help="No faults but those that are named by options.")
@click.option("--rate", default=1_000.0, type=click.FloatRange(1, 20_000), help="Messages per second.")
@click.option("--window", default=50, type=click.IntRange(1, 1_000), help="Of each bind of the ESME.")
@click.option("--stop-min", default=0.3, type=click.FloatRange(0.1, 60), help="Shortest stop, seconds.")
@click.option("--stop-max", default=2.0, type=click.FloatRange(0.1, 60), help="Longest stop, seconds.")
@click.option("--drain-deadline", default=120.0, type=click.FloatRange(1, 600), help="Seconds, then: unknown.")
@click.option("--tight", is_flag=True, help="Hardly any memory: everything goes through the store.")
@click.option("--seed", type=int, help="Repeats a run's choices (not the machine's timing). Default: the time.")
@click.option("--seed-bug", default="", help="Put a known bug into the server; see tools/chaos/seeded.py.")
@click.option("--failpoints", is_flag=True, help="Instead: die at each point of the server's work; see the table.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report there.")
@click.option("--keep", is_flag=True, help="Keep the folder of the run even when it passes.")
@click.pass_context
def main(
    context: click.Context,
    /,
    share: float,
    only: bool,
    rate: float,
    window: int,
    stop_min: float,
    stop_max: float,
    drain_deadline: float,
    tight: bool,
    seed: int | None,
    seed_bug: str,
    failpoints: bool,
    json_path: Path | None,
    keep: bool,
    **strikes: int,
) -> None:
    """Load a server, kill it and its carriers, and check that no promise was broken."""
    console = Console()
    seed = int(time.time()) if seed is None else seed
    if failpoints:
        sys.exit(EXIT_STATUS[visit_all(console, seed, json_path)])
    named = {key for key in strikes if context.get_parameter_source(key) is ParameterSource.COMMANDLINE}
    counts: dict[str, Any] = {
        FAULTS[key]: number if key in named else math.ceil(share * number)
        for key, number in strikes.items()
        if not only or key in named
    }
    plan = evolve(NO_FAULTS, **counts, stop_s=(min(stop_min, stop_max), stop_max))
    settings = harness.Settings(
        plan,
        Load(rate, window),
        sizes=Sizes(is_tight=tight),
        seed=seed,
        drain_deadline_s=drain_deadline,
        seed_bug=seed_bug,
    )
    folder = Path(tempfile.mkdtemp(prefix="smsagg-chaos-"))
    console.print(f"seed {seed}, in {folder}", highlight=False)
    report, _ = harness.run(settings, folder, lambda line: console.print(line, highlight=False))
    show(report, console)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(as_json(report, attrs.asdict(settings)))
    if report.verdict is Verdict.PASS and not keep:
        shutil.rmtree(folder)
    sys.exit(EXIT_STATUS[report.verdict])


if __name__ == "__main__":
    main()
