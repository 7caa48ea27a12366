"""``smsagg message ID``: the whole history of a message, for people or programs."""

from datetime import UTC, datetime, tzinfo
from pathlib import Path

import click
import orjson

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option
from smsagg.cli.past import Zone
from smsagg.cli.printable import printable
from smsagg.config.load import load_config
from smsagg.errors import ControlError
from smsagg.history import open_history
from smsagg.history.lookup import Found, find_messages
from smsagg.history.timeline import Shown, document_of, events_of, state_word


@click.command()
@config_option
@click.argument("message_id")
@click.option("--bodies", is_flag=True, help="Show texts.")
@click.option("--numbers", is_flag=True, help="Show whole numbers.")
@click.option("--zone", type=Zone(), default=UTC, help="Time zone of the instants; default: UTC.")
@click.option("--json", "as_json", is_flag=True, help="A document for programs.")
def message(config_path: Path, message_id: str, bodies: bool, numbers: bool, zone: tzinfo, as_json: bool) -> None:
    """Tell the whole history of a message.

    MESSAGE_ID is as the customer was given it: of a message, a short one, of a submit_multi, of a part. Reads the
    store's file; what is under way just now in the server's memory is not in it. See docs/reports.md.
    """
    config = load_config(config_path, settings_class)
    with open_history(config.store.path, config.store.encryption) as history:
        found = find_messages(history, message_id)
    if not found:
        raise ControlError(f"no message has the id {message_id}, or it is older than what history keeps (history_ttl)")
    shown, currency = Shown(numbers, bodies), str(config.money.currency)
    if as_json:
        documents = [document_of(one.message, one.deliveries, shown, currency, one.redacted) for one in found]
        click.echo(orjson.dumps(documents, option=orjson.OPT_INDENT_2))
        return
    for one in found:
        _show(one, shown, currency, zone)


def _show(one: Found, shown: Shown, currency: str, zone: tzinfo) -> None:
    message, group = one.message, one.message.group
    part = "" if group is None else f", part {message.part_number} of {group.parts_total} of {group.message_id}"
    click.secho(f"{message.message_id}{part}: {state_word(message)}", bold=True)
    for event in events_of(message, one.deliveries, shown, currency):
        instant = datetime.fromtimestamp(event.at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        click.echo(f"  {instant}  {event.what:<9} {printable(event.details)}")
    for receipt in one.parked_receipts:
        click.echo(f"  a receipt that says {receipt.state.name} awaits its effect")
    if not one.is_over:
        expires = datetime.fromtimestamp(message.expires_at / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"  it is given up at {expires}")
    click.echo(f"  text: {printable(shown.text(message, bool(one.redacted & 1)))}")
