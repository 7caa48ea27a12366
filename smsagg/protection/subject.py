"""Whose personal data it is about, and what stands in the place of their number when it is taken out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from smsagg.protection.cipher import Cipher

PSEUDONYM_PREFIX = "erased-"
TEXT_KEYS = frozenset({"text", "body"})
"""Members of documents that hold what somebody wrote."""
_CONTEXT = b"subject"


class DataSubject(NamedTuple):
    """A number, as one account knows it, or everybody."""

    digits: str
    """E.164, no plus."""
    account: str
    """``""``: all, the operator too."""

    @property
    def forms(self) -> tuple[str, str, str]:
        """The ways in which addresses write it."""
        return self.digits, f"+{self.digits}", f"00{self.digits}"


def pseudonym_of(cipher: Cipher, digits: str) -> str:
    """19 characters, an address in SMPP's eyes: the same for all messages to the number, so that counts of recipients
    stay true, and nobody without the key can tell which number it was."""
    return PSEUDONYM_PREFIX + cipher.digest(digits.encode(), _CONTEXT)[-6:].hex()


def scrubbed(document: bytes, subject: DataSubject, pseudonym: str) -> bytes | None:
    """A JSON object that names the number without it and without texts; ``None``: it does not name it."""
    values: dict[str, Any] = orjson.loads(document)
    if not any(value in subject.forms for value in values.values() if isinstance(value, str)):
        return None
    return orjson.dumps(_scrubbed(values, subject.forms, pseudonym))


def _scrubbed(values: Mapping[str, Any], forms: tuple[str, ...], pseudonym: str) -> dict[str, Any]:
    return {
        key: None if key in TEXT_KEYS else pseudonym if isinstance(value, str) and value in forms else value
        for key, value in values.items()
    }
