"""``smsagg account``: freezing an account of a running server, and letting it go on."""

import json
from pathlib import Path

import click

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.instants import instant


@click.group()
def account() -> None:
    """Freeze accounts whose credentials may be stolen, and let them go on. See docs/abuse.md."""


@account.command()
@click.argument("name")
@config_option
@socket_option
@click.option("--reason", default="", help="For whoever looks at it later.")
def freeze(name: str, config_path: Path, socket: str, reason: str) -> None:
    """Take nothing more from NAME, and hold what waits, also after a restart. Receipts still go out."""
    request = {"command": "account", "do": "freeze", "account": name, "reason": reason}
    (answer,) = ask_server(config_path, socket, request)
    click.echo(f"{name} is frozen" if answer["changed"] else f"{name} was frozen already")


@account.command()
@click.argument("name")
@config_option
@socket_option
def unfreeze(name: str, config_path: Path, socket: str) -> None:
    """Let NAME, and what was held of it, go on."""
    (answer,) = ask_server(config_path, socket, {"command": "account", "do": "unfreeze", "account": name})
    click.echo(f"{name} goes on" if answer["changed"] else f"{name} is not frozen")


@account.command("frozen")
@config_option
@socket_option
@json_option
def list_frozen(config_path: Path, socket: str, as_json: bool) -> None:
    """List the accounts that are frozen, since when and why."""
    records = ask_server(config_path, socket, {"command": "account", "do": "list"})
    for record in records:
        reason = f": {record['reason']}" if record["reason"] else ""
        line = f"{record['account']}: since {instant(record['since'])} UTC by {record['by']}{reason}"
        click.echo(json.dumps(record) if as_json else line)
    if not records and not as_json:
        click.echo("no account is frozen")
