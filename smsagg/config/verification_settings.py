"""The part of the configuration file about codes that prove whose a number is."""

from attrs import define, field

from smsagg.config.units import Duration, MessageLimit
from smsagg.config.validators import between

_TO_A_NUMBER = (MessageLimit(5, 600.0), MessageLimit(20, 86_400.0))
_TO_A_PREFIX = (MessageLimit(300, 3_600.0),)


@define(frozen=True)
class VerificationSettings:
    """``[verification]``: ``/v1/verifications``. Each account's codes are counted for itself."""

    ttl: Duration = field(default=Duration(600.0), validator=between(30, 86_400))
    """Life of a verification that asks for none."""
    attempts_max: int = field(default=5, validator=between(1, 20))
    """Wrong codes after which it has failed."""
    messages_max: int = field(default=4, validator=between(1, 10))
    """Messages of one verification, the first among them; each has a code of its own."""
    resend_interval: Duration = field(default=Duration(30.0), validator=between(0, 3_600))
    """At least so long between two of them."""
    recipient_limits: tuple[MessageLimit, ...] = _TO_A_NUMBER
    """Codes to a number, each limit within its time; more are refused (429)."""
    prefix_limits: tuple[MessageLimit, ...] = _TO_A_PREFIX
    """The same to a prefix of ``prefix_digits``: pumped traffic goes to neighbouring numbers."""
    prefix_digits: int = field(default=7, validator=between(3, 14))
    country_limits: tuple[MessageLimit, ...] = ()
    """The same to a country."""
    account_limits: tuple[MessageLimit, ...] = ()
    """The same in all."""
    collapse_share: float = field(default=0.3, validator=between(0.01, 0.99))
    """A prefix whose codes are typed in at less than this share of the rate elsewhere in its country raises an
    alarm."""
    collapse_codes: int = field(default=50, validator=between(5, 1_000_000))
    """Verifications of the prefix, and of the rest of the country, before anything is said."""
    kept: Duration = field(default=Duration(86_400.0), validator=between(60, 31_536_000))
    """How long one can be looked at when its life is over."""
