"""Who is to blame for failures, what to do about what carriers show, and how much of one thing is enough. Pure."""

from smsagg.shaping.failures import Culprit, FailureRun, culprit_of
from smsagg.shaping.recipients import RecipientCap

__all__ = ["Culprit", "FailureRun", "RecipientCap", "culprit_of"]
