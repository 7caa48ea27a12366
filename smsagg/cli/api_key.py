"""``smsagg api-key``: a fresh key for the HTTP API, and what the configuration file keeps of it."""

import os

import click

from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret


@click.command("api-key")
def api_key() -> None:
    """Make an API key. It is shown once; the configuration file holds its hash only.

    The first line is the key, for the application; the second goes into [accounts.NAME.api_keys.KEY]
    or, for one of the operator's own, into [operators.NAME].
    """
    key = new_secret(KEY_PREFIX, os.urandom)
    click.echo(key)
    click.echo(f'hash = "{digest_of(key)}"')
