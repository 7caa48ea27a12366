"""The command ``smsagg``: a group whose sub-commands are imported when they are run.

A sub-command lives in the module of its own name; ``smsagg --help`` imports none of them. Any :class:`SmsaggError` that
leaves a sub-command is told on standard error without a traceback, with exit status 1.
"""

from importlib import import_module
from typing import Any

import click

import smsagg
from smsagg.errors import SmsaggError

COMMANDS = {
    "serve": "Run the gateway.",
    "simulate": "Run a stand-alone SMSC simulator.",
    "send": "Submit one message over SMPP, and wait for its receipt if asked.",
    "text": "Show alphabet and segments of a text before it is sent.",
    "load": "Drive load over SMPP and report rates and latencies.",
    "trace": "Follow messages through a running server.",
    "receipts": "Look at receipts that match no message, and match them by another rule.",
    "explain": "Say where a message would go, and why: rules, price, carriers.",
    "message": "Tell the whole history of a message.",
    "numbers": "Look at the number inventory and change it.",
    "report": "Count past traffic by country, carrier, account and more.",
    "savings": "Price past traffic on other rate cards, routes or policies.",
    "replay": "Run past traffic against a draft of the routes.",
    "export": "Export records of past messages as CSV or Parquet.",
    "reload": "Have the running server read its configuration and data files anew.",
    "config": "Look at the versions of the configuration, and go back to one of them.",
    "audit": "List who did what, and check that the record of it is whole.",
    "money": "Look at accounts' balances and post money to them.",
    "carrier": "Look at carriers, drain one for maintenance, and resume it.",
    "abuse": "Look at alarms and blocked prefixes of a running server, and clear them.",
    "held": "Release or reject messages that rules on content hold.",
    "suppress": "Keep the lists of numbers that get nothing.",
    "account": "Freeze an account, and let it go on.",
    "drill": "Rehearse the failure of a carrier on a running server.",
    "check-config": "Check a configuration file and show what is in it.",
    "backup": "Copy the store while the server runs.",
    "personal-data": "Tell all that is held about a number, and take it out.",
    "key": "Make, list, add and remove the keys that seal the store.",
    "api-key": "Make a key for the HTTP API.",
    "webhook-secret": "Make a secret that signs webhooks.",
    "hash-password": "Make the argon2 hash of a password for a configuration file.",
}
"""Every sub-command and its line of help; ``check-config`` is ``smsagg.cli.check_config:check_config``."""


class Failure(click.ClickException):
    """An error of smsagg, told as it is."""

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


class LazyGroup(click.Group):
    """Finds sub-commands in :data:`COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"smsagg.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SmsaggError as error:
            raise Failure(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(smsagg.__version__, prog_name="smsagg")
def main() -> None:
    """An SMS aggregator: SMPP in, durable before it says yes, carriers by country, receipts back."""
