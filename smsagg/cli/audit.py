"""``smsagg audit``: who did what, and whether the record of it is as it was written."""

import json
import time
from datetime import UTC
from pathlib import Path
from typing import Any

import click

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option, json_option
from smsagg.cli.instants import instant
from smsagg.cli.printable import printable
from smsagg.config.load import load_config
from smsagg.directory.audit import AuditHead, AuditRecord, AuditSought, parse_head
from smsagg.history import audit_trail
from smsagg.history.reader import open_history
from smsagg.reports.instants import parse_instant

LIMIT = 1_000


@click.group()
def audit() -> None:
    """Look at the audit trail, and check it. Reads the store beside a running server. See docs/audit.md."""


def _head(_context: Any, _parameter: Any, text: str) -> AuditHead | None:
    try:
        return parse_head(text) if text else None
    except ValueError as error:
        raise click.BadParameter("a head is N:HASH, as `smsagg audit verify` and the log say it") from error


@audit.command()
@click.option("--head", "noted", default="", callback=_head, help="N:HASH that was noted elsewhere at any time.")
@config_option
@click.pass_context
def verify(context: click.Context, noted: AuditHead | None, config_path: Path) -> None:
    """Walk the whole trail; exit status 1 and the first record that is not as it was written.

    An edited, deleted, moved or added record is found, and a tail that is cut off. Who can write to all of the store
    can make a whole trail anew: that is found with a head that was noted elsewhere.
    """
    store = load_config(config_path, settings_class).store
    with open_history(store.path, store.encryption) as history:
        last, broken = audit_trail.verify(history, noted)
    if broken is None:
        click.echo(f"{last.seq} records, as they were written; head {last}")
        return
    click.echo(f"record {broken.seq} {broken.reason}; whole up to {last}", err=True)
    context.exit(1)


def _since(_context: Any, _parameter: Any, text: str) -> int:
    try:
        return parse_instant(text, time.time_ns() // 1_000_000, UTC) if text else 0
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@audit.command("list")
@click.option("--since", default="", callback=_since, help="From then on: 2d, 2027-01-31, 2027-01-31T18:00.")
@click.option("--actor", default="", help="Done by this one: unix:ann, key:crm.")
@click.option("--subject", default="", help="Done to this: an account, a carrier, acme/ACME.")
@click.option("--account", default="", help="That concern this account.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, show_default=True)
@config_option
@json_option
def list_records(
    since: int, actor: str, subject: str, account: str, limit: int, config_path: Path, as_json: bool
) -> None:
    """List records, the newest first."""
    sought = AuditSought(since, account, actor, subject)
    store = load_config(config_path, settings_class).store
    with open_history(store.path, store.encryption) as history:
        for record in audit_trail.find(history, sought, limit):
            click.echo(json.dumps(_document(record)) if as_json else line_of(record))


def line_of(record: AuditRecord) -> str:
    """A record in a line."""
    entry = record.entry
    where = f" from {entry.address}" if entry.address else ""
    by = f"{entry.actor} of {entry.actor_account}" if entry.actor_account else entry.actor
    line = f"{record.seq:>6} {instant(entry.at)} UTC {by}{where}: {entry.action} {entry.subject} {entry.details}"
    return printable(line)


def _document(record: AuditRecord) -> dict[str, Any]:
    entry = record.entry._asdict() | {"details": json.loads(record.entry.details)}
    return {"seq": record.seq, **entry, "hash": record.hash.hex()}
