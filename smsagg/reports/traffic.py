"""One message of the past as reports see it, and by what reports may tell messages apart."""

from typing import NamedTuple

from smsagg.model import ChargeOn, MessageState

HOURS, DAYS = "hour", "day"

DIMENSIONS = {
    "country": "country",
    "network": "network",
    "carrier": "carrier",
    "account": "account",
    "class": "message_class",
    "pool": "pool",
    "route": "route",
    "sender": "source_addr",
    "tag": "tag",
    DAYS: "accepted_at",
    HOURS: "accepted_at",
}
"""What ``--by`` takes, and the field that says it."""

NONE_WORDS = {"country": "unknown", "network": "unknown", "carrier": "none", "route": "none", "tag": "none"}
"""How an empty value is shown."""


class Traffic(NamedTuple):
    """The fields stand in the order in which the store is asked for them; but for ``taken`` they are those of
    :class:`smsagg.model.Message`."""

    seq: int
    accepted_at: int
    account: str
    message_class: str
    country: str
    network: str
    pool: str
    carrier: str
    route: str
    source_addr: str
    tag: str
    state: int
    cause: int
    attempts: int
    not_before: int
    done_at: int
    part_number: int
    charge_on: int
    revenue: int
    cost: int
    taken: int
    """1: a carrier took it."""


def earned(record: Traffic) -> int:
    """What the customer owes for it, in micros of the base currency: the price, once what it is owed for happened."""
    if record.charge_on == ChargeOn.DELIVERED:
        return record.revenue if record.state == MessageState.DELIVERED else 0
    return record.revenue if record.charge_on == ChargeOn.SUBMITTED and record.taken else 0
