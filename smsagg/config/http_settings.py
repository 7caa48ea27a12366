"""The shape of what the configuration says about the HTTP API."""

import re
from base64 import b64decode
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from smsagg.config.units import Duration, Instant, Octets, Rate
from smsagg.config.validators import above, at_least, between, each, network, not_empty, one_of
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


EVENT_KINDS = (
    "message.queued", "message.sent", "message.delivered", "message.failed", "message.expired", "message.cancelled",
    "message.inbound",
)  # fmt: skip


def webhook_secret(_instance: Any, _attribute: Any, value: Any) -> None:
    """24 to 64 octets in base64 behind their prefix."""
    if not value:
        return
    octets = b""
    if value.startswith("whsec_"):
        with suppress(ValueError):
            octets = b64decode(value[6:], validate=True)
    if not 24 <= len(octets) <= 64:
        raise ValueError('must be "whsec_" and 24 to 64 octets in base64, as `smsagg webhook-secret` prints it')


def webhook_url(_instance: Any, _attribute: Any, value: Any) -> None:
    """A URL with a host, in ASCII; where it leads is looked at when it is gone to."""
    host = ""
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in ("https", "http") and parts.port != 0:
            host = (parts.hostname or "").encode("idna").decode()
    if not host or any(not "!" <= c <= "~" for c in value):
        raise ValueError('must be a URL such as "https://crm.example/hooks/sms", in ASCII')


def secrets_of(settings: "WebhookSettings") -> tuple[str, ...]:
    """Those that sign, the newest first."""
    return tuple(filter(None, (settings.secret, settings.old_secret)))


@define(frozen=True)
class WebhookSettings:
    """``[accounts.NAME.webhooks.HOOK]``: an endpoint of the account that is told what happens; HOOK is its name."""

    url: str = field(validator=webhook_url)
    """``https://…``; ``http`` only to networks of ``[webhooks] allowed_networks``."""
    secret: str = field(repr=False, validator=[not_empty, webhook_secret])
    """That signs what is sent: ``whsec_…``."""
    old_secret: str = field(default="", repr=False, validator=webhook_secret)
    """That signs it too, while ``secret`` is being rotated; empty: none."""
    events: tuple[str, ...] = field(default=EVENT_KINDS, validator=[not_empty, each(one_of(*EVENT_KINDS))])
    """What it is told of; default: everything."""
    rate: Rate | None = None
    """Requests per second at most; none: as many as it takes."""
    concurrency: int = field(default=4, validator=between(1, 64))
    """Requests that are under way at once."""


@define(frozen=True)
class WebhookSendingSettings:
    """``[webhooks]``: how endpoints are told."""

    allowed_networks: tuple[str, ...] = field(default=(), validator=each(network))
    """Networks that may be gone to though they are not public, also by plain ``http``: for development."""
    timeout: Duration = field(default=Duration(15.0), validator=above(0))
    """Within which an endpoint must answer."""
    retry_first: Duration = field(default=Duration(5.0), validator=above(0))
    """Pause after a first failure; each further one is four times as long, up to ``retry_max``."""
    retry_max: Duration = field(default=Duration(43_200.0), validator=above(0))
    events_ttl: Duration = field(default=Duration(259_200.0), validator=above(0))
    """How long events are kept, and tried; what was not taken by then is given up."""


@define(frozen=True)
class HttpSettings:
    """``[http]``: the API for applications, on ``server.http_listen``."""

    body_octets_max: Octets = field(default=Octets(4 << 20), validator=at_least(1_024))
    """A larger request is refused (413)."""
    batch_max: int = field(default=1_000, validator=at_least(1))
    """Messages in one call."""
    idempotency_ttl: Duration = field(default=Duration(86_400.0), validator=above(0))
    """How long the answer to a request with an ``Idempotency-Key`` is kept."""
