"""The part of the configuration file about what recipients want."""

from attrs import define

PASSES = ("otp",)


@define(frozen=True)
class ConsentSettings:
    """``[consent]``: suppressed numbers and opt-ins."""

    passes: tuple[str, ...] = PASSES
    """Message classes that an account's suppressions do not stop: what a recipient has just asked for. The operator's
    stop everything."""
