"""``smsagg hash-password``: the argon2 hash of a password, for ``password_hash`` in the configuration file.

Parameters. A server checks every bind, so a check must be cheap enough for a thousand clients that come back at once
and dear enough for who stole the file: 19 MiB and three passes (OWASP asks for two), some thirty
milliseconds on one core. The parameters stand in each hash; changing them here leaves older hashes good.
"""

import sys

import click
from argon2 import PasswordHasher

PASSWORD_OCTETS_MAX = 8
"""``password`` is a C-octet string of at most 9 octets with its NUL (SMPP 3.4 §5.2.2)."""

HASHER = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)


def hash_of(password: str) -> str:
    """The hash to put into a file. Raises :class:`click.UsageError` when no bind could carry the password."""
    if not 1 <= len(password) <= PASSWORD_OCTETS_MAX or not password.isascii() or not password.isprintable():
        raise click.UsageError(
            f"an SMPP password has 1 to {PASSWORD_OCTETS_MAX} printable ASCII characters (SMPP 3.4 §5.2.2)"
        )
    return HASHER.hash(password)


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
    click.echo(hash_of(password))
