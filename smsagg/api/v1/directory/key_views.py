"""Keys and clients as the API shows them: what is kept of a secret is not among it."""

from typing import Any

from smsagg.api.v1.messages.viewing import instant
from smsagg.directory.key import Key
from smsagg.engine.directory.credentials import Credential

_MINUTE_MS = 60_000


def view_of_key(key: Key, role: str, used_at: int, now: int, *, is_client: bool) -> dict[str, Any]:
    """One that was made at run time. ``role``: its user's, or its own; ``used_at``: UTC milliseconds, 0: not since the
    server began."""
    old = key.secrets[1:]
    return {
        "name": key.name,
        "source": "api",
        "client_id": key.path if is_client else None,
        "role": role,
        "user": key.user,
        "scopes": sorted(key.allowed(role)),
        "expires_at": _optional(key.expires_at),
        "networks": list(key.networks),
        "certificate": key.certificate,
        "rate": key.rate,
        "burst": key.burst,
        "created_at": instant(key.created_at),
        "created_by": key.created_by,
        "last_used_at": _coarse(used_at),
        "old_secret_until": _optional(old[0].good_until if old and (old[0].good_until or 0) > now else None),
    }


def name_in_file(credential: Credential) -> str:
    """As the configuration file calls it."""
    return credential.caller.name.removeprefix("key:")


def view_of_file(credential: Credential) -> dict[str, Any]:
    """One of the configuration file."""
    caller, limit = credential.caller, credential.limit
    return {
        "name": name_in_file(credential),
        "source": "file",
        "client_id": None,
        "role": caller.role,
        "user": "",
        "scopes": sorted(caller.scopes),
        "expires_at": _optional(caller.expires_at),
        "networks": [str(network) for network in credential.networks],
        "certificate": credential.certificate,
        "rate": limit.rate_per_s if limit else None,
        "burst": limit.burst if limit else None,
        "created_at": None,
        "created_by": "",
        "last_used_at": _coarse(credential.used_at),
        "old_secret_until": None,
    }


def _optional(at: int | None) -> str | None:
    return None if at is None else instant(at)


def _coarse(at: int) -> str | None:
    return instant(at - at % _MINUTE_MS) if at else None
