"""``smsagg held``: messages of a running server that rules on content hold."""

import json
from pathlib import Path
from typing import Any

import click

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.instants import instant
from smsagg.cli.printable import printable
from smsagg.errors import ControlError

_account = click.option("--account", default="", help="Of this account only.")
_rule = click.option("--rule", default="", help="Held by this rule only.")
_all = click.option("--all", "are_all", is_flag=True, help="All there are.")


@click.group()
def held() -> None:
    """Look at messages that wait for an operator, and release or reject them. See docs/abuse.md."""


@held.command("list")
@_account
@_rule
@config_option
@socket_option
@json_option
def list_held(account: str, rule: str, config_path: Path, socket: str, as_json: bool) -> None:
    """List held messages, the oldest first."""
    request = {"command": "held", "do": "list", "account": account, "rule": rule}
    records = ask_server(config_path, socket, request)
    if as_json:
        for record in records:
            click.echo(json.dumps(record))
        return
    for record in records:
        click.echo(_told(record))
    click.echo(f"{len(records)} held")


def _told(record: dict[str, Any]) -> str:
    """A held message for people: in lines, so that its id is whole on a terminal of any width."""
    part = f", part {record['part']}" if record["part"] else ""
    country = f" ({record['country']})" if record["country"] else ""
    return (
        f"{record['id']}{part}  {record['account']}  {record['rule']}\n"
        f"  from {printable(record['from']) or '(empty)'} to {record['to']}{country}\n"
        f"  accepted {instant(record['accepted_at'])}, expires {instant(record['expires_at'])} UTC\n"
        f"  {printable((record['text'] or '').replace(chr(10), ' '))}"
    )


@held.command()
@click.argument("message_ids", metavar="[ID]...", nargs=-1)
@_account
@_rule
@_all
@config_option
@socket_option
def release(
    message_ids: tuple[str, ...], account: str, rule: str, are_all: bool, config_path: Path, socket: str
) -> None:
    """Let messages go on: those with these ids, or of an account, or held by a rule."""
    count = _act("release", message_ids, account, rule, are_all, config_path, socket)
    click.echo(f"{count} released")


@held.command()
@click.argument("message_ids", metavar="[ID]...", nargs=-1)
@_account
@_rule
@_all
@config_option
@socket_option
def reject(
    message_ids: tuple[str, ...], account: str, rule: str, are_all: bool, config_path: Path, socket: str
) -> None:
    """End messages as REJECTED, with their receipts: those with these ids, or of an account, or held by a rule."""
    count = _act("reject", message_ids, account, rule, are_all, config_path, socket)
    click.echo(f"{count} rejected")


def _act(
    what: str,
    message_ids: tuple[str, ...],
    account: str,
    rule: str,
    are_all: bool,
    config_path: Path,
    socket: str,
) -> int:
    if message_ids and (account or rule or are_all):
        raise ControlError("ids, or --account and --rule, or --all")
    if not (message_ids or account or rule or are_all):
        raise ControlError("which? ids, --account, --rule, or --all")
    request = {"command": "held", "do": what, "account": account, "rule": rule, "all": are_all}
    requests = [{**request, "id": message_id} for message_id in message_ids] or [request]
    return sum(ask_server(config_path, socket, each)[0]["messages"] for each in requests)
