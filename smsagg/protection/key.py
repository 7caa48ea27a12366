"""Keys: 32 octets, written as base64, a line each, the newest first.

A key has an id, eight hexadecimal digits that say nothing of it, by which people and sealed values name it. What it is
used for, it is used for through a key of that purpose derived from it (HKDF-SHA-256, RFC 5869).
"""

import base64
import hmac
from collections.abc import Callable, Sequence

from attrs import define, field

KEY_OCTETS = 32
ID_OCTETS = 4


@define(frozen=True)
class Key:
    """One key. Its octets are shown nowhere."""

    octets: bytes = field(repr=False)
    key_id: bytes = field(init=False)

    @key_id.default
    def _derived_id(self) -> bytes:
        return self.derive(b"id", ID_OCTETS)

    @property
    def name(self) -> str:
        """Its id for people."""
        return self.key_id.hex()

    def derive(self, purpose: bytes, octets: int) -> bytes:
        """The key for ``purpose``, of at most 64 octets."""
        extracted = hmac.digest(b"smsagg", self.octets, "sha256")
        first = hmac.digest(extracted, purpose + b"\x01", "sha256")
        return (first + hmac.digest(extracted, first + purpose + b"\x02", "sha256"))[:octets]

    def to_line(self) -> str:
        """As a key file holds it."""
        return base64.b64encode(self.octets).decode()


def new_key(entropy: Callable[[int], bytes]) -> Key:
    """A fresh key."""
    return Key(entropy(KEY_OCTETS))


def parse_keys(text: str) -> list[Key]:
    """The keys of a file or variable; empty lines and those that begin with ``#`` mean nothing.

    Raises :class:`ValueError`, without quoting anything, when a line is no key or there is none.
    """
    lines = [line.strip() for line in text.splitlines()]
    keys = [_parse_key(line) for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ValueError("holds no key")
    return keys


def format_keys(keys: Sequence[Key]) -> str:
    """The same as text."""
    return "".join(f"{key.to_line()}\n" for key in keys)


def _parse_key(line: str) -> Key:
    try:
        octets = base64.b64decode(line, validate=True)
    except ValueError:
        octets = b""
    if len(octets) != KEY_OCTETS:
        raise ValueError(f"a key is {KEY_OCTETS} octets in base64")
    return Key(octets)
