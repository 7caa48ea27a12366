"""``smsagg reload``: have the running server read its configuration and data files anew."""

import json
from pathlib import Path
from typing import Any

import click

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option


@click.command()
@config_option
@socket_option
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--strict", is_flag=True, help="Refuse it when something needs a restart.")
@json_option
def reload(config_path: Path, socket: str, check: bool, strict: bool, as_json: bool) -> None:
    """Have the running server read its configuration and data files anew.

    Everything is checked first, and every problem is told; then all of it is in force, or nothing. Messages on their
    way notice nothing. See docs/reload.md.
    """
    (answer,) = ask_server(config_path, socket, {"command": "reload", "check": check, "strict": strict})
    click.echo(json.dumps(answer) if as_json else told(answer, check=check))


def told(answer: dict[str, Any], *, check: bool = False) -> str:
    """What a reload did, or would do, for people."""
    lines = list(answer["changes"])
    lines += [f"! {key}: needs a restart" for key in answer["waiting"]]
    lines += [f"warning: {warning}" for warning in answer["warnings"]]
    number = answer["version"]
    if check:
        would_change = f"would change: {answer['summary']}" if lines else "would change nothing"
        lines.append(f"version {number} is in force; a reload {would_change}")
    elif answer["applied"]:
        recorded = "" if answer["recorded"] else " (its record is not on the disk yet)"
        lines.append(f"version {number} is in force{recorded}: {answer['summary']}")
    else:
        lines.append(f"unchanged: version {number} is in force")
    return "\n".join(lines)
