"""Numbers, pools and allocations as the store keeps them: JSON objects of the fields that are not the default.

A field that an older version did not know has its default; one that a newer version knew is passed over.
"""

from typing import Any, TypeVar

import attrs
import orjson

from smsagg.inventory.allocation import Allocation
from smsagg.inventory.number import Number, NumberType, Status
from smsagg.inventory.pool import NumberPool

T = TypeVar("T", Number, NumberPool, Allocation)


def write_record(value: Number | NumberPool | Allocation) -> bytes:
    """The record of ``value``."""
    record = {}
    for field in attrs.fields(type(value)):
        content = getattr(value, field.name)
        if field.default is attrs.NOTHING or content != field.default:
            record[field.name] = content
    return orjson.dumps(record)


def read_number(record: bytes) -> Number:
    values = _known(Number, record)
    values["type"] = NumberType(values["type"])
    if "state" in values:
        values["state"] = Status(values["state"])
    return Number(**values)


def read_pool(record: bytes) -> NumberPool:
    values = _known(NumberPool, record)
    if "types" in values:
        values["types"] = tuple(map(NumberType, values["types"]))
    return NumberPool(**values)


def read_allocation(record: bytes) -> Allocation:
    return Allocation(**_known(Allocation, record))


_NAMES = {cls: frozenset(field.name for field in attrs.fields(cls)) for cls in (Number, NumberPool, Allocation)}


def _known(cls: type[Any], record: bytes) -> dict[str, Any]:
    names = _NAMES[cls]
    return {
        name: tuple(content) if isinstance(content, list) else content
        for name, content in orjson.loads(record).items()
        if name in names
    }
