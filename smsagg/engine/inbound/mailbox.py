"""Messages from handsets as accounts read them: from the events that tell of them, for as long as events are kept.

They are read in the order in which they came. Who goes on behind the last one that it has misses none.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from smsagg.config.event_kinds import INBOUND
from smsagg.model import Event
from smsagg.store.base import Store

SCANNED_MAX = 5_000
"""Events that one call looks through."""
AT_ONCE = 500


class Inbound(NamedTuple):
    """One message from a handset."""

    event_id: int
    data: Mapping[str, Any]
    """See :func:`smsagg.events.documents.inbound_document`."""


class Wanted(NamedTuple):
    """Which; instants are UTC milliseconds."""

    since: int = 0
    until: int | None = None
    """Those before; ``None``: all that there are."""
    to: str = ""
    """The number that was written to, without a plus; ``""``: any."""
    sender: str = ""


class Mailbox:
    """What came for accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, account: str, wanted: Wanted, after: int, limit: int) -> tuple[list[Inbound], int]:
        """The first ``limit`` behind the id ``after``, and the id behind which more may be, 0 when there are no more
        now. There may be fewer and still more behind them: so many were looked through."""
        after = max(after, await self._store.last_event_before(wanted.since) if wanted.since > 0 else 0)
        up_to = None if wanted.until is None else await self._store.last_event_before(wanted.until)
        found: list[Inbound] = []
        for _ in range(0, SCANNED_MAX, AT_ONCE):
            events = await self._store.find_events(account, after, AT_ONCE, kinds=[INBOUND])
            for event in events:
                if up_to is not None and event.event_id > up_to:
                    return found, 0
                after = event.event_id
                one = _read(event)
                if _is_wanted(one, wanted):
                    found.append(one)
                    if len(found) == limit:
                        return found, after
            if len(events) < AT_ONCE:
                return found, 0
        return found, after

    async def find(self, account: str, event_id: int) -> Inbound | None:
        """The one with this id; ``None``: the account has none, or it is not kept any more."""
        found = await self._store.find_events(account, event_id - 1, 1, kinds=[INBOUND])
        return _read(found[0]) if found and found[0].event_id == event_id else None


def _read(event: Event) -> Inbound:
    return Inbound(event.event_id, orjson.loads(event.document))


def _is_wanted(one: Inbound, wanted: Wanted) -> bool:
    return (not wanted.to or one.data["to"].lstrip("+") == wanted.to) and (
        not wanted.sender or one.data["from"].lstrip("+") == wanted.sender
    )
