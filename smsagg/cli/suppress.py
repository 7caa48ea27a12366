"""``smsagg suppress``: numbers that get nothing, of one account or of all."""

import json
from pathlib import Path
from typing import IO, Any

import click

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.instants import instant
from smsagg.errors import ControlError

account_option = click.option("--account", default="", help="The list of this account; default: the operator's.")
numbers_argument = click.argument("numbers", nargs=-1, required=True)


@click.group()
def suppress() -> None:
    """Keep the lists of numbers that get nothing. What is changed is in force when the command returns.

    Without --account it is the operator's list, which holds for all accounts. See docs/consent.md."""


@suppress.command()
@numbers_argument
@account_option
@click.option("--sender", default="", help="Nothing from this sender; default: nothing at all.")
@click.option("--evidence", default="", help="Why, for whoever looks it up.")
@config_option
@socket_option
def add(numbers: tuple[str, ...], account: str, sender: str, evidence: str, config_path: Path, socket: str) -> None:
    """Suppress numbers."""
    request = {"do": "add", "numbers": numbers, "account": account, "sender": sender, "evidence": evidence}
    (answer,) = ask_server(config_path, socket, {"command": "suppress", **request})
    click.echo(f"suppressed: {answer['changed']} that were not before")


@suppress.command()
@numbers_argument
@account_option
@click.option("--sender", default="", help="The record of this sender; default: that of all.")
@config_option
@socket_option
def remove(numbers: tuple[str, ...], account: str, sender: str, config_path: Path, socket: str) -> None:
    """Let numbers have messages again."""
    request = {"do": "remove", "numbers": numbers, "account": account, "sender": sender}
    (answer,) = ask_server(config_path, socket, {"command": "suppress", **request})
    click.echo(f"removed: {answer['changed']}")


@suppress.command()
@numbers_argument
@account_option
@config_option
@socket_option
@json_option
def find(numbers: tuple[str, ...], account: str, config_path: Path, socket: str, as_json: bool) -> None:
    """Say whether, when and why numbers are suppressed."""
    request = {"command": "suppress", "do": "find", "numbers": numbers, "account": account}
    for record in ask_server(config_path, socket, request):
        if as_json:
            click.echo(json.dumps(record))
        else:
            sender = f" from {record['sender']}" if record["sender"] else ""
            why = f": {record['evidence']}" if record["evidence"] else ""
            click.echo(f"{record['number']}{sender} since {instant(record['at'])} by {record['how']}{why}")


@suppress.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@account_option
@config_option
@socket_option
def import_(file: Path, account: str, config_path: Path, socket: str) -> None:
    """Suppress the numbers of a CSV file with a column "number"."""
    request = {"command": "suppress", "do": "import", "file": file.name, "account": account}
    last: dict[str, Any] = {}

    def told(record: dict[str, Any]) -> None:
        if "problem" in record:
            click.echo(record["problem"], err=True)
        else:
            last.update(record)
            if not record.get("done"):
                click.echo(f"{record['read']:,} rows", err=True)

    ask_server(config_path, socket, request, body=file.read_bytes(), told=told)
    if not last.get("done"):
        raise ControlError("the server ended before the list did; what was taken in stays, and may come again")
    click.echo(f"{last['read']:,} rows, {last['changed']:,} new, {last['wrong']:,} wrong")
    if last["wrong"]:
        raise SystemExit(1)


@suppress.command()
@account_option
@click.option(
    "--output", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file; default: here."
)
@config_option
@socket_option
def export(account: str, output: IO[str], config_path: Path, socket: str) -> None:
    """Write the list as CSV."""
    request = {"command": "suppress", "do": "export", "account": account}
    ask_server(config_path, socket, request, told=lambda record: output.write(record["csv"]))
