"""``smsagg money``: balances and statements of accounts, and money posted to their ledgers."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import trio

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option, no_store
from smsagg.cli.ungrouped import ungrouped
from smsagg.clock import SystemClock
from smsagg.config.amounts import format_micros
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.control import ask_all, is_running, socket_path
from smsagg.control.money import MoneyDesk
from smsagg.history import open_history
from smsagg.history.ledger_check import check_ledger
from smsagg.store.sqlite.store import open_sqlite_store

_json = click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
_note = click.option("--note", default="", help="What it is for; stands in the ledger.")
_reference = click.option(
    "--reference", default="", help="Unique within the account: asked for again, nothing more is posted."
)


@click.group()
def money() -> None:
    """Look at accounts' balances and post money to them.

    Asks the running server, or opens the store when none runs. Amounts are decimals in the account's currency. See
    docs/money.md.
    """


@money.command()
@config_option
@click.argument("account", default="")
@_json
def balance(config_path: Path, account: str, as_json: bool) -> None:
    """Show balances: of ACCOUNT, or of all that are billed."""
    for record in _perform(config_path, {"do": "balance", "account": account}):
        click.echo(json.dumps(record) if as_json else balance_line(record))


@money.command(context_settings={"ignore_unknown_options": True})
@config_option
@click.argument("account")
@click.argument("amount")
@_note
@_reference
@_json
def topup(config_path: Path, account: str, amount: str, note: str, reference: str, as_json: bool) -> None:
    """Credit AMOUNT to ACCOUNT. Says done when it is stored for good."""
    _post(config_path, "topup", account, amount, note, reference, as_json)


@money.command(context_settings={"ignore_unknown_options": True})
@config_option
@click.argument("account")
@click.argument("amount")
@_note
@_reference
@_json
def adjust(config_path: Path, account: str, amount: str, note: str, reference: str, as_json: bool) -> None:
    """Add AMOUNT to the balance of ACCOUNT, or take it away when it is negative."""
    _post(config_path, "adjust", account, amount, note, reference, as_json)


@money.command()
@config_option
@click.argument("account")
@click.option(
    "--since",
    default="",
    help="First day: a date, 7d (ago), yesterday; default: this month's first.",
)
@_json
def statement(config_path: Path, account: str, since: str, as_json: bool) -> None:
    """Show what moved the balance of ACCOUNT: entries, and what each day's messages were charged."""
    for record in _perform(config_path, {"do": "statement", "account": account, "since": since}):
        click.echo(json.dumps(record) if as_json else statement_line(record))


@money.command()
@config_option
@click.option("--messages", is_flag=True, help="Compare also with every message in history, which is read for it.")
def check(config_path: Path, messages: bool) -> None:
    """Check the ledger: every sum in it against what it is the sum of. Exits with 1 when one is wrong."""
    config = load_config(config_path, settings_class)
    with open_history(config.store.path, config.store.encryption) as history:
        found = check_ledger(history, messages=messages)
    for account, kept, is_sum_of, amount, should_be in found.differences:
        click.echo(
            f"{account}: {kept} is {format_micros(amount)}, and {is_sum_of} add up to {format_micros(should_be)}"
        )
    if found.differences:
        sys.exit(1)
    click.echo(f"{found.accounts} ledgers, all of them right")


def balance_line(record: dict[str, Any]) -> str:
    """A balance for people."""
    available = "" if record["available"] is None else f", available {record['available']}"
    return (
        f"{record['account']}: {record['balance']} {record['currency']} ({record['billing']}), "
        f"reserved {record['reserved']}{available}"
    )


def statement_line(record: dict[str, Any]) -> str:
    """A line of a statement for people."""
    if record["row"] == "now":
        return f"{'':10}  {'now':>16}  {record['balance']:>16} {record['currency']}, reserved {record['reserved']}"
    day = f"{record['day'] // 10_000}-{record['day'] // 100 % 100:02d}-{record['day'] % 100:02d}"
    if record["row"] == "before":
        return f"{day}  {'before':>16}  {record['balance']:>16}"
    if record["row"] == "charges":
        return f"{day}  {record['amount']:>16}  {record['balance']:>16}  {record['messages']} messages"
    at = datetime.fromtimestamp(record["posted_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    words = [f"entry {record['entry']}, {record['kind']} at {at} by {record['posted_by']}"]
    words += [text for text in (record["reference"], record["note"]) if text]
    return f"{day}  {record['amount']:>16}  {record['balance']:>16}  {': '.join(words)}"


def _post(config_path: Path, what: str, account: str, amount: str, note: str, reference: str, as_json: bool) -> None:
    request = {"do": what, "account": account, "amount": amount, "note": note, "reference": reference}
    (record,) = _perform(config_path, request)
    if as_json:
        click.echo(json.dumps(record))
        return
    done = "" if record["is_new"] else f"reference {reference} was posted before: "
    click.echo(
        f"{done}entry {record['entry']}: {record['amount']} {record['currency']} to {account}, "
        f"balance then {record['balance_after']}"
    )


def _perform(config_path: Path, request: dict[str, Any]) -> list[dict[str, Any]]:
    """What the running server answers, or what is done with the store of the stopped one."""
    config = load_config(config_path, settings_class)
    path = socket_path(config)
    with ungrouped():
        if path and trio.run(is_running, path):
            return trio.run(ask_all, path, {"command": "money", **request})
        return trio.run(_at_desk, config, request)


async def _at_desk(config: Config, request: dict[str, Any]) -> list[dict[str, Any]]:
    if not await trio.Path(config.store.path).exists():  # money in the ledger of a store that no server opens
        raise no_store(config.store.path)
    async with open_sqlite_store(config.store) as store:
        desk = MoneyDesk(config, store, SystemClock(), store.post_entry, f"uid {os.getuid()}")
        return await desk.answer(request)
