"""What an account may submit. Pure: refusals are values."""

from smsagg.policy.submit_rules import Lifetime, check_body, check_flags, choose_body, lifetime

__all__ = ["Lifetime", "check_body", "check_flags", "choose_body", "lifetime"]
