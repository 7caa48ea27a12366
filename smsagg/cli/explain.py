"""``smsagg explain``: where a message would go, and why: the rules that were asked, its price, its carriers."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import ask_server, config_option, json_option, socket_option
from smsagg.config.load import load_config
from smsagg.engine.admission.explaining import Explainer, Question
from smsagg.errors import NoServerError
from smsagg.tables import load_tables

_COLOURS = {
    "decided": "green",
    "taken": "green",
    "continued": "cyan",
    "refused": "red",
    "held": "red",
    "warning": "yellow",
    "full": "yellow",
    "disabled": "dim",
}
Record = dict[str, Any]


@click.command()
@click.option("--account", required=True, help="Who would submit it.")
@click.option("--from", "sender", default="", help="Its source address.")
@click.option("--to", "number", required=True, help="The recipient, as an international number.")
@click.option("--text", default="", help="What it says.")
@click.option("--class", "message_class", default="", help="Its message class; default: the account's.")
@click.option("--tag", default="", help="Its tag.")
@click.option("--at", help="When: 2031-01-31T22:15:00+01:00; without an offset in UTC. Default: now.")
@config_option
@socket_option
@click.option("--offline", is_flag=True, help="By the files alone, whether or not a server runs.")
@json_option
def explain(config_path: Path, socket: str, offline: bool, as_json: bool, at: str | None, **asked: str) -> None:
    """Say where a message would go, and why; nothing is sent.

    Asks the running server. When none runs the configuration and its files are read, and what depends on the moment
    (health, balances, what was looked up) is left out. See docs/routing.md.
    """
    asked = {key: value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for key, value in asked.items()}
    question = Question(**asked, at=None if at is None else _milliseconds(at))
    record = None if offline else _ask(config_path, socket, question)
    if record is None:
        config = load_config(config_path, settings_class)
        record = Explainer(config, load_tables(config)).explain(question, time.time_ns() // 1_000_000)
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        show(record, Console())


def _ask(config_path: Path, socket: str, question: Question) -> Record | None:
    """What the server says; ``None`` when none runs."""
    request = {"command": "explain", "at": question.at}
    request |= {key: getattr(question, key) for key in ("account", "number", "sender", "text", "message_class", "tag")}
    try:
        return ask_server(config_path, socket, request)[0]
    except NoServerError:
        if socket:
            raise
        return None


def _milliseconds(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f'"{text}" is no date and time such as 2031-01-31T22:15:00+01:00') from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return int(instant.timestamp() * 1000)


def show(record: Record, console: Console) -> None:
    """The answer as tables."""
    facts = Table(box=None, show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for what, value in _facts(record):
        facts.add_row(what, escape(value))
    console.print(facts)
    if record.get("rules"):
        console.print(_rules(record["rules"]))
    console.print(_steps(record["steps"]))
    if record.get("candidates"):
        console.print(_candidates(record))
        if record["is_running"]:
            console.print(_reasons(record["candidates"]))
    console.print(_verdict(record))


def _facts(record: Record) -> list[tuple[str, str]]:
    facts = [("at", record["at"] + ("" if record["is_running"] else "  (no server asked: by the files alone)"))]
    facts += [("account", record["account"]), ("to", record["number"])]
    if "country" not in record:
        return facts
    network = record["network"] or "unknown"
    if record["network"]:
        said_by = "looked up" if record["network_by"] == "lookup" else "by its prefix"
        network = " ".join(filter(None, (network, record["operator"], f"({said_by})")))
    if record["is_looked_up"] and record["network_by"] != "lookup":
        network += "; its present network is not known yet"
    zone = record["zone"] or "UTC, for its zone is unknown"
    facts += [
        ("country", record["country"] or "unknown"),
        ("network", network),
        ("local time", f"{record['local_time']} ({zone})"),
        ("from", record["sender"] or "(empty)"),
        ("segments", str(record["segments"])),
    ]
    decision, price = record["decision"], record.get("price")
    if "pool" in decision:
        facts.append(("class", decision["message_class"]))
        tags = ", ".join(filter(None, (decision["tag"], *record["tags"])))
        facts += [("tags", tags)] if tags else []
    if price is not None:
        charge = f"{price['total']} {price['currency']}, charged when {price['charge_on']}"
        if price["currency"] != price["base_currency"]:
            charge += f" ({price['base']} {price['base_currency']})"
        facts.append(("price", charge))
    return facts


def _rules(rules: list[Record]) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Rules", title_justify="left", title_style="bold")
    for column in ("", "rule", "what", "why"):
        table.add_column(column, overflow="fold")
    for place, rule in enumerate(rules, 1):
        table.add_row(str(place), escape(rule["rule"]), _coloured(rule["verdict"]), escape(rule["why"]))
    return table


def _steps(steps: list[Record]) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Admission", title_justify="left", title_style="bold")
    for column in ("step", "what", "status", "why"):
        table.add_column(column, overflow="fold")
    for step in steps:
        table.add_row(step["step"], _coloured(step["says"]), step["command_status"], escape(step["reason"]))
    return table


def _candidates(record: Record) -> Table:
    """What each carrier would ask and bring, and what room it has."""
    table = Table(box=SIMPLE_HEAD, title="Carriers", title_justify="left", title_style="bold")
    of_the_moment = ("window", "rate", "what") if record["is_running"] else ()
    for column in ("carrier", "pool", "cost", "margin", *of_the_moment):
        table.add_column(column, overflow="fold")
    for one in record["candidates"]:
        cost = "unknown" if one["cost"] is None else f"{one['cost']['unit']} {one['cost']['currency']}"
        values = [escape(one["carrier"]), escape(one["pool"]), cost, one["margin"] or ""]
        if of_the_moment:
            rate = "any" if one["rate_per_s"] is None else f"{one['rate_per_s']:g}/s"
            values += [str(one["window"]), rate, _coloured(one["verdict"])]
        table.add_row(*values)
    return table


def _reasons(candidates: list[Record]) -> Table:
    """Why each would be taken or not."""
    table = Table(box=SIMPLE_HEAD)
    for column in ("carrier", "why", "quality"):
        table.add_column(column, overflow="fold")
    for one in candidates:
        why = "; ".join(dict.fromkeys(filter(None, (one["why"], one["health"]))))
        table.add_row(escape(one["carrier"]), escape(why), escape(one["quality"]))
    return table


def _verdict(record: Record) -> str:
    refused = [step for step in record["steps"] if step["says"] == "refused"]
    if refused:
        status = f" ({refused[0]['command_status']})" if refused[0]["command_status"] else ""
        return f"[red]It would be refused[/red]{status}: {escape(refused[0]['reason'])}"
    decision = record["decision"]
    goes = f"go to pool {escape(decision['pool'])}"
    if any(step["says"] == "held" for step in record["steps"]):
        return f"[yellow]It would be held for an operator[/yellow], and then {goes}, by {escape(decision['by'])}"
    return f"[green]It would {goes}[/green], by {escape(decision['by'])}"


def _coloured(word: str) -> str:
    colour = _COLOURS.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word
