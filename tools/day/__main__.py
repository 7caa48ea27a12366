"""``python -m tools.day``: the same day under each way of choosing, judged against what was possible."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import attrs
import click
import orjson
from rich.console import Console
from rich.table import Table

from tools.day.goals import failed_goals, goals_of
from tools.day.optimum import least_cost
from tools.day.outcome import Figures
from tools.day.picture import drawing
from tools.day.scenario import traffic
from tools.day.ways import figures_under, ways


@click.command()
@click.option("--messages", default=12_000, show_default=True, help="Submits of the day.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="Days that pass side by side.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw who carried what here (SVG).")
def main(messages: int, seed: int, jobs: int, json_path: Path | None, picture: Path | None) -> None:
    """Let one day pass under each way of choosing; exit with 1 when a goal is missed."""
    console = Console()
    submits = traffic(seed, messages)
    names = list(ways(submits))
    figures: list[Figures] = []
    with ProcessPoolExecutor(jobs) as pool, console.status("") as status:
        runs = {name: pool.submit(figures_under, name, messages, seed) for name in names}
        for name, run in runs.items():
            status.update(f"{len(figures)} of {len(names)} days have passed; waiting for {name}")
            figures.append(run.result())
    optimum = least_cost(submits)
    console.print(_table(figures, optimum))
    for goal in goals_of(figures, optimum):
        console.print(f"{'met   ' if goal.is_met else 'MISSED'}  {goal.text}", highlight=False)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_bytes(orjson.dumps([attrs.asdict(one) for one in figures], option=orjson.OPT_INDENT_2))
    if picture is not None:
        picture.write_text(drawing({one.way: one.shares for one in figures}), encoding="utf-8")
    sys.exit(bool(failed_goals(figures, optimum)))


def _table(figures: list[Figures], optimum: float) -> Table:
    table = Table(title=f"The day; nothing sends it all for less than {optimum:,.2f}", title_justify="left")
    for column in (
        "way", "delivered", "told", "cost", "÷ least", "per 1,000 delivered", "p50", "p99", "lost to bad", "outage",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "way" else "right")
    for one in figures:
        table.add_row(
            one.way,
            f"{one.delivered:.2%}",
            f"{one.told:.2%}",
            f"{one.cost:,.2f}",
            f"{one.cost / optimum:.3f}",
            f"{one.cost_of_delivered * 1000:.2f}",
            f"{one.p50_s:.1f} s",
            f"{one.p99_s:.1f} s",
            f"{one.lost_to_bad:.2%}",
            f"{one.outage_wait_s:.1f} s",
        )
    return table


if __name__ == "__main__":
    main()
