"""What answers about events look like."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class HappeningAnswer(BaseModel):
    """One thing that happened to a message."""

    type: Annotated[str, Field(examples=["message.attempt"])]
    id: Annotated[str | None, Field(examples=["evt_00000000002a"])]
    """``null``: it was not told of, so nobody knows it by an id."""
    timestamp: datetime
    data: Annotated[dict[str, object], Field(examples=[{"attempt": 1, "part": None, "outcome": "accepted"}])]


class TimelineAnswer(BaseModel):
    """What happened to a message, in order."""

    events: list[HappeningAnswer]


class InboundAnswer(BaseModel):
    """A message from a handset."""

    id: Annotated[str, Field(examples=["evt_00000000002a"])]
    """Of the event that tells of it, too."""
    to: Annotated[str, Field(examples=["447700900000"])]
    sender: Annotated[str, Field(alias="from", examples=["447700900123"])]
    """Masked for who does not see texts."""
    text: Annotated[str | None, Field(examples=["STOP"])]
    """``null``: it is no text, or the caller does not see texts."""
    body: str | None
    """Its octets in hexadecimal, with the user data header if it has one."""
    data_coding: int
    received_at: datetime
    sandbox: bool
    """Whether a simulated handset wrote it."""


class InboundPageAnswer(BaseModel):
    """A page of messages from handsets, the oldest first."""

    messages: list[InboundAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there is nothing more yet."""
