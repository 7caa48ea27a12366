"""``smsagg webhook-secret``: a fresh secret that signs what an endpoint is told."""

import os

import click

from smsagg.signing import new_secret


@click.command("webhook-secret")
def webhook_secret() -> None:
    """Make a secret for [accounts.NAME.webhooks.HOOK] secret; the endpoint verifies by the same."""
    click.echo(new_secret(os.urandom))
