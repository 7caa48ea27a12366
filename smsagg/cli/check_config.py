"""``smsagg check-config``: every problem of a configuration file, or tables of what is in it."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import ask_server, socket_option
from smsagg.cli.config import line_of
from smsagg.cli.config_tables import tables_of
from smsagg.tables import load_tables
from smsagg.tables.reading import read_configuration


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--running", is_flag=True, help="Say what the server has in force, and what a reload would change.")
@socket_option
def check_config(file: Path, running: bool, socket: str) -> None:
    """Check a configuration file and show what is in it.

    Prints each problem as `file: key.path: reason` and exits with 1 when there is any.
    """
    config = read_configuration(file, settings_class)
    tables = load_tables(config)
    for warning in tables.warnings:
        click.echo(f"warning: {warning}", err=True)
    if running:
        (answer,) = ask_server(file, socket, {"command": "config", "do": "running"})
        click.echo(told(answer))
        return
    console = Console()
    console.print(
        f"{escape(str(file))}: good. SMPP on {config.server.smpp_listen}, HTTP on {config.server.http_listen}."
    )
    for table in tables_of(config, tables):
        console.print(table)


def told(answer: dict[str, Any]) -> str:
    """What the server has in force, and how its files differ from that."""
    lines = [f"version {answer['number']} is in force:", line_of(answer)]
    lines += [f"! {key}: needs a restart" for key in answer["waiting"]]
    if "problems" in answer:
        return "\n".join([*lines, "a reload would be refused:", *answer["problems"]])
    if not answer["pending"] and not answer["pending_waiting"]:
        return "\n".join([*lines, "its files say the same"])
    return "\n".join([*lines, "a reload would change:", *answer["pending"]])
