"""``smsagg savings``: past traffic priced on other rate cards, routes or policies."""

from datetime import tzinfo
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from smsagg.cli.asking import config_option
from smsagg.cli.drafting import CardFile, what_if_of
from smsagg.cli.past import asked_past, console, plain_table, progress, span_options, write_rows
from smsagg.cli.whole import print_whole
from smsagg.config.amounts import format_micros
from smsagg.config.schema import POLICIES
from smsagg.history.past_messages import past_messages
from smsagg.reports import words
from smsagg.reports.savings import Savings, SavingsRow


@click.command()
@config_option
@span_options
@click.option(
    "--cards", type=CardFile(), multiple=True, help="CARRIER=FILE.csv, or a folder of CARRIER.csv; repeatable."
)
@click.option("--routes", type=click.Path(path_type=Path, dir_okay=False), help="Other routing rules.")
@click.option("--policy", type=click.Choice(POLICIES), default=None, help="Instead of every pool's own.")
@click.option("--format", "format_", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def savings(
    config_path: Path,
    since: str,
    until: str,
    zone: tzinfo,
    account: str,
    cards: tuple[tuple[str, Path], ...],
    routes: Path | None,
    policy: str | None,
    format_: str,
) -> None:
    """Price past traffic on other rate cards, routes or policies.

    With rate cards alone messages stay with their carriers, and a card of a carrier that the configuration has not
    counts with --policy: it is then one of every pool's. See docs/reports.md for what is assumed.
    """
    if not (cards or routes or policy):
        raise click.UsageError("Nothing to compare with: give --cards, --routes or --policy.")
    with asked_past(config_path, since, until, zone, account) as asked:
        counted = Savings(what_if_of(asked, routes=routes, cards=cards, policy=policy or ""))
        with progress("Pricing") as advance:
            for messages in past_messages(asked.history, asked.span, asked.account, advance):
                counted.add(messages)
    currency = str(asked.config.money.currency)
    if format_ == "table":
        print_whole(console(), _table(counted, asked.words, currency))
        return
    rows = [
        {"country": country, "carrier": carrier, **_figures(row)} for (country, carrier), row in counted.sorted_rows()
    ]
    write_rows(format_, rows, {"currency": currency, "total": _figures(counted.total)})


def _figures(row: SavingsRow) -> dict[str, Any]:
    return {
        "volume_now": row.volume_now,
        "volume_then": row.volume_then,
        "cost_now": format_micros(row.cost_now),
        "cost_then": format_micros(row.cost_then),
        "difference": format_micros(row.difference),
        "unpriced": row.unpriced,
        "blocked": row.blocked,
    }


def _table(counted: Savings, span: str, currency: str) -> Table:
    total = counted.total
    heads = ["volume now", "then", f"cost now {currency}", "then", "difference", "%"]
    heads += ["no price"] * bool(total.unpriced) + ["blocked"] * bool(total.blocked)
    table = plain_table(f"Savings, {span}", ("country", "carrier"), heads)
    for (country, carrier), row in counted.sorted_rows():
        labels = words.value_of("country", country), words.value_of("carrier", carrier)
        table.add_row(*labels, *_cells(row, total))
    table.add_section()
    table.add_row("total", "", *_cells(total, total), style="bold")
    return table


def _cells(row: SavingsRow, total: SavingsRow) -> list[str]:
    cells = [
        words.count(row.volume_now),
        words.count(row.volume_then),
        words.money(row.cost_now),
        words.money(row.cost_then),
        words.money(row.difference),
        words.percentage(row.difference / row.cost_now if row.cost_now else None),
    ]
    cells += [words.count(row.unpriced)] * bool(total.unpriced)
    return cells + [words.count(row.blocked)] * bool(total.blocked)
