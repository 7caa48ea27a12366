"""Who is to blame for failures, what to do about what carriers show, and how much of one thing is enough. Pure."""

from smsagg.shaping.failures import Culprit, FailureRun, culprit_of

__all__ = ["Culprit", "FailureRun", "culprit_of"]
