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
