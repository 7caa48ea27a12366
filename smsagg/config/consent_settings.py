"""The parts of the configuration file about what recipients want."""

from attrs import define, field

from smsagg.config.units import DataFile
from smsagg.config.validators import one_of

PASSES = ("otp",)


@define(frozen=True)
class AccountConsentSettings:
    """``[accounts.NAME.consent]``: what is done for an account when people answer with a keyword."""

    opt_out: str = field(default="account", validator=one_of("account", "sender", "off"))
    """Whose messages a STOP ends: all of the account's, or those of the number that it was said to; ``off``: the
    account sees to it by itself."""
    confirm: bool = True
    """Answer the first STOP and START, in the language of the keyword, from the number that was written to."""
    help_text: str = ""
    """What HELP is answered; empty: nothing."""


@define(frozen=True)
class ConsentSettings:
    """``[consent]``: suppressed numbers and opt-ins."""

    passes: tuple[str, ...] = PASSES
    """Message classes that an account's suppressions do not stop: what a recipient has just asked for. The operator's
    stop everything."""
    keywords: DataFile | None = None
    """A TOML file of the words by which people opt out and in, and of what they are answered; none: our own."""
