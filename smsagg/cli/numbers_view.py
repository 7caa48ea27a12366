"""Numbers, pools, allocations and conversations on a terminal."""

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from smsagg.cli.instants import instant
from smsagg.cli.whole import print_whole
from smsagg.config.units import format_duration

Record = dict[str, Any]
WIDTH_IN_FILES = 250
"""Columns of text where no terminal says how many there are."""
Column = tuple[str, Callable[[Record], str]]


def duration(milliseconds: int) -> str:
    return format_duration(milliseconds / 1000)


def _until(record: Record) -> str:
    until = record["leased_until"] or record["quarantine_until"]
    return instant(until) if until else ""


NUMBERS: list[Column] = [
    ("number", lambda r: r["name"]),
    ("type", lambda r: r["type"]),
    ("country", lambda r: r["country"]),
    ("provider", lambda r: r["provider"]),
    ("pool", lambda r: r["pool"]),
    ("status", lambda r: r["status"]),
    ("accounts", lambda r: ", ".join(r["accounts"]) + (" (shared)" if r["assignment"] == "shared" else "")),
    ("until (UTC)", _until),
    ("monthly", lambda r: "" if r["monthly_cost"] == "0.00" else f"{r['monthly_cost']} {r['currency']}".strip()),
    ("tags", lambda r: " ".join(r["tags"])),
]
POOLS: list[Column] = [
    ("pool", lambda r: r["name"]),
    ("country", lambda r: r["country"]),
    ("purpose", lambda r: r["purpose"]),
    ("types", lambda r: " ".join(r["types"])),
    ("rotation", lambda r: r["rotation"]),
    ("limit", lambda r: f"{r['limit']} in {duration(r['period'])}" if r["limit"] else ""),
    ("numbers", lambda r: f"{r['numbers']:,}"),
    ("available", lambda r: f"{r['available']:,}"),
    ("low mark", lambda r: f"{r['low_mark']:,}" if r["low_mark"] else ""),
    ("quarantine", lambda r: "" if r["quarantine"] is None else duration(r["quarantine"])),
    ("fallback", lambda r: " ".join(r["fallback"])),
]
ALLOCATIONS: list[Column] = [
    ("allocation", lambda r: r["name"]),
    ("pool", lambda r: r["pool"]),
    ("account", lambda r: r["account"]),
    ("numbers", lambda r: f"{r['numbers']:,}"),
    ("has", lambda r: f"{r['has']:,}"),
    ("from (UTC)", lambda r: instant(r["begins_at"])),
    ("until (UTC)", lambda r: instant(r["ends_at"])),
]
CONVERSATIONS: list[Column] = [
    ("recipient", lambda r: r["recipient"]),
    ("account", lambda r: r["account"]),
    ("number", lambda r: r["number"]),
    ("last (UTC)", lambda r: instant(r["at"])),
    ("messages", lambda r: f"{r['count']} until {instant(r['until'])}" if r["until"] > r["at"] else ""),
]


def show(records: Iterable[Record], columns: list[Column], as_json: bool) -> None:
    """A table of the columns that say something, or a line of JSON for each."""
    if as_json:
        for record in records:
            click.echo(json.dumps(record))
        return
    rows = [[text(record) for _, text in columns] for record in records]
    shown = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    table = Table(*(columns[place][0] for place in shown), box=SIMPLE_HEAD, show_edge=False)
    for row in rows:
        table.add_row(*(escape(row[place]) for place in shown))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_FILES)
    if rows:
        print_whole(console, table)
    console.print(f"{len(rows):,} found", highlight=False)


def conversations_of(records: Iterable[Record]) -> list[Record]:
    """A row for each number that a recipient was written to from."""
    return [{"recipient": record["recipient"], **use} for record in records for use in record["uses"]]
