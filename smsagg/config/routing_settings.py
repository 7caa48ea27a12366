"""The table ``[routing]`` of the configuration file; part of :mod:`smsagg.config.schema`."""

from attrs import define

from smsagg.config.units import DataFile


@define(frozen=True)
class RoutingSettings:
    """``[routing]``: where messages go."""

    default_pool: str = ""
    """Pool for countries that no pool names; empty: such messages are refused (ESME_RINVDSTADR)."""
    routes: DataFile | None = None
    """TOML of the rules (:mod:`smsagg.routing.rules.settings`); none: the countries of the pools decide alone."""
    networks: DataFile | None = None
    """CSV of mobile networks by leading digits (:mod:`smsagg.routing.networks`); none: networks are not known."""
