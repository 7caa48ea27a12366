"""``smsagg hash-password``: the argon2 hash of a password, for ``password_hash`` in the configuration file."""

import sys

import click

from smsagg.config.passwords import hash_of


@click.command("hash-password")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
def hash_password(password_stdin: bool) -> None:
    """Make the argon2 hash of a password for a configuration file.

    Asks for the password twice, or reads it from standard input; it is never an argument, since those show in `ps`.
    """
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        click.echo(hash_of(password))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
