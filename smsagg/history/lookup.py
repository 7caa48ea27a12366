"""Everything that the store knows of the messages with one id.

All of it is found by key. What has none is looked for where it must be: keys of deliveries grow with their time, so
those that are owed of a message stand between its acceptance and a moment after its end; siblings that a customer
submitted follow the first within a time, and are looked for among :data:`SIBLINGS_WITHIN` messages.
"""

from attrs import define, field

from smsagg.history.reader import SLACK_MS, Ask, History
from smsagg.model import COPIES_MAX, Delivery, Message, PartGroup, named_range
from smsagg.store.base import ParkedReceipt
from smsagg.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    GROUP_COLUMNS,
    MESSAGE_SHOWN,
    PARKED_RECEIPT_COLUMNS,
    delivery_from_row,
    group_from_row,
    message_from_row,
    parked_receipt_from_row,
)

SIBLINGS_WITHIN = 20_000
DELIVERIES_AT_ONCE = 5_000
COPIES_AT_ONCE = 500
TABLES = (("history", "redacted"), ("messages", "0"))


@define(eq=False)
class Found:
    """One message."""

    message: Message
    redacted: int
    """Bits: 1 its text, 2 its recipient's number have been taken out."""
    is_over: bool
    deliveries: list[Delivery] = field(factory=list)
    """What is owed to its account and not acknowledged, as far as it names this message."""
    parked_receipts: list[ParkedReceipt] = field(factory=list)
    """Receipts of its carrier that await their effect."""


def find_messages(history: History, message_id: str) -> list[Found]:
    """The messages with this id by seq, live or over: one, all copies of a submit_multi, or all parts of a long one,
    also when the id is that of one part. Empty: there is none."""
    named = named_range(message_id, history.last_seq())
    if named is None:
        return []
    found = _with_id(history, message_id, named.seq, min(named.copies, COPIES_MAX))
    if not found:
        return []
    group = found[0].message.group
    if group is not None:
        found = _parts(history, group)
    with history.snapshot() as ask:
        for one in found:
            _add_parked(ask, one)
    _add_deliveries(history, found)
    return found


def _with_id(history: History, message_id: str, seq: int, copies: int) -> list[Found]:
    """From ``seq`` on, as long as there are any: the copies of one message follow one another."""
    found: list[Found] = []
    while copies > 0:
        count = min(copies, COPIES_AT_ONCE)
        with history.snapshot() as ask:
            own = [one for one in _range(ask, seq, count) if one.message.message_id == message_id]
        found += own
        if not own:
            break
        seq, copies = seq + count, copies - count
    return found


def _parts(history: History, group: PartGroup) -> list[Found]:
    count = group.parts_total if group.is_split else SIBLINGS_WITHIN
    found: list[Found] = []
    for start in range(group.group_seq, group.group_seq + count, COPIES_AT_ONCE):
        with history.snapshot() as ask:
            where = f"group_seq = {group.group_seq}"
            found += _range(ask, start, min(COPIES_AT_ONCE, group.group_seq + count - start), where)
        if len(found) >= group.received:
            break
    return found


def _range(ask: Ask, seq: int, count: int, where: str = "TRUE") -> list[Found]:
    found: list[Found] = []
    for table, redacted in TABLES:
        text = f"SELECT {MESSAGE_SHOWN}, {redacted} FROM {table} WHERE seq >= ? AND seq < ? AND {where}"
        for *row, bits in ask(text, (seq, seq + count)):
            found.append(Found(message_from_row(tuple(row)), bits, table == "history"))
    groups: dict[int, PartGroup] = {}
    for one in found:
        key = one.message.group_seq
        if key and key not in groups:
            text = f"SELECT {', '.join(GROUP_COLUMNS)} FROM part_groups WHERE group_seq = ?"
            groups.update((key, group_from_row(values)) for values in ask(text, (key,)))
        one.message.group = groups.get(key)
    return sorted(found, key=lambda one: one.message.seq)


def _add_parked(ask: Ask, one: Found) -> None:
    message = one.message
    if message.carrier_message_id and not one.is_over:
        names = ", ".join(PARKED_RECEIPT_COLUMNS)
        text = f"SELECT {names} FROM parked_receipts WHERE carrier = ? AND carrier_message_id = ?"
        rows = ask(text, (message.carrier, message.carrier_message_id))
        one.parked_receipts = [parked_receipt_from_row(row) for row in rows]


def _add_deliveries(history: History, found: list[Found]) -> None:
    by_id: dict[str, Found] = {}
    for one in found:
        by_id.setdefault(one.message.message_id, one)
        if one.message.group is not None:
            by_id.setdefault(one.message.group.message_id, one)
    since = min(one.message.accepted_at for one in found) - SLACK_MS
    until = max(_told_by(one) for one in found)
    key = _first_delivery_since(history, since)
    while True:
        names = ", ".join(DELIVERY_COLUMNS)
        with history.snapshot() as ask:
            text = f"SELECT {names} FROM deliveries WHERE delivery_id >= ? ORDER BY delivery_id LIMIT ?"
            rows = [delivery_from_row(row) for row in ask(text, (key, DELIVERIES_AT_ONCE))]
        for delivery in rows:
            if delivery.message_id in by_id:
                by_id[delivery.message_id].deliveries.append(delivery)
        if len(rows) < DELIVERIES_AT_ONCE or rows[-1].created_at > until:
            return
        key = rows[-1].delivery_id + 1


def _told_by(one: Found) -> int:
    """When the last receipt about it has come to be."""
    group = one.message.group
    done_at = one.message.done_at if group is None else group.done_at
    return done_at + SLACK_MS if done_at and one.is_over else 1 << 62


def _first_delivery_since(history: History, instant: int) -> int:
    """The lowest key of a delivery that was made at ``instant`` or later: a binary search by key."""
    with history.snapshot() as ask:
        low, high = 1, ask("SELECT last_delivery_id FROM counters", ())[0][0] + 1
        while low < high:
            middle = (low + high) // 2
            text = "SELECT delivery_id, created_at FROM deliveries WHERE delivery_id >= ? ORDER BY delivery_id LIMIT 1"
            rows = ask(text, (middle,))
            if not rows or rows[0][1] >= instant:
                high = middle
            else:
                low = rows[0][0] + 1
    return int(low)
