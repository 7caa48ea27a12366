"""What the commands about the past share: the span they are asked for, the store they read, their progress."""

import csv
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
import orjson
from attrs import define
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from smsagg.carriers.registry import settings_class
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.history import History, Span, open_history
from smsagg.reports.instants import format_instant, parse_instant

Function = TypeVar("Function", bound=Callable[..., Any])

QUIET_S = 0.5
"""Work that takes no longer shows no progress."""
FILE_COLUMNS = 160
"""Width of tables where there is no terminal to ask."""


class Zone(click.ParamType[tzinfo]):
    """A time zone by its name."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        if isinstance(value, tzinfo):
            return value
        if value == "UTC":
            return UTC
        try:
            return ZoneInfo(str(value))
        except (OSError, ValueError, KeyError):
            self.fail(f'"{value}" is no time zone, such as "UTC" or "Europe/London"', param, ctx)


def span_options(function: Function) -> Function:
    """``--since``, ``--until``, ``--zone`` and ``--account``."""
    for option in (
        click.option("--account", default="", help="Of this account only."),
        click.option("--zone", type=Zone(), default=UTC, help="Time zone of dates, days and hours; default: UTC."),
        click.option("--until", default="now", show_default=True, help="The same; messages accepted before."),
        click.option("--since", default="24h", show_default=True, help="24h (ago), a date, a time, today, yesterday."),
    ):
        function = option(function)
    return function


@define(frozen=True)
class Asked:
    """What of the past a command is about."""

    config: Config
    history: History
    span: Span
    zone: tzinfo
    account: str

    @property
    def words(self) -> str:
        """The span, for people."""
        since, until = (format_instant(at, self.zone)[:16].replace("T", " ") for at in self.span[:2])
        return f"{since} to {until} {self.zone}" + (f", account {self.account}" if self.account else "")


@contextmanager
def asked_past(config_path: Path, since: str, until: str, zone: tzinfo, account: str) -> Iterator[Asked]:
    """The store of the configuration, open for reading."""
    config = load_config(config_path, settings_class)
    begin, end = instants(since, until, zone)
    if account and account not in config.accounts:
        click.echo(f"{config_path} has no account {account} now; looking for it in the past", err=True)
    with open_history(config.store.path, config.store.encryption) as history:
        yield Asked(config, history, history.span(begin, end), zone, account)


def instants(since: str, until: str, zone: tzinfo) -> tuple[int, int]:
    """UTC milliseconds of both; a wrong one, or an end before its beginning, is an error of usage."""
    now = time.time_ns() // 1_000_000
    found = []
    for name, text in (("--since", since), ("--until", until)):
        try:
            found.append(parse_instant(text, now, zone))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=name) from error
    if found[0] > found[1]:
        raise click.BadParameter(f"{format_instant(found[0], zone)} is after --until", param_hint="--since")
    return found[0], found[1]


@contextmanager
def progress(title: str) -> Iterator[Callable[[float], None]]:
    """Shows on standard error, if that is a terminal and it takes a while, which share of the work is done."""
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task("", total=1.0)
    began = time.monotonic()

    def advance(share: float) -> None:
        if not bar.live.is_started and time.monotonic() - began > QUIET_S:
            bar.start()
        bar.update(task, completed=share)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()


def plain_table(title: str, labels: Sequence[str], heads: Sequence[str]) -> Table:
    """A table of numbers: its first columns are words, the others stand to the right."""
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for label in labels:
        table.add_column(label, overflow="fold", min_width=len(label))
    for head in heads:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    return table


def write_rows(format: str, rows: Sequence[Mapping[str, Any]], rest: Mapping[str, Any]) -> None:
    """Rows on standard output: as CSV, or as JSON with the ``rest``."""
    if format == "json":
        click.echo(orjson.dumps({"rows": rows, **rest}, option=orjson.OPT_INDENT_2))
        return
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for a file."""
    return Console(width=None if sys.stdout.isatty() else FILE_COLUMNS, highlight=False)
