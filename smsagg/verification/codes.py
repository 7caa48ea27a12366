"""Codes: made from entropy, told apart from what people type, kept as a keyed digest only.

A digest is HMAC-SHA256 over the verification's id and the code, so that equal codes of two verifications have nothing
in common, and who has the digests without the key has nothing. Which of several codes was typed is found in constant
time.
"""

import hmac
import unicodedata
from collections.abc import Callable
from hashlib import sha256

ALPHABETS = {"numeric": "0123456789", "alphanumeric": "34679CFGHJKMNPRTWXY"}
"""Alphanumeric: no letter or digit that looks like another (0 O D Q, 1 I L, 2 Z, 5 S, 8 B, U V), and no vowels, so
that no code is a word."""
LENGTH_MIN, LENGTH_MAX = 4, 10
DIGEST_OCTETS = 32
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


def digest_of(key: bytes, verification_id: str, code: str) -> bytes:
    """What is kept of ``code``."""
    return hmac.digest(key, f"{verification_id}\0{as_typed(code)}".encode("utf-8", "surrogatepass"), sha256)


def is_among(digest: bytes, digests: bytes) -> bool:
    """Whether ``digests``, joined, hold ``digest``; takes as long wherever it is, and if it is not."""
    found = False
    for start in range(0, len(digests), DIGEST_OCTETS):
        found |= hmac.compare_digest(digest, digests[start : start + DIGEST_OCTETS])
    return found
