"""The part of the configuration file about what countries ask for."""

from attrs import define

from smsagg.config.units import DataFile


@define(frozen=True)
class ComplianceSettings:
    """``[compliance]``: the rules of countries."""

    file: DataFile | None = None
    """A TOML file with a section for each country (``configs/compliance.toml``); none: no country asks for anything."""
