"""What requests and answers look like: the shapes that OpenAPI shows and that requests are checked against."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TEXT_CHARACTERS_MAX = 4_000
REFERENCE_CHARACTERS_MAX = 100
PARAMS_MAX = 20
TTL_S_MAX = 30 * 86_400

MessageType = Literal["otp", "transactional", "marketing"]
State = Literal[
    "scheduled", "queued", "sent", "delivered", "undelivered", "expired", "rejected", "cancelled", "accepted", "unknown"
]


def _is_written_out(value: Any) -> Any:
    """Numbers and bare dates would be taken for instants too."""
    if not isinstance(value, str) or not _WRITTEN_OUT.match(value):
        raise ValueError("is no instant as RFC 3339 writes it")
    return value


_WRITTEN_OUT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
Instant = Annotated[datetime, BeforeValidator(_is_written_out), Field(strict=False)]
"""RFC 3339, in a request."""


class Body(BaseModel):
    """What a request says: nothing that is not asked for, and each value of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewMessage(Body):
    """A message to be sent."""

    model_config = ConfigDict(populate_by_name=True)

    to: Annotated[str, Field(min_length=3, max_length=32, examples=["+447700900123"])]
    """The recipient: international with or without ``+``, or as people write it in ``region``."""
    sender: Annotated[str, Field(alias="from", max_length=20, pattern="^[ -~]*$", examples=["ACME"])] = ""
    """A name, a number or a short code; empty: the account's default."""
    text: Annotated[
        str | None, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX, examples=["Your code is on its way."])
    ] = None
    """What it says; or ``template``."""
    template: Annotated[str | None, Field(min_length=1, max_length=64, examples=["parcel"])] = None
    """The name of one that has the text."""
    params: Annotated[dict[str, object] | None, Field(max_length=PARAMS_MAX, examples=[{"shop": "ACME"}])] = None
    """Values for the template's parameters, each of its type."""
    locale: Annotated[str, Field(max_length=11, examples=["de-AT"])] = ""
    """In which of the template's languages: this one, else without its last part, else its default."""
    message_type: MessageType | None = None
    """Becomes the message class of that name, if the configuration has one."""
    region: Annotated[str | None, Field(pattern="^[A-Z]{2}$", examples=["GB"])] = None
    """Country that ``to`` is written in the way of; needed for national numbers."""
    ttl: Annotated[int | None, Field(ge=1, le=TTL_S_MAX, examples=[300])] = None
    """Seconds until it is of no use any more."""
    send_at: Instant | None = None
    """Not before; needs a time zone."""
    priority: Annotated[int, Field(ge=0, le=3)] = 0
    reference: Annotated[str, Field(max_length=REFERENCE_CHARACTERS_MAX, examples=["order-4711"])] = ""
    """Your own name for it; can be searched for."""
    callback_url: Annotated[str, Field(max_length=2_000, examples=["https://shop.example/sms/4711"])] = ""
    """Where to tell of this message, beside the account's webhooks."""


class NewBatch(Body):
    """Messages to be sent, each for itself."""

    messages: Annotated[list[NewMessage], Field(min_length=1)]


class Price(BaseModel):
    """An amount of money, exact."""

    amount: Annotated[str, Field(examples=["0.0360"])]
    currency: Annotated[str, Field(examples=["EUR"])]


class MessageAnswer(BaseModel):
    """A message."""

    id: Annotated[str, Field(examples=["00000001b5d0c9f2"])]
    state: State
    to: str
    sender: Annotated[str, Field(alias="from")]
    alphabet: Literal["gsm7", "ucs2", "other"]
    segments: int
    price: Price | None
    """Of all segments together: what is reserved; ``null`` without a price list."""
    reference: str
    accepted_at: datetime
    send_at: datetime | None
    expires_at: datetime
    done_at: datetime | None
    error: str | None
    """Why it failed, in one word."""
    sandbox: bool
    """Whether it went to a simulated handset, and cost nothing."""


class MessagesAnswer(BaseModel):
    """A page of messages, the newest first."""

    messages: list[MessageAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there are no more."""


class BatchResult(BaseModel):
    """What became of one message of a batch: the message, or a problem."""

    index: int
    message: MessageAnswer | None = None
    problem: dict[str, object] | None = None


class BatchAnswer(BaseModel):
    """One result for each message, in the order of the request."""

    accepted: int
    refused: int
    results: list[BatchResult]


class EventAnswer(BaseModel):
    """One thing that happened, as webhooks tell it."""

    type: Annotated[str, Field(examples=["message.delivered"])]
    id: Annotated[str, Field(examples=["evt_00000000002a"])]
    timestamp: datetime
    data: dict[str, object]


class EventsAnswer(BaseModel):
    """A page of events, the oldest first."""

    events: list[EventAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there is nothing more yet."""


class ProblemAnswer(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, object]] = []
