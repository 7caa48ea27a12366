"""``smsagg abuse``: what the checks of a running server found suspicious, and what they block."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.instants import instant
from smsagg.cli.past import plain_table


@click.group()
def abuse() -> None:
    """Look at alarms and blocked prefixes, and clear them. See docs/abuse.md."""


@abuse.command()
@click.option("--account", default="", help="Of this account only.")
@config_option
@socket_option
@json_option
def status(account: str, config_path: Path, socket: str, as_json: bool) -> None:
    """Show open alarms, blocked prefixes, frozen accounts and what is remembered."""
    records = ask_server(config_path, socket, {"command": "abuse", "do": "status", "account": account})
    if as_json:
        for record in records:
            click.echo(json.dumps(record))
        return
    by_kind: dict[str, list[dict[str, Any]]] = {"alarm": [], "prefix": [], "account": []}
    for record in records:
        by_kind[record["is"]].append(record)
    console = Console()
    if by_kind["alarm"]:
        console.print(_alarms(by_kind["alarm"]))
    if by_kind["prefix"]:
        console.print(_prefixes(by_kind["prefix"]))
    if by_kind["account"]:
        console.print(_accounts(by_kind["account"]))
    console.print(f"alarms: {len(by_kind['alarm'])}; prefixes blocked or throttled: {len(by_kind['prefix'])}")


@abuse.command()
@click.option("--account", default="", help="Of this account only.")
@click.option("--prefix", default="", help="This prefix only; alarms stay.")
@config_option
@socket_option
def clear(account: str, prefix: str, config_path: Path, socket: str) -> None:
    """Let blocked prefixes go on, and forget the alarms."""
    request = {"command": "abuse", "do": "clear", "account": account, "prefix": prefix}
    (answer,) = ask_server(config_path, socket, request)
    click.echo(f"let go on: {answer['prefixes']}")


def _alarms(records: list[dict[str, Any]]) -> Table:
    table = plain_table("Alarms", ("alarm", "account", "about", "action", "times", "first and last (UTC)"), ())
    for record in records:
        about = f"{record['subject']}: {record['detail']}" if record["detail"] else record["subject"]
        first, last = instant(record["first_at"]), instant(record["last_at"])
        times = first if first == last else f"{first}\n{last}"
        count = f"{record['count']:,}"
        table.add_row(record["kind"], record["account"], escape(about), record["action"], count, times)
    return table


def _prefixes(records: list[dict[str, Any]]) -> Table:
    table = plain_table("Prefixes", ("account", "prefix", "for", "action", "since and until (UTC)"), ())
    for record in records:
        span = f"{instant(record['since'])}\n{instant(record['until'])}"
        table.add_row(record["account"], record["prefix"], record["kind"], record["action"], span)
    return table


def _accounts(records: list[dict[str, Any]]) -> Table:
    table = plain_table("Accounts", ("account", "frozen", "this hour", "usual", "remembered"), ())
    for record in records:
        usage = record.get("usage", {})
        remembered = ", ".join(f"{name}: {count:,}" for name, count in record["remembered"].items())
        numbers = (str(usage.get("this_hour", "")), str(usage.get("usual", "")))
        table.add_row(record["account"], "yes" if record["frozen"] else "", *numbers, remembered)
    return table
