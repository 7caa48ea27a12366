"""``smsagg report``: what past traffic adds up to, by country, carrier, account and whatever else tells it apart."""

from datetime import tzinfo
from pathlib import Path

import click
import orjson

from smsagg.cli.asking import config_option
from smsagg.cli.past import Asked, asked_past, console, progress, span_options, write_rows
from smsagg.cli.report_view import causes_table, fates_tables, money_table
from smsagg.cli.whole import print_whole
from smsagg.history.traffic import traffic_of
from smsagg.reports import chart
from smsagg.reports.documents import document, flat_rows
from smsagg.reports.instants import format_instant
from smsagg.reports.report import Report
from smsagg.reports.traffic import DIMENSIONS

ROWS_SHOWN = 60
"""Groups of a table; CSV and JSON have all."""


class Dimensions(click.ParamType[tuple[str, ...]]):
    """Names of dimensions, separated by commas."""

    name = "dimensions"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        for name in names:
            if name not in DIMENSIONS:
                self.fail(f'"{name}" is none of {", ".join(DIMENSIONS)}', param, ctx)
            if names.count(name) > 1:
                self.fail(f'"{name}" is named twice', param, ctx)
        return names


@click.command()
@config_option
@span_options
@click.option("--by", type=Dimensions(), default="country", show_default=True, help=f"Any of {', '.join(DIMENSIONS)}.")
@click.option("--format", "format_", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--sandbox", is_flag=True, help="Count the messages of sandbox accounts instead.")
@click.option("--chart", "chart_path", type=click.Path(path_type=Path, dir_okay=False), help="Draw it as an SVG, too.")
def report(
    config_path: Path,
    since: str,
    until: str,
    zone: tzinfo,
    account: str,
    by: tuple[str, ...],
    format_: str,
    sandbox: bool,
    chart_path: Path | None,
) -> None:
    """Count past traffic: how much, what became of it, how soon, what it cost and brought.

    Messages are those accepted in the span, live ones included. Reads the store's file, whether the server runs or not.
    See docs/reports.md.
    """
    with asked_past(config_path, since, until, zone, account) as asked:
        counted = count(asked, by, is_sandbox=sandbox)
    currency = str(asked.config.money.currency)
    if format_ == "json":
        begin, end = (format_instant(at, zone) for at in asked.span[:2])
        click.echo(orjson.dumps(document(counted, currency, begin, end), option=orjson.OPT_INDENT_2))
    elif format_ == "csv":
        write_rows(format_, list(flat_rows(counted)), {})
    else:
        out = console()
        total = counted.total
        print_whole(out, *fates_tables(counted, asked.words, ROWS_SHOWN))
        if total.cost or total.revenue:
            print_whole(out, money_table(counted, currency, ROWS_SHOWN))
        if total.causes:
            out.print(causes_table(total))
    if chart_path is not None:
        chart_path.write_text(chart.drawing(counted, f"Messages from {asked.words}"), encoding="utf-8")


def count(asked: Asked, by: tuple[str, ...], *, is_sandbox: bool = False) -> Report:
    """Read the span and count it: what was really sent, or what sandboxes simulated."""
    counted = Report(by, asked.zone)
    with progress("Reading") as advance:
        for records in traffic_of(asked.history, asked.span, asked.account, advance, is_sandbox=is_sandbox):
            counted.add(records)
    return counted
