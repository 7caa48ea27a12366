"""Time-based one-time passwords (RFC 6238, over HOTP of RFC 4226), as authenticator apps make them: SHA-1, 30 seconds,
six digits."""

import base64
import hmac
from urllib.parse import quote, urlencode

STEP_MS = 30_000
DIGITS = 6
SEED_OCTETS = 20
"""As many as SHA-1 gives (RFC 4226 §4, R6)."""
ISSUER = "smsagg"


def step_at(now_ms: int) -> int:
    """The number of the time step in which an instant (UTC milliseconds) lies."""
    return now_ms // STEP_MS


def code_of(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The password of a time step (RFC 4226 §5.3)."""
    mac = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def matching_step(seed: bytes, code: str, now_ms: int, after: int) -> int | None:
    """The step above ``after`` whose password ``code`` is: this one, or one before or behind it, for clocks that differ
    and people who type. ``None``: it is none, or was used."""
    present = step_at(now_ms)
    found = None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(code_of(seed, step).encode(), code.encode()) and step > after:
            found = step
    return found


def uri_of(seed: bytes, account: str, user: str) -> str:
    """For an authenticator app, as a QR code or a link (Key Uri Format)."""
    label = quote(f"{ISSUER}:{user}@{account}" if account else f"{ISSUER}:{user}")
    secret = base64.b32encode(seed).decode()
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER})}"
