"""The tables of the configuration file that say how long what is kept; part of :mod:`smsagg.config.schema`."""

from attrs import Factory, define, field

from smsagg.config.units import Duration
from smsagg.config.validators import at_least

SHORTEST_S = 3_600.0


@define(frozen=True)
class CountryRetentionSettings:
    """``[retention.countries.COUNTRY]``: of messages to that country whatever their account's periods are, at the
    latest after these."""

    bodies: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    numbers: Duration | None = field(default=None, validator=at_least(SHORTEST_S))


@define(frozen=True)
class RetentionSettings:
    """``[retention]``: what is taken out of messages a time after they were over. They themselves go by ``[store]
    history_ttl``. What is due is taken out within an hour."""

    bodies: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    """Texts; none: they are kept as long as the messages."""
    numbers: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    """Recipients' numbers, of which the first five digits stay; none: the same."""
    countries: dict[str, CountryRetentionSettings] = Factory(dict)
    body_digest_secret: str = field(default="", repr=False)
    """A secret: of each text that is taken out its HMAC-SHA-256 under this key is kept, to recognise it by. Empty: none
    is kept."""


@define(frozen=True)
class AccountRetentionSettings:
    """``[accounts.NAME.retention]``: the same for one account; what is absent is as for all."""

    bodies: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    numbers: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    history: Duration | None = field(default=None, validator=at_least(SHORTEST_S))
    """Instead of ``[store] history_ttl``."""
