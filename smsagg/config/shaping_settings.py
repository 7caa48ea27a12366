"""The tables of the configuration file that say what is done about carriers and countries that do badly."""

from attrs import define, field

from smsagg.config.units import Duration, Rate, StatusCode
from smsagg.config.validators import above, at_least, between, not_empty, one_of

CONDITIONS = (
    "status_count",
    "status_share",
    "error_share",
    "temporary_share",
    "response_latency",
    "delivery_below",
    "receipt_latency",
)
"""Keys of :class:`ShapingRuleSettings` of which a rule has exactly one."""
ACTIONS = ("slow", "suspend", "shift")
_SHARE = between(0, 1)


@define(frozen=True)
class ShapingRuleSettings:
    """``[[shaping_rules]]``: when a carrier does badly, it gets less for a time."""

    name: str = field(validator=not_empty)
    """In logs, metrics and ``smsagg carrier status``; each rule its own."""
    action: str = field(validator=one_of(*ACTIONS))
    """``slow`` (to ``factor`` or ``rate``), ``suspend`` (nothing goes there), ``shift`` (others get all but
    ``share``)."""
    carrier: str = "*"
    """Or ``"*"``: each carrier by itself."""
    country: str = ""
    """ISO code; ``"*"``: each country by itself; empty: all that the carrier does, as one."""
    statuses: tuple[StatusCode, ...] = ()
    """What ``status_count`` and ``status_share`` look for."""
    status_count: int | None = field(default=None, validator=at_least(1))
    """One of these, which stand for the rule's condition: so many answers with one of ``statuses`` in the window."""
    status_share: float | None = field(default=None, validator=_SHARE)
    """Answers with one of ``statuses``: at least this share of the attempts."""
    error_share: float | None = field(default=None, validator=_SHARE)
    """Attempts that were refused, throttled or not answered: at least this share."""
    temporary_share: float | None = field(default=None, validator=_SHARE)
    """Temporary refusals: at least this share of the attempts."""
    response_latency: Duration | None = field(default=None, validator=above(0))
    """The ``percentile`` of the time from submit_sm to its answer: at least so long. Sampled."""
    delivery_below: float | None = field(default=None, validator=_SHARE)
    """Of the receipts that came, less than this share say delivered."""
    receipt_latency: Duration | None = field(default=None, validator=above(0))
    """The ``percentile`` of the time from hand-over to receipt: at least so long; known within a factor of two."""
    percentile: float = field(default=0.5, validator=between(0.01, 0.999))
    window: Duration = field(default=Duration(60.0), validator=between(1, 86_400))
    """What is looked at."""
    samples_min: int = field(default=20, validator=at_least(1))
    """Attempts, or receipts, in the window below which nothing is concluded."""
    hysteresis: float = field(default=0.2, validator=between(0, 1))
    """When the action's time is over, it goes on unless the value is better than the threshold by this share."""
    factor: float = field(default=0.5, validator=between(0.001, 1))
    """``slow``: of the contracted rate, or without one of what it took lately."""
    rate: Rate | None = None
    """``slow``: to this, instead of ``factor``."""
    share: float = field(default=0.1, validator=_SHARE)
    """``shift``: of what it would get otherwise; under ``weighted``, of its weight."""
    lasting: Duration = field(default=Duration(300.0), validator=above(0))
    """How long the action lasts at least."""
    leave_last: bool = True
    """``suspend``: not when some country would have no carrier left."""


@define(frozen=True)
class CountrySettings:
    """``[countries.XX]``: all that goes to one country, whatever carrier takes it."""

    rate: Rate | None = None
    """Messages per second at most; none: unlimited."""
    adaptive: bool = False
    """Halve the pace while much goes wrong there, and recover step by step."""
    errors_above: float = field(default=0.5, validator=between(0.01, 1))
    """With ``adaptive``: share of attempts that fail, over all carriers, from which it is halved."""
    samples_min: int = field(default=20, validator=at_least(1))
    """Attempts within ten seconds below which nothing is concluded."""
