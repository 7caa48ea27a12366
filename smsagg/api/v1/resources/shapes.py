"""What requests and answers about accounts, pools, keywords, routes and cards look like."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

SOURCES = Literal["file", "api"]


class Settings(BaseModel):
    """The keys of its table in the configuration, in JSON. What is not one of them is refused."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]


class ResourceAnswer(BaseModel):
    """One of them."""

    name: Annotated[str, Field(examples=["gb"])]
    source: SOURCES
    """``file``: the configuration's files have it, and it is changed there."""
    in_force: bool
    problem: str | None
    """Why it is not in force."""
    settings: dict[str, object]
    """Without secrets."""


class ResourcesAnswer(BaseModel):
    """A page of them, by name."""

    items: list[ResourceAnswer]
    next_cursor: str | None
    """For the next page; ``null``: there are no more."""


class CardAnswer(BaseModel):
    """A rate card or a price list, without its rows."""

    name: Annotated[str, Field(examples=["alpha"])]
    """Of its carrier or its account."""
    source: SOURCES
    in_force: bool
    problem: str | None
    lines: int


class CardsAnswer(BaseModel):
    """A page of them, by name."""

    items: list[CardAnswer]
    next_cursor: str | None
