"""The tables of the configuration file that judge carriers; part of :mod:`smsagg.config.schema`."""

from attrs import define, field

from smsagg.config.amounts import Amount
from smsagg.config.units import Duration
from smsagg.config.validators import above, at_least, between, msisdn, one_of, sender


@define(frozen=True)
class QualitySettings:
    """``[quality]``: how carriers are judged in each country, for the policies ``quality`` and ``combined``."""

    half_life: Duration = field(default=Duration(600.0), validator=above(0))
    """What happened so long ago counts half; ten times quicker for the worse."""
    latency_good: Duration = field(default=Duration(15.0), validator=above(0))
    """A carrier whose median receipt takes longer loses some of its score."""
    receipts_within: Duration = field(default=Duration(60.0), validator=above(0))
    """A receipt of a carrier whose own latency is not known yet is missing after this."""
    explore: float = field(default=0.01, validator=between(0, 0.5))
    """Share of a country's messages that goes to carriers which are not the best, to see whether they are."""
    explore_every: Duration = field(default=Duration(60.0), validator=above(0))
    """Of a country that has messages at least one goes to such a carrier in this time."""


@define(frozen=True)
class ProbeSettings:
    """``[[probes]]``: messages of our own through each carrier of a pool, to a number whose fate is known."""

    pool: str
    number: str = field(validator=msisdn)
    """International, digits alone."""
    expected: str = field(validator=one_of("undeliverable", "delivered"))
    """``undeliverable``: nobody has the number; a carrier that reports it as reached reports falsely. ``delivered``:
    somebody has it; what becomes of the message counts as that of any other."""
    every: Duration = field(default=Duration(600.0), validator=at_least(1))
    """Between two messages through one carrier; sooner while its receipts are doubted."""
    within: Duration = field(default=Duration(600.0), validator=above(0))
    """A report that comes later tells nothing."""
    sender: str = field(default="", validator=sender)
    text: str = "."
    messages_per_day_max: int = field(default=1_000, validator=at_least(1))
    """Through all carriers together, in a day of UTC."""
    cost_per_day_max: Amount | None = None
    """In the base currency, by the carriers' rate cards; none: only the number of messages is bounded."""
