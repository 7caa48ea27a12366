"""``python -m tools.sim``: runs seeds and judges each. Exit status 0 when all pass, 1 when one fails."""

import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs
import click
from rich.console import Console
from rich.table import Table

from tools.chaos.checker import Counts, Verdict
from tools.sim.run import Result, run_seed
from tools.sim.seeded import BUGS, seeded
from tools.sim.trace import line

SHOWN_MAX = 5
"""Violations of a run that are told with their whole story."""
STORY_LINES_MAX = 400


@attrs.define(frozen=True)
class Summary:
    """What is kept of a run among thousands."""

    seed: int
    verdict: str
    counts: Counts
    deaths: int
    virtual_s: float
    steps: int
    digest: str
    invariants: tuple[str, ...]
    text: str
    """The one line, and when it failed all that is known."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--seed", type=int, help="Run this seed alone.")
@click.option("--seeds", default=1_000, type=click.IntRange(1), help="Run so many seeds.")
@click.option("--first", default=0, type=int, help="The first of them.")
@click.option("--jobs", default=1, type=click.IntRange(1, 256), help="Processes.")
@click.option("--verbose", is_flag=True, help="Print every event of the run.")
@click.option("--bug", default="", type=click.Choice(["", *BUGS]), help="Put a known bug into the gateway.")
@click.option("--until-failure", is_flag=True, help="Stop at the first failure.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures there.")
def main(
    seed: int | None,
    seeds: int,
    first: int,
    jobs: int,
    verbose: bool,
    bug: str,
    until_failure: bool,
    json_path: Path | None,
) -> None:
    """Run the whole gateway in simulated worlds, one a seed, and check that no promise was broken in any."""
    console = Console(highlight=False, soft_wrap=True)
    numbers = [seed] if seed is not None else list(range(first, first + seeds))
    began_at = time.perf_counter()
    summaries: list[Summary] = []
    for summary in _run_all(numbers, jobs, partial(_summarise, verbose=verbose, bug=bug)):
        summaries.append(summary)
        if summary.verdict != Verdict.PASS.value or seed is not None:
            console.print(summary.text, markup=False)
        if until_failure and summary.verdict != Verdict.PASS.value:
            break
    real_s = time.perf_counter() - began_at
    if seed is None:
        _show(console, summaries, real_s)
    failed = [summary for summary in summaries if summary.verdict != Verdict.PASS.value]
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(_document(summaries, real_s, bug), indent=2))
    sys.exit(1 if failed else 0)


def _run_all(numbers: list[int], jobs: int, run: "partial[Summary]") -> Iterator[Summary]:
    """In the order of the seeds, whatever process ran them."""
    if jobs == 1:
        yield from map(run, numbers)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap(run, numbers, chunksize=8)


def _summarise(seed: int, verbose: bool, bug: str) -> Summary:
    with seeded(bug):
        result = run_seed(seed)
    return Summary(
        seed,
        result.verdict.value,
        result.counts,
        result.deaths,
        result.virtual_s,
        result.steps,
        result.digest,
        tuple(sorted({violation.invariant for violation in result.violations})),
        "\n".join(_text(result, verbose)),
    )


def _text(result: Result, verbose: bool) -> Iterator[str]:
    if verbose:
        yield from map(line, result.world.trace.events)
    yield result.line()
    for number, (violation, story) in enumerate(result.stories()):
        yield f"  {violation.invariant}: {violation.subject}: {violation.text}"
        if number < SHOWN_MAX and not verbose:
            yield from story[-STORY_LINES_MAX:]
    if result.verdict is not Verdict.PASS:
        yield f"  again: python -m tools.sim --seed {result.seed} --verbose"


def _show(console: Console, summaries: list[Summary], real_s: float) -> None:
    table = Table(title="simulated worlds", show_header=False)
    for name, value in _figures(summaries, real_s).items():
        table.add_row(name.replace("_", " "), f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")
    console.print(table)
    broken = Counter(invariant for summary in summaries for invariant in summary.invariants)
    for invariant, number in broken.most_common():
        console.print(f"{invariant}: broken in {number} worlds")
    failed = [summary.seed for summary in summaries if summary.verdict != Verdict.PASS.value]
    console.print(f"verdict: {'fail' if failed else 'pass'}" + (f", seeds {failed[:20]}" if failed else ""))


def _figures(summaries: list[Summary], real_s: float) -> dict[str, float | int]:
    def total(name: str) -> int:
        return sum(getattr(summary.counts, name) for summary in summaries)

    virtual_s = sum(summary.virtual_s for summary in summaries)
    return {
        "worlds": len(summaries),
        "failed": sum(summary.verdict != Verdict.PASS.value for summary in summaries),
        "submitted": total("attempt"),
        "acknowledged": total("acknowledged"),
        "refused": total("refused"),
        "unanswered_and_present": total("recovered"),
        "unanswered_and_absent": total("absent"),
        "copies": total("duplicated"),
        "expired": total("expired"),
        "orphan_receipts": total("orphan_receipts"),
        "deaths_of_the_gateway": sum(summary.deaths for summary in summaries),
        "steps": sum(summary.steps for summary in summaries),
        "virtual_seconds": virtual_s,
        "seconds": real_s,
        "worlds_per_second": len(summaries) / real_s,
    }


def _document(summaries: list[Summary], real_s: float, bug: str) -> dict[str, object]:
    return {
        "bug": bug,
        **_figures(summaries, real_s),
        "failures": [
            {"seed": summary.seed, "invariants": summary.invariants, "trace": summary.digest}
            for summary in summaries
            if summary.verdict != Verdict.PASS.value
        ],
    }


if __name__ == "__main__":
    main()
