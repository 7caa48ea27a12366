"""``smsagg personal-data``: what is held about a number, and taking it out."""

from pathlib import Path

import click

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import ask_server, config_option, socket_option
from smsagg.config.load import load_config
from smsagg.consent.listing import number_of
from smsagg.errors import ControlError
from smsagg.history.personal import lines_about
from smsagg.protection.subject import DataSubject

account_option = click.option("--account", default="", help="What this account holds; default: all that there is.")


@click.group("personal-data")
def personal_data() -> None:
    """Tell all that is held about a number, and take it out. See docs/protection.md."""


@personal_data.command()
@click.argument("number")
@account_option
@config_option
def export(number: str, account: str, config_path: Path) -> None:
    """Print all that the store holds about NUMBER, a JSON object a line; the last one counts the others."""
    digits = number_of(number)
    if digits is None:
        raise ControlError("that is no international number")
    config = load_config(config_path, settings_class)
    for line in lines_about(config, DataSubject(digits, account)):
        click.echo(line, nl=False)


@personal_data.command()
@click.argument("number")
@account_option
@config_option
@socket_option
def erase(number: str, account: str, config_path: Path, socket: str) -> None:
    """Have the running server take NUMBER and its texts out of all records; a pseudonym stands for it then.

    Messages to it that live go their way first, and its suppressions stay."""
    request = {"command": "personal-data", "do": "erase", "number": number, "account": account}
    (answer,) = ask_server(config_path, socket, request)
    click.echo(f"{answer['id']}: {answer['pseudonym']} will stand for the number")


@personal_data.command()
@click.argument("erasure_id")
@account_option
@config_option
@socket_option
def status(erasure_id: str, account: str, config_path: Path, socket: str) -> None:
    """Say how far an erasure is."""
    request = {"command": "personal-data", "do": "status", "id": erasure_id, "account": account}
    (answer,) = ask_server(config_path, socket, request)
    click.echo(f"{answer['state']}; records changed: {answer['changed']:,}")
