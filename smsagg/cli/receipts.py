"""``smsagg receipts``: carriers' receipts that match nothing, in a running server or in the store of a stopped one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import trio

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option, no_store
from smsagg.cli.ungrouped import ungrouped
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.control import ask_all, is_running, socket_path
from smsagg.control.receipts import record_of, rule_of, summary_of
from smsagg.engine.ending.unmatched import find_matches, rematch_stopped, unmatched_receipts
from smsagg.errors import ControlError
from smsagg.receipts.dialect import CONVERSIONS, LETTER_CASES
from smsagg.store.sqlite.store import open_sqlite_store

_json = click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")


@click.group()
def receipts() -> None:
    """Look at receipts that match no message, and match them by another rule.

    Asks the running server, or reads the store when none runs. See docs/receipts.md.
    """


@receipts.command()
@config_option
@click.option("--carrier", default="", help="Of this carrier only.")
@_json
def unmatched(config_path: Path, carrier: str, as_json: bool) -> None:
    """List receipts that match nothing, the oldest first."""
    config = _load(config_path, carrier)
    found = _perform(config, {"do": "unmatched", "carrier": carrier})
    for record in found:
        click.echo(json.dumps(record) if as_json else line_of(record))
    if not as_json:
        click.echo(f"{len(found)} receipts")


@receipts.command()
@config_option
@click.option("--carrier", required=True, help="Of this carrier.")
@click.option("--resp-id", type=click.Choice(CONVERSIONS), default="as_is", help="What to do with messages' ids.")
@click.option("--receipt-id", type=click.Choice(CONVERSIONS), default="as_is", help="What to do with receipts' ids.")
@click.option("--id-case", type=click.Choice(LETTER_CASES), default="keep", help="Case to which both are folded.")
@click.option("--id-strip-zeros", is_flag=True, help="Leading zeros do not count.")
@click.option("--dry-run", is_flag=True, help="Only say what would match.")
@_json
def rematch(
    config_path: Path,
    carrier: str,
    resp_id: str,
    receipt_id: str,
    id_case: str,
    id_strip_zeros: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Match what matches nothing by another rule for ids.

    A receipt goes to the one message whose id is equal under the rule; where several are, to the one that was for the
    number that the receipt tells. Whatever stays ambiguous stays on the list.
    """
    config = _load(config_path, carrier)
    rule = {"resp_id": resp_id, "receipt_id": receipt_id, "id_case": id_case, "id_strip_zeros": id_strip_zeros}
    (summary,) = _perform(config, {"do": "rematch", "carrier": carrier, "dry_run": dry_run, **rule})
    if as_json:
        click.echo(json.dumps(summary))
        return
    effect = {"now": "", "start": "; they take effect when the server starts", "none": "; nothing was changed"}
    click.echo(f"{len(summary['matched'])} matched{effect[summary['takes_effect']]}")
    click.echo(f"{len(summary['ambiguous'])} ambiguous, {len(summary['unmatched'])} still match nothing")


@receipts.command()
@config_option
@_json
def dialects(config_path: Path, as_json: bool) -> None:
    """Show the id rules that carriers' receipts have shown since the server started."""
    config = _load(config_path, "")
    if not trio.run(is_running, socket_path(config)):
        raise ControlError("no server runs with this configuration; what carriers show is not kept")
    found = _perform(config, {"do": "dialects"})
    for record in found:
        click.echo(json.dumps(record) if as_json else f"{record['carrier']}: {record['keys']} ({record['result']})")
    if not found and not as_json:
        click.echo("no carrier's receipts have shown another rule than the configured one")


def line_of(record: dict[str, Any]) -> str:
    """A receipt for people, in two lines."""
    since = datetime.fromtimestamp(record["parked_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    compared = "" if record["id"] == record["raw_id"] else f", compared as {record['id']}"
    matched = f", matched with {record['matched_as']} from the next start" if record["matched_as"] else ""
    cause = "" if record["cause"] == "none" else f" ({record['cause']})"
    msisdn = f" for {record['msisdn']}" if record["msisdn"] else ""
    head = f"{since} UTC {record['carrier']}: {record['raw_id']}{compared}{matched}: {record['state']}{cause}{msisdn}"
    return f"{head}\n    {record['text']}"


def _load(config_path: Path, carrier: str) -> Config:
    config = load_config(config_path, settings_class)
    if carrier and carrier not in config.carriers:
        raise ControlError(f"{config_path} has no carrier {carrier}; there are {', '.join(sorted(config.carriers))}")
    return config


def _perform(config: Config, request: dict[str, Any]) -> list[dict[str, Any]]:
    """What the running server answers, or what the store of the stopped one holds."""
    path = socket_path(config)
    with ungrouped():
        if path and trio.run(is_running, path):
            return trio.run(ask_all, path, {"command": "receipts", **request})
        return trio.run(_open_store, config, request)


async def _open_store(config: Config, request: dict[str, Any]) -> list[dict[str, Any]]:
    if not await trio.Path(config.store.path).exists():
        raise no_store(config.store.path)
    async with open_sqlite_store(config.store) as store:
        carrier = request["carrier"]
        if request["do"] == "unmatched":
            return [record_of(row) for row in await unmatched_receipts(store, carrier)]
        rule = rule_of(request)
        if request["dry_run"]:
            return [summary_of(await find_matches(store, carrier, rule), "none")]
        return [summary_of(await rematch_stopped(store, carrier, rule), "start")]
