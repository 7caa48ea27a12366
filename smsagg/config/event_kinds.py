"""The kinds of events, the one list of them; their names never change."""

QUEUED = "message.queued"
HELD = "message.held"
SENT = "message.sent"
DELIVERED = "message.delivered"
FAILED = "message.failed"
EXPIRED = "message.expired"
CANCELLED = "message.cancelled"
INBOUND = "message.inbound"
OPTED_OUT = "recipient.opted_out"
OPTED_IN = "recipient.opted_in"
NUMBER = "number."
ALERT = "account.alert"
ACCEPTED = "message.accepted"
ATTEMPT = "message.attempt"
"""Of the timeline of a message only: nobody is told of these two by themselves."""
TEST = "webhook.test"
"""Sent when it is asked for, whatever else an endpoint is told of."""
BATCH = "webhook.batch"
"""Several events in one request."""

EVENT_KINDS = (
    QUEUED, HELD, SENT, DELIVERED, FAILED, EXPIRED, CANCELLED, INBOUND,
    OPTED_OUT, OPTED_IN,
    "number.assigned", "number.leased", "number.renewed", "number.released", "number.expired",
    "number.suspended", "number.resumed",
    ALERT,
)  # fmt: skip
"""What an endpoint may be told of."""
MESSAGE_KINDS = (QUEUED, HELD, SENT, DELIVERED, FAILED, EXPIRED, CANCELLED)
"""Of these what happens to messages that an account sends."""
