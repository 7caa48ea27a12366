"""``smsagg export``: records of messages that are over (CDR), as CSV or Parquet."""

from datetime import tzinfo
from pathlib import Path

import click

from smsagg.cli.asking import config_option
from smsagg.cli.past import asked_past, progress, span_options
from smsagg.history.cdr import COLUMNS, Selection, chosen, masking
from smsagg.history.cdr_files import FORMATS
from smsagg.history.export import Wanted, export_new, export_span


@click.command()
@config_option
@span_options
@click.option("--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file.")
@click.option("--columns", default="", help="Names of columns, separated by commas; default: all.")
@click.option("--bodies", is_flag=True, help="Texts, too.")
@click.option("--masked", is_flag=True, help="Recipients' numbers with their first digits only.")
@click.option(
    "--follow-state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only what has ended since the last run with this file, which is made by the first one.",
)
@click.option("--list-columns", is_flag=True, help="Say what columns there are, and nothing else.")
def export(
    config_path: Path,
    since: str,
    until: str,
    zone: tzinfo,
    account: str,
    format_: str,
    output: Path | None,
    columns: str,
    bodies: bool,
    masked: bool,
    follow_state: Path | None,
    list_columns: bool,
) -> None:
    """Export records of messages that are over.

    Without --follow-state: of those accepted in the span. With it: of all that have ended since the last run, each
    exactly once; the first run begins with those accepted since --since, and --until is not heeded. The file appears
    under its name when it is complete, readable by its owner only. See docs/reports.md.
    """
    if list_columns:
        for column in COLUMNS:
            click.echo(f"{column.name:<20} {column.kind:<8} {column.meaning}")
        return
    if output is None:
        raise click.UsageError("Missing option '-o' / '--output'.")
    names = [name.strip() for name in columns.split(",") if name.strip()]
    try:
        found = chosen(names, bodies=bodies)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--columns") from error
    selection = Selection(masking(found) if masked else found)
    with asked_past(config_path, since, until, zone, account) as asked, progress("Exporting") as advance:
        history, span = asked.history, asked.span
        if follow_state is None:
            first, rows = span.first_seq, max(span.last_seq - span.first_seq + 1, 1)
            wanted = Wanted(selection, format_, account)
            count = export_span(history, span, wanted, output, lambda seq: advance((seq - first + 1) / rows))
        else:
            wanted = Wanted(selection, format_, account)
            last = max(history.last_seq(), 1)
            count = export_new(history, wanted, output, follow_state, span, lambda seq: advance(seq / last))
    click.echo(f"{count:,} records in {output}", err=True)
