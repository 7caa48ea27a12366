"""Passwords of accounts as argon2 hashes: the parameters that new hashes get, and what a bind can carry.

A server checks every bind, so a check must be cheap enough for a thousand clients that come back at once and dear
enough for who stole the file: 19 MiB and three passes (OWASP asks for two), some thirty milliseconds on one core. The
parameters stand in each hash; changing them here leaves older hashes good.
"""

from argon2 import PasswordHasher

PASSWORD_OCTETS_MAX = 8
"""``password`` is a C-octet string of at most 9 octets with its NUL (SMPP 3.4 §5.2.2)."""

HASHER = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)


def hash_of(password: str) -> str:
    """The hash to put into the file. Raises :class:`ValueError` when no bind could carry the password."""
    if not 1 <= len(password) <= PASSWORD_OCTETS_MAX or not password.isascii() or not password.isprintable():
        raise ValueError(f"an SMPP password has 1 to {PASSWORD_OCTETS_MAX} printable ASCII characters")
    return HASHER.hash(password)
