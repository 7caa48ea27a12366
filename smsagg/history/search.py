"""One account's messages by time, recipient, state and reference, the newest first, a page at a time.

There is no index for it, since one would cost every message: the span is found by a binary search over ``seq``, and
within it messages are read by key from the newest down, :data:`CHUNK_SEQS` of them at a time and at most
:data:`SEQS_MAX` for one page. A page that ends before it is full says where to go on, so a rare needle in a large stack
takes several pages and never long.
"""

from collections.abc import Sequence
from typing import NamedTuple

from smsagg.config.schema import StoreSettings
from smsagg.history.reader import Ask, History, open_history
from smsagg.model import Message, MessageState, PartGroup
from smsagg.store.sqlite.rows import GROUP_COLUMNS, MESSAGE_SHOWN, group_from_row, message_from_row

CHUNK_SEQS = 20_000
SEQS_MAX = 400_000

_GROUP = ", ".join(GROUP_COLUMNS)
_CUT = "SELECT 1 FROM part_groups AS g WHERE g.group_seq = m.group_seq AND is_split"


class Sought(NamedTuple):
    """What is sought: all that is not empty must match."""

    account: str
    since: int
    """UTC ms, accepted from then on."""
    until: int
    """Accepted before."""
    to: str = ""
    states: Sequence[MessageState] = ()
    """Of a message that was cut, those of any of its parts."""
    reference: str = ""


class Page(NamedTuple):
    """Some of them."""

    messages: list[Message]
    """The newest first; of a message that was cut one record of the whole."""
    before_seq: int
    """Where the next page goes on; 0: there are no more."""


def search(store: StoreSettings, sought: Sought, before_seq: int, limit: int) -> Page:
    """A page of what is sought in ``store``, with ``seq < before_seq`` unless that is 0.

    Reads for at most some 100 ms; to be called in a thread. Raises StoreError when the store cannot be read.
    """
    with open_history(store.path, store.encryption) as history:
        span = history.span(sought.since, sought.until)
        last = span.last_seq if before_seq == 0 else min(span.last_seq, before_seq - 1)
        return _down_from(history, sought, span.first_seq, last, limit)


def _down_from(history: History, sought: Sought, first: int, last: int, limit: int) -> Page:
    found: list[Message] = []
    lowest = max(first, last - SEQS_MAX + 1)
    while last >= lowest:
        start = max(lowest, last - CHUNK_SEQS + 1)
        with history.snapshot() as ask:
            rows = _matching(ask, sought, start, last, limit - len(found))
            found += [_whole(ask, message) for message in rows]
        if len(found) >= limit:
            return Page(found, found[-1].seq if found[-1].seq > first else 0)
        last = start - 1
    return Page(found, lowest if lowest > first else 0)


def _matching(ask: Ask, sought: Sought, first: int, last: int, limit: int) -> list[Message]:
    """At most ``limit``, the newest first. Of a message that was cut, its first part."""
    where = "seq BETWEEN ? AND ? AND account = ? AND accepted_at >= ? AND accepted_at < ?"
    values: list[object] = [first, last, sought.account, sought.since, sought.until]
    if sought.to:
        where += " AND destination_addr = ?"
        values.append(sought.to)
    if sought.reference:
        where += " AND reference = ?"
        values.append(sought.reference)
    if sought.states:
        where += f" AND state IN ({','.join('?' * len(sought.states))})"
        values += map(int, sought.states)
    where += f" AND (part_number < 2 OR NOT EXISTS ({_CUT}))"
    rows = [
        message_from_row(row)
        for table in ("history", "messages")
        for row in ask(
            f"SELECT {MESSAGE_SHOWN} FROM {table} AS m WHERE {where} ORDER BY seq DESC LIMIT ?", (*values, limit)
        )
    ]
    rows.sort(key=lambda message: -message.seq)
    return rows[:limit]


def _whole(ask: Ask, message: Message) -> Message:
    if not message.group_seq:
        return message
    groups = ask(f"SELECT {_GROUP} FROM part_groups WHERE group_seq = ?", (message.group_seq,))
    group: PartGroup | None = group_from_row(groups[0]) if groups else None
    return message if group is None or not group.is_split else group.whole(message)
