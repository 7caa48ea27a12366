"""Numbers and pools for tests."""

from typing import Any

from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, NumberType
from smsagg.inventory.pool import NumberPool

NOW = 1_800_000_000_000
HOUR = 3_600_000
QUARANTINE = 24 * HOUR


def long_number(place: int, **fields: Any) -> Number:
    """One of ten thousand long codes, in the pool ``otp`` unless told otherwise."""
    values: dict[str, Any] = {"pool": "otp"}
    return Number(f"44770090{place:04d}", "GB", NumberType.LONG, **(values | fields))


def inventory_of(*numbers: Number, pools: tuple[NumberPool, ...] = (NumberPool("otp", "GB"),)) -> Inventory:
    """An inventory that holds these."""
    inventory = Inventory(QUARANTINE)
    for pool in pools:
        inventory.put_pool(pool)
    for number in numbers:
        inventory.put(number)
    return inventory
