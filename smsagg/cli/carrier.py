"""``smsagg carrier``: how the carriers of a running server fare, and taking one out of service for a while."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.live import Live

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.carrier_view import detail_of, overview_of

EVERY_S = 2.0
WAIT_EVERY_S = 0.2


@click.group()
def carrier() -> None:
    """Look at carriers, drain one for maintenance, and resume it. See docs/shaping.md."""


@carrier.command()
@click.argument("name", default="")
@config_option
@socket_option
@click.option("--watch", is_flag=True, help="Show it again and again until interrupted.")
@json_option
def status(name: str, config_path: Path, socket: str, watch: bool, as_json: bool) -> None:
    """Show links, circuits, paces, actions in force and how messages fare: of all carriers, or all about NAME."""

    def records() -> list[dict[str, Any]]:
        return ask_server(config_path, socket, {"command": "carriers", "do": "status", "carrier": name})

    def table() -> RenderableType:
        return detail_of(records()[0]) if name else overview_of(records())

    def lines() -> str:
        return "\n".join(json.dumps(record) for record in records())

    console = Console()
    if not watch:
        click.echo(lines()) if as_json else console.print(table())
        return
    with suppress(KeyboardInterrupt):
        if as_json:
            while True:
                click.echo(lines())
                time.sleep(EVERY_S)
        with Live(table(), console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY_S)
                live.update(table(), refresh=True)


@carrier.command()
@click.argument("name")
@config_option
@socket_option
@click.option("--unbind", is_flag=True, help="Unbind its links as well, when nothing is outstanding on them.")
@click.option("--reason", default="", help="For whoever looks at it later.")
@click.option("--wait", is_flag=True, help="Return when nothing is outstanding any more.")
def drain(name: str, config_path: Path, socket: str, unbind: bool, reason: str, wait: bool) -> None:
    """Give NAME no new messages until it is resumed, also after a restart; what it has it finishes."""
    request = {"command": "carriers", "do": "drain", "carrier": name, "unbind": unbind, "reason": reason}
    (answer,) = ask_server(config_path, socket, request)
    click.echo(f"{name} is drained; {answer['in_flight']} attempts are outstanding")
    if answer["pools_left"]:
        click.echo(f"no carrier is left for the pools {', '.join(answer['pools_left'])}: their messages wait", err=True)
    if wait:
        while not _is_idle(config_path, socket, name, unbind):
            time.sleep(WAIT_EVERY_S)
        click.echo(f"{name} has nothing outstanding{' and is unbound' if unbind else ''}")


@carrier.command()
@click.argument("name")
@config_option
@socket_option
def resume(name: str, config_path: Path, socket: str) -> None:
    """Put NAME back into service, and end what rules have in force for it."""
    (answer,) = ask_server(config_path, socket, {"command": "carriers", "do": "resume", "carrier": name})
    ended = answer["actions_ended"]
    click.echo(f"{name} is in service" if answer["was_drained"] else f"{name} was not drained")
    if ended:
        click.echo(f"{ended} action{'s' if ended > 1 else ''} of rules ended")


def _is_idle(config_path: Path, socket: str, name: str, unbound: bool) -> bool:
    (record,) = ask_server(config_path, socket, {"command": "carriers", "do": "status", "carrier": name})
    is_bound = any(link["bound"] for link in record["links"])
    return not record["in_flight"] and not (unbound and is_bound)
