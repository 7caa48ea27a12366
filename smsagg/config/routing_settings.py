"""The table ``[routing]`` of the configuration file; part of :mod:`smsagg.config.schema`."""

from attrs import define, field

from smsagg.config.units import DataFile, Rate
from smsagg.config.validators import at_least


@define(frozen=True)
class RoutingSettings:
    """``[routing]``: where messages go."""

    default_pool: str = ""
    """Pool for countries that no pool names; empty: such messages are refused (ESME_RINVDSTADR)."""
    per_recipient: Rate | None = None
    """Messages to one destination number, from all accounts without a limit of their own; more are refused with
    ESME_RTHROTTLED. None: unlimited."""
    per_recipient_burst: int = field(default=10, validator=at_least(1))
    """Of them so many at once."""
    routes: DataFile | None = None
    """TOML of the rules (:mod:`smsagg.routing.rules.settings`); none: the countries of the pools decide alone."""
    networks: DataFile | None = None
    """CSV of mobile networks by leading digits (:mod:`smsagg.routing.networks`); none: networks are not known."""
