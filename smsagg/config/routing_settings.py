"""The table ``[routing]`` of the configuration file; part of :mod:`smsagg.config.schema`."""

from typing import Any

from attrs import define, field

from smsagg.config.units import DataFile, Duration, Rate
from smsagg.config.validators import above, at_least, not_empty


@define(frozen=True)
class LookupSettings:
    """``[routing.lookup]``: look up the present network of numbers, which may be ported. ``type`` picks the plug-in,
    ``settings`` is the plug-in's own class, already checked.

    The keys common to every type stand here; all others belong to the plug-in.
    """

    type: str
    settings: Any
    countries: tuple[str, ...] = field(validator=not_empty)
    """ISO 3166 codes of the countries whose numbers are looked up."""
    deadline: Duration = field(default=Duration(0.5), validator=above(0))
    """A message waits no longer for the answer; then it has the network of its prefix."""
    concurrency_max: int = field(default=100, validator=at_least(1))
    """Look-ups under way; messages that come meanwhile have the network of their prefix."""
    cache_max: int = field(default=100_000, validator=at_least(1))
    """Answers that are remembered."""
    ttl: Duration = field(default=Duration(86_400.0), validator=above(0))
    """How long an answer is remembered."""
    negative_ttl: Duration = field(default=Duration(3_600.0), validator=above(0))
    """The same, of an answer that nothing is known of the number."""


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
    lookup: LookupSettings | None = None
    """``[routing.lookup]``; none: numbers are not looked up."""
