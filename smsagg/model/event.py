"""What happened to an account's messages and numbers, for those who follow it: webhooks, pages of the API, streams."""

from typing import NamedTuple


class Event(NamedTuple):
    """One thing that happened. Never changed."""

    event_id: int
    """1 upwards in the order of what happened, never reused."""
    account: str
    kind: str
    """``"message.delivered"`` and so on: :mod:`smsagg.events.kinds`."""
    at: int
    """UTC milliseconds."""
    message_id: str
    """The message that it happened to; ``""`` for none."""
    document: bytes
    """JSON: what receivers are told."""


class EventDelivery(NamedTuple):
    """That an endpoint is owed an event. Kept until it took the event, or its time is over."""

    endpoint: str
    """``account/name``, or ``account/https://host:port`` for the callbacks that messages name themselves."""
    event_id: int
    attempts: int = 0
    next_attempt_at: int = 0
    url: str = ""
    """Of a callback: where it goes; ``""``: where the endpoint's settings say."""
