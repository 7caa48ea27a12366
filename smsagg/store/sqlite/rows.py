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
    CarrierMo,
    Cause,
    ChargeOn,
    Delivery,
    DeliveryKind,
    Message,
    MessageState,
    MoPart,
    PartGroup,
    PartReceipts,
)
from smsagg.store.base import ParkedReceipt

MESSAGE_COLUMNS = tuple(column.name for column in attrs.fields(Message) if column.name not in MEMORY_ONLY_FIELDS)
GROUP_COLUMNS = tuple(column.name for column in attrs.fields(PartGroup) if column.name not in GROUP_MEMORY_ONLY_FIELDS)
DELIVERY_COLUMNS = tuple(column.name for column in attrs.fields(Delivery))
PARKED_RECEIPT_COLUMNS = ParkedReceipt._fields
_PART_FIELDS = tuple(column.name for column in attrs.fields(MoPart) if column.name != "mo")
_MO_FIELDS = tuple(
    column.name for column in attrs.fields(CarrierMo) if column.name not in ("handle", "account")
)  # what a sandbox's handset writes waits for no other part
MO_PART_COLUMNS = _PART_FIELDS + _MO_FIELDS

MESSAGE_OPENED = ", ".join("iif(is_secret, opened(body), body)" if name == "body" else name for name in MESSAGE_COLUMNS)
"""What to select of messages for the engine, which sends secret texts."""
MESSAGE_SHOWN = ", ".join("iif(is_secret, x'', body)" if name == "body" else name for name in MESSAGE_COLUMNS)
"""The same for everybody else."""

Row = tuple[Any, ...]

message_row = attrgetter(*MESSAGE_COLUMNS)
"""``Message`` → row."""
_FIRST_OMITTED = MESSAGE_COLUMNS.index("group_seq")
PLAIN_COLUMNS = MESSAGE_COLUMNS[:_FIRST_OMITTED]
plain_row = attrgetter(*PLAIN_COLUMNS)
"""``Message`` → row without the columns that are their defaults in a message of which :func:`is_plain` is true."""
_omitted = attrgetter(*MESSAGE_COLUMNS[_FIRST_OMITTED:])
_OMITTED_DEFAULTS = tuple(getattr(attrs.fields(Message), name).default for name in MESSAGE_COLUMNS[_FIRST_OMITTED:])
group_row = attrgetter(*GROUP_COLUMNS)
"""``PartGroup`` → row."""
delivery_row = attrgetter(*DELIVERY_COLUMNS)
"""``Delivery`` → row."""
mo_part_row = attrgetter(*_PART_FIELDS, *(f"mo.{name}" for name in _MO_FIELDS))
"""``MoPart`` → row."""

_STATES = {int(state): state for state in MessageState}
_RECEIPTS = {int(receipts): receipts for receipts in PartReceipts}
_CAUSES = {int(cause): cause for cause in Cause}
_CHARGES = {int(charge_on): charge_on for charge_on in ChargeOn}
_KINDS = {int(kind): kind for kind in DeliveryKind}


def is_plain(message: Message) -> bool:
    """Whether nothing is to be said of ``message`` beside :data:`PLAIN_COLUMNS`: the rest is what the schema says."""
    return bool(_omitted(message) == _OMITTED_DEFAULTS)


def message_from_row(row: Row) -> Message:
    message = Message(*row)
    message.state = _STATES[message.state]
    message.in_payload = bool(message.in_payload)
    message.parked = bool(message.parked)
    message.charge_on = _CHARGES[message.charge_on]
    message.cause = _CAUSES[message.cause]
    message.is_secret = bool(message.is_secret)
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
    receipt = ParkedReceipt(*row)
    return receipt._replace(state=_STATES[receipt.state], cause=_CAUSES[receipt.cause])


def mo_part_from_row(row: Row) -> MoPart:
    own = len(_PART_FIELDS)
    values: dict[str, Any] = dict(zip(_PART_FIELDS, row, strict=False))
    values["is_wide"] = bool(values["is_wide"])
    return MoPart(mo=CarrierMo(*row[own:]), **values)
