"""The shape of what the configuration says about the HTTP API."""

import re
from typing import Any

from attrs import define, field

from smsagg.config.units import Duration, Instant, Octets
from smsagg.config.validators import above, at_least, each, one_of
from smsagg.directory.roles import ACCOUNTS_SCOPES

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def key_hash(_instance: Any, _attribute: Any, value: Any) -> None:
    """As ``smsagg api-key`` prints it."""
    if not _HASH.fullmatch(value):
        raise ValueError('must be "sha256:" and 64 hexadecimal digits, as `smsagg api-key` prints it')


@define(frozen=True)
class ApiKeySettings:
    """``[accounts.NAME.api_keys.KEY]``: a key of the account for the HTTP API; KEY is its name, for people."""

    hash: str = field(validator=key_hash)
    """What ``smsagg api-key`` prints beside the key itself."""
    scopes: tuple[str, ...] = field(default=(), validator=each(one_of(*ACCOUNTS_SCOPES)))
    """What it may do; empty: what a developer may."""
    expires_at: Instant | None = None
    """From this instant on it is refused; none: never."""


@define(frozen=True)
class HttpSettings:
    """``[http]``: the API for applications, on ``server.http_listen``."""

    body_octets_max: Octets = field(default=Octets(4 << 20), validator=at_least(1_024))
    """A larger request is refused (413)."""
    batch_max: int = field(default=1_000, validator=at_least(1))
    """Messages in one call."""
    idempotency_ttl: Duration = field(default=Duration(86_400.0), validator=above(0))
    """How long the answer to a request with an ``Idempotency-Key`` is kept."""
