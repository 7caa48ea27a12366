"""Codes: made from entropy, told apart from what people type, kept as a keyed digest only.

A digest is keyed and bound to its verification, so that equal codes of two verifications have nothing in common, and
who has the digests without the key has nothing. Which of several codes was typed is found in constant time.
"""

import unicodedata
from collections.abc import Callable
from contextlib import suppress

from smsagg.errors import SealError
from smsagg.protection import Cipher

ALPHABETS = {"numeric": "0123456789", "alphanumeric": "34679CFGHJKMNPRTWXY"}
"""Alphanumeric: no letter or digit that looks like another (0 O D Q, 1 I L, 2 Z, 5 S, 8 B, U V), and no vowels, so
that no code is a word."""
LENGTH_MIN, LENGTH_MAX = 4, 10
DIGEST_OCTETS = 36
"""See :meth:`~smsagg.protection.Cipher.digest`."""
TYPED_CHARACTERS_MAX = 32


def new_code(alphabet: str, length: int, entropy: Callable[[int], bytes]) -> str:
    """A code of ``length`` characters of ``ALPHABETS[alphabet]``, each as likely as every other."""
    symbols = ALPHABETS[alphabet]
    fair = 256 - 256 % len(symbols)
    code = ""
    while len(code) < length:
        code += "".join(symbols[octet % len(symbols)] for octet in entropy(2 * length) if octet < fair)
    return code[:length]


def as_typed(code: str) -> str:
    """The code that somebody meant: without spaces and hyphens, in capitals, digits of any script as ours."""
    compact = (c for c in unicodedata.normalize("NFKC", code) if not c.isspace() and c not in "-\u2010\u2011\u2013")
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c.upper() for c in compact)


def digest_of(cipher: Cipher, verification_id: str, code: str) -> bytes:
    """What is kept of ``code``."""
    return cipher.digest(_octets(code), _context(verification_id))


def place_of(cipher: Cipher, verification_id: str, code: str, digests: bytes) -> int | None:
    """Which of ``digests``, joined, is that of ``code``; ``None``: none is. Takes as long wherever it is, and if it is
    not. A digest under a key that is not there any more is of no code."""
    octets, context = _octets(code), _context(verification_id)
    found = None
    for place in range(len(digests) // DIGEST_OCTETS):
        digest = digests[place * DIGEST_OCTETS : (place + 1) * DIGEST_OCTETS]
        with suppress(SealError):
            found = place if cipher.is_digest_of(digest, octets, context) else found
    return found


def _octets(code: str) -> bytes:
    return as_typed(code).encode("utf-8", "surrogatepass")


def _context(verification_id: str) -> bytes:
    return b"verification " + verification_id.encode()
