"""The shape of what the configuration says about the HTTP API."""

from attrs import define, field

from smsagg.config.units import Duration, Octets
from smsagg.config.validators import above, at_least, each, network


@define(frozen=True)
class HttpSettings:
    """``[http]``: the API for applications, on ``server.http_listen``."""

    body_octets_max: Octets = field(default=Octets(4 << 20), validator=at_least(1_024))
    """A larger request is refused (413)."""
    batch_max: int = field(default=1_000, validator=at_least(1))
    """Messages in one call."""
    idempotency_ttl: Duration = field(default=Duration(86_400.0), validator=above(0))
    """How long the answer to a request with an ``Idempotency-Key`` is kept."""
    trusted_proxies: tuple[str, ...] = field(default=(), validator=each(network))
    """Networks of proxies whose ``X-Forwarded-For`` is believed; from elsewhere it is not read."""
