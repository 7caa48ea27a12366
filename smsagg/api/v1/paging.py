"""Pages of what is in memory by name: behind ``cursor``, the name that the page before ended with."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from fastapi import Query

PAGE_MAX = 200
Item = TypeVar("Item")

Cursor = Annotated[str, Query(max_length=200, description="`next_cursor` of the page before; empty: from the first.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="How many at most.")]


def page_of(
    items: Iterable[Item], name: Callable[[Item], str], cursor: str, limit: int
) -> tuple[list[Item], str | None]:
    """Those of a page, by name, and the cursor of the next; ``None``: there is none."""
    behind = sorted((item for item in items if name(item) > cursor), key=name)
    page = behind[:limit]
    return page, name(page[-1]) if len(behind) > limit else None
