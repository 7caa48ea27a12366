"""Codes that prove whose a number is: how they are made and compared, and what becomes of a verification. Pure."""

from smsagg.verification.codes import digest_of, new_code, place_of
from smsagg.verification.limits import CodeLimits, Exceeded
from smsagg.verification.texts import code_text
from smsagg.verification.verification import Verification, VerificationState

__all__ = [
    "CodeLimits",
    "Exceeded",
    "Verification",
    "VerificationState",
    "code_text",
    "digest_of",
    "new_code",
    "place_of",
]
