"""Signatures in the form of Standard Webhooks: HMAC-SHA256 over ``id.timestamp.body``, one for each secret in force.

A secret is ``whsec_`` and base64 of 24 to 64 octets. While it is being rotated the old and the new one sign, and
receivers accept either. The id stays the same over all attempts, the timestamp is that of the attempt.
"""

import base64
import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256

SECRET_PREFIX = "whsec_"
SECRET_OCTETS = 32
SECRET_OCTETS_MIN, SECRET_OCTETS_MAX = 24, 64


def secret_octets(secret: str) -> bytes:
    """The key that ``secret`` stands for; raises :class:`ValueError` when it is none."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f'a secret begins with "{SECRET_PREFIX}"')
    try:
        octets = base64.b64decode(secret[len(SECRET_PREFIX) :], validate=True)
    except ValueError:
        octets = b""
    if not SECRET_OCTETS_MIN <= len(octets) <= SECRET_OCTETS_MAX:
        raise ValueError(f"a secret is {SECRET_OCTETS_MIN} to {SECRET_OCTETS_MAX} octets in base64")
    return octets


def new_secret(entropy: Callable[[int], bytes]) -> str:
    """A fresh secret."""
    return SECRET_PREFIX + base64.b64encode(entropy(SECRET_OCTETS)).decode()


def signed_headers(secrets: Sequence[str], name: str, timestamp_s: int, body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that prove where ``body`` comes from; ``name`` is the event's, ``timestamp_s`` the attempt's."""
    signed = b"%s.%d.%s" % (name.encode(), timestamp_s, body)
    signatures = [
        b"v1," + base64.b64encode(hmac.new(secret_octets(secret), signed, sha256).digest()) for secret in secrets
    ]
    return [
        (b"webhook-id", name.encode()),
        (b"webhook-timestamp", str(timestamp_s).encode()),
        (b"webhook-signature", b" ".join(signatures)),
    ]
