"""``smsagg api-key``: a fresh key for the HTTP API, and what the configuration file keeps of it."""

import os

import click

from smsagg.api.v1.access import hash_of_key, new_key


@click.command("api-key")
def api_key() -> None:
    """Make an API key. It is shown once; the configuration file holds its hash only.

    The first line is the key, for the application; the second goes into [accounts.NAME.api_keys.KEY].
    """
    key = new_key(os.urandom)
    click.echo(key)
    click.echo(f'hash = "{hash_of_key(key)}"')
