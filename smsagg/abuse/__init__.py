"""What an account may send where, how fast, and what is suspicious about it. Pure: time is an argument."""

from smsagg.abuse.checks import Checks, Finding
from smsagg.abuse.content import NO_CONTENT_RULES, ContentMatch, ContentRule, ContentRules
from smsagg.abuse.rules import AbuseRules, rules_of

__all__ = [
    "NO_CONTENT_RULES",
    "AbuseRules",
    "Checks",
    "ContentMatch",
    "ContentRule",
    "ContentRules",
    "Finding",
    "rules_of",
]
