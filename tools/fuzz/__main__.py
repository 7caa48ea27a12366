"""``make fuzz``: so many fuzzed PDUs on every core, with progress; what fails is kept as a regression file.

    python -m tools.fuzz [--runs PDUS] [--jobs N] [--engine auto|atheris|blind] [--seed N] [--json FILE] [--keep]

Exit status 1 when something failed. ``--keep`` adds what reached new code to the kept corpus, as little as reaches it
all.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tools.fuzz import corpus
from tools.fuzz.minimize import minimize
from tools.fuzz.seeds import seeds
from tools.fuzz.targets import run
from tools.fuzz.worker import read_corpus, write_corpus

DIRECTORY = Path("var/fuzz")
RUNS = 1_000_000
POLL_S = 0.5


class Worker:
    """A fuzzing process and how far it is."""

    def __init__(self, engine: str, pdus: int, seed: int, directory: Path, inputs: list[bytes]) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        write_corpus(directory, inputs)
        self.directory = directory
        self.log = directory / "log"
        with self.log.open("wb") as log:
            arguments = [sys.executable, "-m", "tools.fuzz.worker", engine, str(pdus), str(seed), str(directory)]
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)

    def counts(self) -> tuple[int, int]:
        """Inputs and PDUs so far."""
        try:
            inputs, pdus = (self.directory / "progress").read_text().split()
        except (FileNotFoundError, ValueError):
            return 0, 0
        return int(inputs), int(pdus)

    def findings(self) -> list[bytes]:
        """Inputs that raised, or that libFuzzer ended for time or memory."""
        return [path.read_bytes() for path in sorted(self.directory.glob("finding*"))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz")
    parser.add_argument("--runs", type=int, default=RUNS, help="PDUs to read in all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--engine", choices=("auto", "atheris", "blind"), default="auto")
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0x7FFFFFFF)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    engine = options.engine
    if engine == "auto":
        engine = "atheris" if find_spec("atheris") else "blind"
    console = Console()
    console.print(f"engine {engine}, seed {options.seed}, {options.runs:,} PDUs, {options.jobs} processes")
    inputs = [*corpus.read_kept(), *corpus.read_findings().values(), *seeds()]
    began = time.monotonic()
    workers = [
        Worker(engine, -(-options.runs // options.jobs), options.seed + n, DIRECTORY / str(n), inputs)
        for n in range(options.jobs)
    ]
    try:
        watch(workers, options.runs, console)
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
    report = summary(workers, engine, options.seed, time.monotonic() - began)
    console.print(
        f"{report['pdus']:,} PDUs in {report['inputs']:,} inputs, {report['seconds']:,.0f} s, "
        f"{len(report['findings'])} findings"
    )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.keep:
        keep(workers, console)
    is_clean = not report["findings"] and not report["failed_processes"] and report["pdus"] >= options.runs
    return 0 if is_clean else 1


def watch(workers: list[Worker], pdus: int, console: Console) -> None:
    """Show how far all are until all have ended, or one has failed."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,} PDUs"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("fuzzing", total=pdus)
        shown_at = 0.0
        while any(worker.process.poll() is None for worker in workers):
            if any(worker.process.returncode for worker in workers):
                return
            time.sleep(POLL_S)
            done = sum(worker.counts()[1] for worker in workers)
            progress.update(task, completed=done)
            if not console.is_terminal and time.monotonic() > shown_at + 30:
                shown_at = time.monotonic()
                console.print(f"{done:,} of {pdus:,} PDUs")


def summary(workers: list[Worker], engine: str, seed: int, seconds: float) -> dict[str, Any]:
    """What ``--json`` writes; findings are put among the regression files on the way."""
    findings: list[str] = []
    failed = 0
    for worker in workers:
        found = worker.findings()
        findings += [str(corpus.add_finding(data)) for data in found]
        if worker.process.returncode not in (0, -signal.SIGKILL):  # those that still ran when one failed were killed
            failed += 1
            sys.stderr.write(worker.log.read_text(errors="replace")[-4_000:])
    inputs, pdus = (sum(counts) for counts in zip(*(worker.counts() for worker in workers), strict=True))
    return {
        "engine": engine,
        "seed": seed,
        "inputs": inputs,
        "pdus": pdus,
        "seconds": round(seconds, 1),
        "findings": findings,
        "failed_processes": failed,
    }


def keep(workers: list[Worker], console: Console) -> None:
    """The kept corpus becomes the fewest inputs that reach what it and all workers reached."""
    found = [data for worker in workers for data in read_corpus(worker.directory)]
    inputs = minimize([*corpus.read_kept(), *found], run)
    corpus.write_kept(inputs)
    console.print(f"{len(inputs):,} of {len(found):,} inputs are kept in {corpus.KEPT}")


if __name__ == "__main__":
    sys.exit(main())
