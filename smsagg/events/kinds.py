"""What it is called that a message came to a state: the kind of the event, and the word for where it stands."""

from smsagg.config.event_kinds import CANCELLED, DELIVERED, EXPIRED, FAILED, QUEUED, SENT
from smsagg.model import MessageState

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
