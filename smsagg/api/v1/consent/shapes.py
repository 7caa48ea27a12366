"""What requests and answers about suppressed numbers and opt-ins look like."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from smsagg.api.v1.messages.shapes import Body, Instant
from smsagg.consent.listing import EVIDENCE_CHARACTERS_MAX, HOW_CHARACTERS_MAX, SENDER_CHARACTERS_MAX

Number = Annotated[str, Field(min_length=3, max_length=32, examples=["+447700900123"])]
Sender = Annotated[str, Field(max_length=SENDER_CHARACTERS_MAX, pattern="^[ -~]*$", examples=["ACME"])]


class NewSuppression(Body):
    """A number that is to get nothing."""

    number: Number
    sender: Sender = ""
    """Nothing from this sender; empty: nothing at all."""
    evidence: Annotated[str, Field(max_length=EVIDENCE_CHARACTERS_MAX, examples=["asked by telephone"])] = ""


class NewConsent(Body):
    """A number whose owner asked for messages."""

    number: Number
    sender: Sender = ""
    """From this sender; empty: from the account."""
    at: Instant | None = None
    """When it was said; default: now."""
    how: Annotated[str, Field(min_length=1, max_length=HOW_CHARACTERS_MAX, examples=["web form"])] = "api"
    evidence: Annotated[str, Field(max_length=EVIDENCE_CHARACTERS_MAX, examples=["example.com/join, 192.0.2.7"])] = ""


class RecordAnswer(BaseModel):
    """A number in a list."""

    number: Annotated[str, Field(examples=["447700900123"])]
    sender: str | None
    at: datetime
    how: Annotated[str, Field(examples=["keyword"])]
    """``keyword``, ``api``, ``import``, ``operator``, or as the account calls it."""
    evidence: str


class ListAnswer(BaseModel):
    """A page of a list, by number and sender."""

    records: list[RecordAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there are no more."""


class ImportAnswer(BaseModel):
    """What became of a list."""

    rows: Annotated[int, Field(examples=[1000])]
    """That were right, and are in force."""
    changed: Annotated[int, Field(examples=[998])]
    """Of these, those that were not there before."""
    wrong: Annotated[int, Field(examples=[1])]
    """That were left out."""
    problems: list[str]
    """The first of what is wrong, with its line."""
