"""What requests and answers about numbers and number pools look like."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from smsagg.api.v1.messages.shapes import Instant

SECONDS_MAX = 10 * 366 * 86_400
Country = Annotated[str, Field(pattern="^([A-Z]{2}|001|)$", examples=["GB"])]
PoolName = Annotated[str, Field(max_length=64, examples=["gb-long"])]


class NumberAnswer(BaseModel):
    """A number, short code or name of the inventory."""

    number: Annotated[str, Field(examples=["447700900900"])]
    country: str
    type: Literal["long", "virtual", "short", "alphanumeric"]
    capabilities: list[str]
    status: str
    assignment: str
    """``dedicated``, ``shared``, or empty: nobody has it."""
    leased_until: datetime | None
    pool: str | None = None
    """This and what follows is told to the operator."""
    provider: str | None = None
    accounts: list[str] | None = None
    tags: list[str] | None = None
    quarantine_until: datetime | None = None


class NumbersAnswer(BaseModel):
    """A page of them, by number."""

    numbers: list[NumberAnswer]
    next_cursor: str | None


class NumberAssignment(BaseModel):
    """Who gets a number."""

    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(min_length=1, max_length=64, examples=["demo"])]
    until: Instant | None = None
    """Leased until then; ``null``: for good."""


class NumberAction(BaseModel):
    """What is done to a number."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["unassign", "suspend", "resume", "retire", "restore"]


class NumbersImported(BaseModel):
    """What an import did."""

    new: int
    changed: int
    unchanged: int


class NumberPoolSettings(BaseModel):
    """The rules of a number pool. See docs/numbers.md."""

    model_config = ConfigDict(extra="forbid")

    country: Country = ""
    purpose: Annotated[str, Field(max_length=64)] = ""
    types: list[Literal["long", "virtual", "short", "alphanumeric"]] = []
    rotation: Literal["round_robin", "least_recently_used", "sticky"] = "round_robin"
    limit: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    period_s: Annotated[int, Field(strict=True, ge=1, le=SECONDS_MAX)] = 86_400
    quarantine_s: Annotated[int | None, Field(strict=True, ge=0, le=SECONDS_MAX)] = None
    low_mark: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    fallback: Annotated[list[PoolName], Field(max_length=20)] = []


class NumberPoolAnswer(NumberPoolSettings):
    """A number pool."""

    name: str
    numbers: int
    available: int


class NumberPoolsAnswer(BaseModel):
    """A page of them, by name."""

    pools: list[NumberPoolAnswer]
    next_cursor: str | None
