"""``smsagg drill``: rehearse the failure of a carrier on a running server."""

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.cli.carrier_view import drill_of
from smsagg.config.units import parse_duration

EVERY_S = 1.0
KINDS = ("outage", "throttle", "slow", "reject")


class DurationType(click.ParamType[float]):
    """A duration with its unit, as in the configuration."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def drill() -> None:
    """Have a running server behave for a time as if a carrier failed, and see what moves where.

    Nothing is lost: messages go to other carriers, or wait. A drill ends by itself, by `smsagg drill stop`, and with
    the server. See docs/shaping.md.
    """


@drill.command()
@click.argument("name")
@config_option
@socket_option
@click.option("--for", "for_s", type=DurationType(), required=True, help="How long, such as 10m.")
@click.option("--kind", type=click.Choice(KINDS), default="outage", show_default=True, help="What is rehearsed.")
@click.option("--country", default="", help="Only for this country (ISO code).")
@click.option("--force", is_flag=True, help="Even if messages of some pool can go nowhere meanwhile.")
@click.option("--no-wait", is_flag=True, help="Return at once; `smsagg drill report` tells later.")
@json_option
def carrier(
    name: str,
    config_path: Path,
    socket: str,
    for_s: float,
    kind: str,
    country: str,
    force: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Rehearse the failure of carrier NAME, and report at its end.

    Interrupting this command does not end the drill.
    """
    details = {"kind": kind, "country": country, "for_s": for_s, "force": force}
    record = _ask(config_path, socket, "start", name, **details)
    if not no_wait:
        click.echo(f"the drill of {name} lasts {for_s:g} s; smsagg drill stop {name} ends it", err=True)
        while not record["ended_by"]:
            time.sleep(min(EVERY_S, record["ends_in_s"] + 0.1))
            record = _ask(config_path, socket, "report", name)
    _print(record, as_json)


@drill.command()
@click.argument("name")
@config_option
@socket_option
@json_option
def stop(name: str, config_path: Path, socket: str, as_json: bool) -> None:
    """End the drill of carrier NAME now, and report."""
    _print(_ask(config_path, socket, "stop", name), as_json)


@drill.command()
@click.argument("name")
@config_option
@socket_option
@json_option
def report(name: str, config_path: Path, socket: str, as_json: bool) -> None:
    """Show what the drill of carrier NAME has moved so far, or what its latest one moved."""
    _print(_ask(config_path, socket, "report", name), as_json)


def _ask(config_path: Path, socket: str, what: str, name: str, **details: Any) -> dict[str, Any]:
    (record,) = ask_server(config_path, socket, {"command": "drill", "do": what, "carrier": name, **details})
    return record


def _print(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(record))
    else:
        Console().print(drill_of(record))
