"""Why a message was not delivered, in one vocabulary for all carriers, whose ``err`` codes all mean something else."""

from enum import IntEnum


class Cause(IntEnum):
    """Canonical causes. The values stand in customers' receipts where the configuration says so, and never change."""

    NONE = 0
    """Delivered, or not over yet."""
    UNSPECIFIED = 1
    """The carrier said that it failed, and nothing that we know."""
    UNKNOWN_SUBSCRIBER = 2
    """The number is assigned to nobody."""
    INVALID_NUMBER = 3
    ABSENT_SUBSCRIBER = 4
    """Switched off or out of reach."""
    SUBSCRIBER_BUSY = 5
    MEMORY_FULL = 6
    HANDSET_ERROR = 7
    SERVICE_NOT_PROVISIONED = 8
    """The number, or its handset, cannot have text messages."""
    BARRED = 9
    """The subscriber, or the operator for it, refuses text messages."""
    PORTABILITY_ERROR = 10
    NETWORK_ERROR = 11
    CONGESTION = 12
    NO_ROUTE = 13
    BLOCKED = 14
    """Refused by the carrier without a closer reason."""
    SPAM = 15
    SENDER_NOT_ALLOWED = 16
    CONTENT_NOT_ALLOWED = 17
    INVALID_MESSAGE = 18
    OPTED_OUT = 19
    AGE_RESTRICTED = 20
    NO_CREDIT = 21
    EXPIRED = 22
    """Its time was up at the carrier."""
    DELETED = 23
    REJECTED = 24
    OUTSIDE_HOURS = 25
    """Its time was up before its country's sending hours began."""

    @property
    def is_permanent(self) -> bool:
        """Whether the same message, sent again a while later, would fail again."""
        return self in _PERMANENT


_PERMANENT = frozenset(
    {
        Cause.UNKNOWN_SUBSCRIBER,
        Cause.INVALID_NUMBER,
        Cause.SERVICE_NOT_PROVISIONED,
        Cause.BARRED,
        Cause.NO_ROUTE,
        Cause.BLOCKED,
        Cause.SPAM,
        Cause.SENDER_NOT_ALLOWED,
        Cause.CONTENT_NOT_ALLOWED,
        Cause.INVALID_MESSAGE,
        Cause.OPTED_OUT,
        Cause.AGE_RESTRICTED,
        Cause.DELETED,
        Cause.REJECTED,
    }
)
