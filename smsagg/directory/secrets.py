"""Secrets that let somebody in: made of 32 random octets, shown once, kept as their SHA-256.

That suffices for what nobody can guess. A secret is found by its digest, so that how long a look-up takes tells nothing
about secrets that exist.
"""

import base64
from collections.abc import Callable
from hashlib import sha256

KEY_PREFIX = "sk_"
"""Of API keys."""
CLIENT_PREFIX = "cs_"
"""Of OAuth clients' secrets."""
TOKEN_PREFIX = "at_"
"""Of access tokens."""
SECRET_OCTETS = 32
DIGEST_PREFIX = "sha256:"


def new_secret(prefix: str, entropy: Callable[[int], bytes]) -> str:
    """A fresh one, to be shown once."""
    return prefix + base64.urlsafe_b64encode(entropy(SECRET_OCTETS)).rstrip(b"=").decode()


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return DIGEST_PREFIX + sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
