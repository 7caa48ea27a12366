"""The part of the configuration file about abuse: what an account may send where, how fast, and what is suspicious."""

from attrs import define, field

from smsagg.config.units import DataFile, Duration, MessageLimit
from smsagg.config.validators import above, at_least, between, digit_prefix, each, one_of

TAKEOVER_SIGNS = ("volume", "country", "network")


@define(frozen=True)
class AccountAbuseSettings:
    """``[accounts.NAME.abuse]``: each key that is left out is as ``[abuse]`` says."""

    countries: tuple[str, ...] | None = None
    """Destination countries that are enabled, by ISO 3166 code; none: all. Others get ESME_RINVDSTADR."""
    countries_blocked: tuple[str, ...] | None = None
    """Destination countries that are not, whatever ``countries`` says."""
    numbers: str | None = field(default=None, validator=one_of("off", "possible", "valid", "mobile"))
    """Which destination numbers are taken, by the numbering plans: any (``off``), those of a ``possible`` length,
    those in an assigned range (``valid``), and of these only those that may be ``mobile``. Others get
    ESME_RINVDSTADR."""
    limits: tuple[MessageLimit, ...] | None = None
    """Messages in all, each within its time: ``["100/m", "2000/h"]``. More get ESME_RTHROTTLED."""
    country_limits: tuple[MessageLimit, ...] | None = None
    """The same to each country."""
    prefix_limits: tuple[MessageLimit, ...] | None = None
    """The same to each prefix of ``prefix_digits``."""
    prefix_digits: int | None = field(default=None, validator=between(3, 14))
    """Leading digits of a number that make its prefix; default 7."""
    sequences: str | None = field(default=None, validator=one_of("off", "monitor", "throttle", "block"))
    """Whether runs of neighbouring numbers are looked for, and what is done to the prefix of one for ``block_for``:
    nothing but the alarm, ``throttle`` it to ``throttle_to``, or ``block`` it (ESME_RTHROTTLED). Default ``off``."""
    sequences_numbers: int | None = field(default=None, validator=between(5, 1_000))
    """Numbers with a near neighbour, of one thousand numbers, that are a run; default 50."""
    sequences_gap: int | None = field(default=None, validator=between(1, 50))
    """Numbers no further apart are near neighbours; default 2."""
    sequences_window: Duration | None = field(default=None, validator=above(0))
    """Numbers of so long are looked at together; default 10m."""
    sequences_exempt: tuple[str, ...] | None = field(default=None, validator=each(digit_prefix))
    """Prefixes in which runs are right: a company's own numbers."""
    delivery_collapse: str | None = field(default=None, validator=one_of("off", "monitor", "block"))
    """Whether prefixes are looked for in which far fewer messages are delivered than elsewhere in the country, and
    what is done to one for ``block_for``: nothing but the alarm, or ``block`` it. Default ``off``."""
    delivery_collapse_share: float | None = field(default=None, validator=between(0.01, 0.99))
    """Below this share of the country's delivery rate it is a collapse; default 0.3."""
    delivery_collapse_messages: int | None = field(default=None, validator=at_least(5))
    """Messages to the prefix, and to the rest of the country, that are over before anything is said; default 50."""
    bounces: str | None = field(default=None, validator=one_of("off", "monitor", "freeze"))
    """What is done about an account of whose messages more than ``bounces_share`` do not arrive: nothing but the alarm,
    or ``freeze`` it. Default ``off``."""
    bounces_share: float | None = field(default=None, validator=between(0.01, 0.99))
    """Default 0.3."""
    opt_outs: str | None = field(default=None, validator=one_of("off", "monitor", "freeze"))
    """The same when more than ``opt_outs_share`` of them are answered with a STOP. Default ``off``."""
    opt_outs_share: float | None = field(default=None, validator=between(0.001, 0.99))
    """Default 0.05."""
    reputation_messages: int | None = field(default=None, validator=at_least(10))
    """Messages that are over, within some hours, before either is said; default 200."""
    block_for: Duration | None = field(default=None, validator=above(0))
    """Default 1h."""
    throttle_to: MessageLimit | None = None
    """What a throttled prefix may still have; default ``"10/m"``."""
    duplicates: str | None = field(default=None, validator=one_of("off", "refuse", "drop"))
    """Of a message with recipient and text of another within ``duplicates_period``: ``refuse`` it with
    ESME_RSUBMITFAIL, or ``drop`` it and answer ESME_ROK with the id of the first. Default ``off``."""
    duplicates_period: Duration | None = field(default=None, validator=between(1, 86_400))
    """Default 5m."""
    takeover: str | None = field(default=None, validator=one_of("off", "monitor", "freeze"))
    """Whether the account's ways are learned and a break with them raises an alarm, for its credentials may be
    stolen: ``monitor``, or ``freeze`` the account then. Default ``off``."""
    takeover_freeze_on: tuple[str, ...] | None = field(default=None, validator=each(one_of(*TAKEOVER_SIGNS)))
    """The signs that freeze it: ``volume``, a ``country`` or a ``network`` that is new; default ``["volume"]``."""
    takeover_factor: float | None = field(default=None, validator=between(2, 10_000))
    """Times its usual hourly volume that are a sign; default 20."""
    takeover_messages: int | None = field(default=None, validator=at_least(1))
    """Messages in an hour that never are one; default 1000."""
    takeover_after: Duration | None = field(default=None, validator=at_least(3_600))
    """How long its ways are learned before a break with them is seen; default 1d."""


@define(frozen=True)
class AbuseSettings(AccountAbuseSettings):
    """``[abuse]``: what holds for every account that says nothing else, and what all share."""

    content_rules: DataFile | None = None
    """TOML file with rules on what texts say; none: none."""
    prefix_limits_all: tuple[MessageLimit, ...] = ()
    """Messages to each prefix of ``prefix_digits`` from all accounts together, each within its time."""
    tracked_max: int = field(default=100_000, validator=between(1_000, 10_000_000))
    """Prefixes, and thousands of numbers, that each check counts at a time; the least recently used are forgotten."""
    duplicates_max: int = field(default=100_000, validator=between(1_000, 10_000_000))
    """Messages of an account that are remembered to know duplicates by; the oldest are forgotten first."""
    alarm_interval: Duration = field(default=Duration(60.0), validator=above(0))
    """An alarm that goes on is logged once in this time."""
