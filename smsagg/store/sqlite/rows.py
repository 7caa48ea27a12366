"""Rows of the database as the model's records and back.

Columns stand in the order of the records' fields, so that a row *is* the record's constructor arguments and one
``attrgetter`` makes it; ``tests/store`` holds the schema to that.
"""

from operator import attrgetter
from typing import Any

import attrs

from smsagg.model import (
    GROUP_MEMORY_ONLY_FIELDS,
    MEMORY_ONLY_FIELDS,
    Delivery,
    DeliveryKind,
    Message,
    MessageState,
    PartGroup,
    PartReceipts,
)
from smsagg.store.base import ParkedReceipt

MESSAGE_COLUMNS = tuple(column.name for column in attrs.fields(Message) if column.name not in MEMORY_ONLY_FIELDS)
GROUP_COLUMNS = tuple(column.name for column in attrs.fields(PartGroup) if column.name not in GROUP_MEMORY_ONLY_FIELDS)
DELIVERY_COLUMNS = tuple(column.name for column in attrs.fields(Delivery))
PARKED_RECEIPT_COLUMNS = ParkedReceipt._fields

Row = tuple[Any, ...]

message_row = attrgetter(*MESSAGE_COLUMNS)
"""``Message`` → row."""
group_row = attrgetter(*GROUP_COLUMNS)
"""``PartGroup`` → row."""
delivery_row = attrgetter(*DELIVERY_COLUMNS)
"""``Delivery`` → row."""

_STATES = {int(state): state for state in MessageState}
_RECEIPTS = {int(receipts): receipts for receipts in PartReceipts}
_KINDS = {int(kind): kind for kind in DeliveryKind}


def message_from_row(row: Row) -> Message:
    message = Message(*row)
    message.state = _STATES[message.state]
    message.in_payload = bool(message.in_payload)
    message.parked = bool(message.parked)
    return message


def group_from_row(row: Row) -> PartGroup:
    group = PartGroup(*row)
    group.state = _STATES[group.state]
    group.receipts = _RECEIPTS[group.receipts]
    group.is_split = bool(group.is_split)
    return group


def delivery_from_row(row: Row) -> Delivery:
    delivery = Delivery(*row)
    delivery.kind = _KINDS[delivery.kind]
    delivery.parked = bool(delivery.parked)
    return delivery


def parked_receipt_from_row(row: Row) -> ParkedReceipt:
    carrier, carrier_message_id, state, error_code, done_at, parked_at = row
    return ParkedReceipt(carrier, carrier_message_id, _STATES[state], error_code, done_at, parked_at)
