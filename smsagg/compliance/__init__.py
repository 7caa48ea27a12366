"""What the countries' laws and carriers ask of messages, as data. Pure."""

from smsagg.compliance.hours import Hours, opens_at
from smsagg.compliance.judge import Allowed, Asked, Judge, added
from smsagg.compliance.rules import NO_RULES, ComplianceMap, CountryRules, RequiredText, Senders

__all__ = [
    "NO_RULES",
    "Allowed",
    "Asked",
    "ComplianceMap",
    "CountryRules",
    "Hours",
    "Judge",
    "RequiredText",
    "Senders",
    "added",
    "opens_at",
]
