"""``smsagg replay``: past traffic against a draft of the routes, or of the whole configuration."""

from datetime import tzinfo
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from smsagg.cli.asking import config_option
from smsagg.cli.drafting import what_if_of
from smsagg.cli.past import asked_past, console, plain_table, progress, span_options, write_rows
from smsagg.cli.whole import print_whole
from smsagg.config.amounts import format_micros
from smsagg.history.past_messages import past_messages
from smsagg.reports import words
from smsagg.reports.replay import Move, Replay, ReplayRow

MOVES_SHOWN = 40


@click.command()
@config_option
@span_options
@click.option("--routes", type=click.Path(path_type=Path, dir_okay=False), help="The draft of the routing rules.")
@click.option("--draft", type=click.Path(path_type=Path, dir_okay=False), help="A draft of the whole configuration.")
@click.option("--format", "format_", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def replay(
    config_path: Path,
    since: str,
    until: str,
    zone: tzinfo,
    account: str,
    routes: Path | None,
    draft: Path | None,
    format_: str,
) -> None:
    """Run past traffic against a draft, and tell what would change by country.

    --config is the server's own file, whose store is read; nothing is sent or changed. See docs/reports.md for what is
    assumed.
    """
    if not (routes or draft):
        raise click.UsageError("Nothing to try: give --routes or --draft.")
    with asked_past(config_path, since, until, zone, account) as asked:
        counted = Replay(what_if_of(asked, draft, routes))
        with progress("Replaying") as advance:
            for messages in past_messages(asked.history, asked.span, asked.account, advance):
                counted.add(messages)
    currency = str(asked.config.money.currency)
    if format_ == "table":
        out = console()
        print_whole(out, _countries(counted, asked.words, currency))
        if counted.moves:
            print_whole(out, _moves(counted))
        return
    rows = [{"country": country, **_figures(row)} for country, row in counted.sorted_rows()]
    moves = [_move_document(move, count) for move, count in counted.sorted_moves()]
    write_rows(format_, rows, {"currency": currency, "moves": moves, "total": _figures(counted.total)})


def _figures(row: ReplayRow) -> dict[str, Any]:
    return {
        "volume": row.volume,
        "moved": row.moved,
        "blocked": row.blocked,
        "cost_now": format_micros(row.cost_now),
        "cost_then": format_micros(row.cost_then),
        "margin_now": format_micros(row.margin_now),
        "margin_then": format_micros(row.margin_then),
        "delivery_rate_now": None if row.rate_now is None else round(row.rate_now, 6),
        "delivery_rate_then": None if row.rate_then is None else round(row.rate_then, 6),
        "unpriced": row.unpriced,
    }


def _move_document(move: Move, count: int) -> dict[str, Any]:
    country, (pool, rule), (then_pool, then_rule) = move
    then: dict[str, Any] = {"pool": then_pool, "rule": then_rule} if then_pool else {"blocked": then_rule}
    return {"country": country, "volume": count, "now": {"pool": pool, "rule": rule}, "then": then}


def _countries(counted: Replay, span: str, currency: str) -> Table:
    total = counted.total
    heads = ["volume", "moved", "blocked", f"cost now {currency}", "then", "margin now", "then", "rate now", "expected"]
    heads += ["no price"] * bool(total.unpriced)
    table = plain_table(f"Replay of {span}", ("country",), heads)
    for country, row in counted.sorted_rows():
        table.add_row(words.value_of("country", country), *_cells(row, total))
    table.add_section()
    table.add_row("total", *_cells(total, total), style="bold")
    return table


def _cells(row: ReplayRow, total: ReplayRow) -> list[str]:
    cells = [
        words.count(row.volume),
        words.count(row.moved),
        words.count(row.blocked),
        words.money(row.cost_now),
        words.money(row.cost_then),
        words.money(row.margin_now),
        words.money(row.margin_then),
        words.percentage(row.rate_now),
        words.percentage(row.rate_then),
    ]
    return cells + [words.count(row.unpriced)] * bool(total.unpriced)


def _moves(counted: Replay) -> Table:
    table = plain_table("What moves", ("country", "now", "then"), ["volume"])
    moves = counted.sorted_moves()
    for (country, now, then), count in moves[:MOVES_SHOWN]:
        table.add_row(words.value_of("country", country), _place(*now), _place(*then), words.count(count))
    if len(moves) > MOVES_SHOWN:
        table.add_row(f"… {len(moves) - MOVES_SHOWN:,} more", "", "", "")
    return table


def _place(pool: str, rule: str) -> str:
    if not pool:
        return escape(f"blocked ({rule})")
    return escape(f"{pool} ({rule})") if rule else f"{pool} (by country)"
