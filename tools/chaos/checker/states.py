"""Message states as SMPP 3.4 §5.2.28 numbers them, and what answers and requests mean for receipts."""

from tools.chaos.history import Submit

ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED = range(1, 9)
FINAL = frozenset({DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED})
WORDS = {
    DELIVERED: "DELIVRD",
    EXPIRED: "EXPIRED",
    DELETED: "DELETED",
    UNDELIVERABLE: "UNDELIV",
    ACCEPTED: "ACCEPTD",
    UNKNOWN: "UNKNOWN",
    REJECTED: "REJECTD",
}
SUCCESS = frozenset({DELIVERED, ACCEPTED})
AGAIN = frozenset({-1, 0x04, 0x08, 0x14, 0x45, 0x58, 0x64, 0x67, 0xFE, 0xFF})
"""Answers of a client after which a receipt comes again: none, or one that says later."""


def wants_receipt(submit: Submit, state: int) -> bool:
    """Whether the registered_delivery asks to hear of this end: of none, of every, of failure, of success."""
    asked = submit.registered_delivery & 0x03
    return asked == 1 or (asked == 2 and state not in SUCCESS) or (asked == 3 and state in SUCCESS)
