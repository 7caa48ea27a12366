"""Asking the store for a request, and the ids of events as they stand in addresses."""

import re
from collections.abc import Awaitable
from typing import TypeVar

from smsagg.api.v1.problem import Problem
from smsagg.errors import StoreError

Answer = TypeVar("Answer")

_EVENT_ID = re.compile("evt_[0-9a-f]{12}", re.ASCII)


async def asked(question: Awaitable[Answer]) -> Answer:
    """What the store answers; raises :class:`Problem` 503 when it cannot."""
    try:
        return await question
    except StoreError as error:
        detail = "The store cannot be asked just now."
        raise Problem(503, "store-failing", detail, headers={"Retry-After": "1"}) from error


def event_id_of(name: str) -> int | None:
    """The number of the event that receivers know by ``name``; ``None``: nobody has such a name."""
    return int(name[4:], 16) if _EVENT_ID.fullmatch(name) else None


def event_id_after(cursor: str) -> int:
    """The number behind which a page begins; ``""``: from the oldest on. Raises :class:`Problem` 422."""
    found = event_id_of(cursor) if cursor else 0
    if found is None:
        raise Problem(422, "invalid-cursor", "That is no id of an event.", [{"path": "cursor", "detail": "unknown"}])
    return found
