"""The kinds of events; their names never change."""

from smsagg.model import MessageState

QUEUED = "message.queued"
SENT = "message.sent"
DELIVERED = "message.delivered"
FAILED = "message.failed"
EXPIRED = "message.expired"
CANCELLED = "message.cancelled"
INBOUND = "message.inbound"

KINDS = (QUEUED, SENT, DELIVERED, FAILED, EXPIRED, CANCELLED, INBOUND)
"""All of them."""

_OF_STATE = {
    MessageState.QUEUED: QUEUED,
    MessageState.ENROUTE: SENT,
    MessageState.ACCEPTED: SENT,
    MessageState.DELIVERED: DELIVERED,
    MessageState.EXPIRED: EXPIRED,
    MessageState.DELETED: CANCELLED,
    MessageState.UNDELIVERABLE: FAILED,
    MessageState.REJECTED: FAILED,
    MessageState.UNKNOWN: FAILED,
}


WORDS = {
    MessageState.QUEUED: "queued",
    MessageState.SENDING: "queued",
    MessageState.ENROUTE: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERABLE: "undelivered",
    MessageState.EXPIRED: "expired",
    MessageState.REJECTED: "rejected",
    MessageState.DELETED: "cancelled",
    MessageState.ACCEPTED: "accepted",
    MessageState.UNKNOWN: "unknown",
}
"""What applications call states."""


def kind_of(state: MessageState) -> str:
    """What it is called that a message came to ``state``, any but SENDING."""
    return _OF_STATE[state]
