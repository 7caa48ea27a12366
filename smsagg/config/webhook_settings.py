"""The shape of what the configuration says about webhooks."""

from base64 import b64decode
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from smsagg.config.event_kinds import EVENT_KINDS
from smsagg.config.units import Duration, Rate
from smsagg.config.validators import above, between, each, network, not_empty, one_of


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
    batch_max: int = field(default=1, validator=between(1, 100))
    """Events in one request; 1: each event is a request. With more, requests are of the type ``webhook.batch``."""


@define(frozen=True)
class CallbackSettings:
    """``[accounts.NAME.callbacks]``: how servers are told that messages name as their ``callback_url``."""

    secret: str = field(repr=False, validator=[not_empty, webhook_secret])
    """As of a webhook, and so are the others."""
    old_secret: str = field(default="", repr=False, validator=webhook_secret)
    rate: Rate | None = None
    """Of each server."""
    concurrency: int = field(default=4, validator=between(1, 64))


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
    disable_after: Duration = field(default=Duration(432_000.0), validator=above(0))
    """An endpoint that has taken nothing for so long, whatever was tried, is told no more until it is enabled."""
    events_ttl: Duration = field(default=Duration(259_200.0), validator=above(0))
    """How long events are kept, and tried; what was not taken by then is given up."""
