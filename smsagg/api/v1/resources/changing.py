"""Changing what has a name: who may, which version of it they saw, and what is answered when it cannot be."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import Path, Request

from smsagg.api.v1.problem import Problem
from smsagg.directory.audit import Actor
from smsagg.errors import (
    ConfigError,
    ControlError,
    NotInForce,
    ProvidedByFile,
    RegisterFull,
    StaleValue,
    StoreError,
)

NAME = r"^[A-Za-z0-9_.-]{1,64}$"
Name = Path(pattern=NAME, max_length=64, examples=["gb"])
ERRORS_MAX = 50
ABSENT = ""
_ETAG = {"name": "ETag", "description": "Tells this version of it; for `If-Match`.", "schema": {"type": "string"}}
TAGGED = {"ETag": {"description": _ETAG["description"], "schema": _ETAG["schema"]}}
IF_MATCH = [
    {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "Only if it is the version with this ETag.",
        "schema": {"type": "string"},
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "`*`: only if there is none yet.",
        "schema": {"type": "string"},
        "example": "*",
    },
]


class FoundResource(Protocol):
    """One that has a name."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def value(self) -> Mapping[str, Any]: ...
    @property
    def problem(self) -> str: ...
    @property
    def tag(self) -> str: ...


class ResourceDesk(Protocol):
    """What :class:`smsagg.reload.entities.Entities` does."""

    def all(self, kind: str) -> Mapping[str, Any]: ...
    def find(self, kind: str, name: str) -> Any: ...
    def is_put(self, kind: str, name: str) -> bool: ...
    async def put(
        self, by: Actor, kind: str, name: str, value: Mapping[str, Any], tag: str | None, action: str = ""
    ) -> bool: ...
    async def delete(self, by: Actor, kind: str, name: str, tag: str | None) -> bool: ...


Desk = Callable[[], ResourceDesk | None]
"""``None``: the configuration did not come from a file, so there is nothing to lay things over."""


def opened(desk: Desk) -> ResourceDesk:
    """Raises :class:`Problem` 503 while there is none."""
    found = desk()
    if found is None:
        raise Problem(503, "not-ready", "The configuration cannot be changed now.", headers={"Retry-After": "1"})
    return found


def etag(tag: str) -> dict[str, str]:
    """The header that tells a version."""
    return {"ETag": f'"{tag}"'}


def wanted_tag(request: Request) -> str | None:
    """The version that must be there, ``""`` none, ``None`` any; raises :class:`Problem` 422 for anything else."""
    absent = request.headers.get("if-none-match", "").strip()
    if absent == "*":
        return ABSENT
    if absent:
        raise _wrong("If-None-Match", "must be *")
    tag = request.headers.get("if-match", "").strip()
    if not tag or tag == "*":
        return None
    if len(tag) < 2 or tag[0] != '"' or tag[-1] != '"' or '"' in tag[1:-1]:
        raise _wrong("If-Match", "must be one ETag, in its quotes")
    return tag[1:-1] or "none"


def _wrong(header: str, reason: str) -> Problem:
    return Problem(422, "invalid-request", f"{header} {reason}.", [{"path": header, "detail": reason}])


@asynccontextmanager
async def changing(what: str, name: str, *, is_deleting: bool = False) -> AsyncIterator[None]:
    """Why it cannot be, as a :class:`Problem`; ``what`` it is, as problems call it (``pool``)."""
    try:
        yield
    except ConfigError as error:
        status, kind = (409, "in-use") if is_deleting else (422, "invalid-settings")
        detail = f"Without the {what} {name} the rest does not fit." if is_deleting else f"The {what} does not fit."
        raise Problem(status, kind, detail, errors_of(str(error), f"{what} {name}")) from error
    except StaleValue as error:
        raise Problem(412, "changed-meanwhile", f"The {what} is another than you saw.") from error
    except ProvidedByFile as error:
        detail = f"The configuration's files have the {what}: change it there."
        raise Problem(409, "provided-by-file", detail) from error
    except NotInForce as error:
        detail = "The configuration's files are others than those in force: reload them first."
        raise Problem(409, "files-changed", detail) from error
    except RegisterFull as error:
        raise Problem(409, "too-many", f"There are too many of the kind: {error}.") from error
    except (StoreError, ControlError) as error:
        raise Problem(503, "not-now", "Nothing was changed; try again.", headers={"Retry-After": "1"}) from error


def errors_of(reasons: str, own: str) -> list[dict[str, str]]:
    """One for each line of ``reasons``; those of ``own``, which was put, name its members, or its lines."""
    errors = []
    for line in reasons.splitlines()[:ERRORS_MAX]:
        of_own = re.fullmatch(re.escape(own) + r":(?:(\d+):)? (?:([^ :]+): )?(.*)", line)
        if of_own is None:
            errors.append({"path": "", "detail": line})
        else:
            number, member, detail = of_own.groups()
            errors.append({"path": member or (f"line {number}" if number else ""), "detail": detail})
    return errors
