"""``smsagg config``: the versions of the configuration that a server had in force."""

import difflib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.reload import told


@click.group()
def config() -> None:
    """Look at the versions of the configuration, and go back to one of them.

    Asks the running server. See docs/reload.md.
    """


@config.command()
@config_option
@socket_option
@json_option
def history(config_path: Path, socket: str, as_json: bool) -> None:
    """List the versions, the oldest first; the one in force has a star."""
    for version in ask_server(config_path, socket, {"command": "config", "do": "history"}):
        click.echo(json.dumps(version) if as_json else line_of(version))


@config.command()
@click.argument("version", type=int)
@click.option("--file", "name", default="", help="Only this file of it.")
@config_option
@socket_option
@json_option
def show(version: int, name: str, config_path: Path, socket: str, as_json: bool) -> None:
    """Show a version and its files; passwords are marks that only tell whether they are the same."""
    record = _version(config_path, socket, version)
    if as_json:
        click.echo(json.dumps(record))
        return
    if name:
        if name not in record["texts"]:
            raise click.UsageError(f"version {version} has no file {name}; there are {', '.join(record['documents'])}")
        click.echo(record["texts"][name], nl=False)
        return
    click.echo(line_of(record))
    for file, text in sorted(record["texts"].items(), key=lambda item: (item[0] != record["main"], item[0])):
        click.echo(f"\n--- {file}\n{text}", nl=False)


@config.command()
@click.argument("before", type=int)
@click.argument("after", type=int)
@config_option
@socket_option
def diff(before: int, after: int, config_path: Path, socket: str) -> None:
    """Show what differs between two versions."""
    old, new = (_version(config_path, socket, number) for number in (before, after))
    for file in sorted({*old["texts"], *new["texts"]}):
        lines = difflib.unified_diff(
            old["texts"].get(file, "").splitlines(keepends=True),
            new["texts"].get(file, "").splitlines(keepends=True),
            f"{before}/{file}",
            f"{after}/{file}",
        )
        click.echo("".join(lines), nl=False)


@config.command()
@click.argument("version", type=int)
@config_option
@socket_option
@json_option
def rollback(version: int, config_path: Path, socket: str, as_json: bool) -> None:
    """Write the files of a version back, and put them in force.

    Secrets are those of the present file; where it has another one, or none any more, nothing is changed.
    """
    (answer,) = ask_server(config_path, socket, {"command": "config", "do": "rollback", "version": version})
    click.echo(json.dumps(answer) if as_json else told(answer))


def line_of(version: dict[str, Any]) -> str:
    """A version in a line."""
    star = "*" if version["in_force"] else " "
    at = datetime.fromtimestamp(version["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{star}{version['number']:>5} {at} UTC {version['by']}: {version['summary']}"


def _version(config_path: Path, socket: str, number: int) -> dict[str, Any]:
    (record,) = ask_server(config_path, socket, {"command": "config", "do": "show", "version": number})
    return record
