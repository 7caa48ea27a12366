"""One message of the past as reports see it, and by what reports may tell messages apart."""

from typing import NamedTuple

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
    """The fields stand in the order in which the store is asked for them; but for ``earned`` they are those of
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
    error_code: int
    attempts: int
    not_before: int
    done_at: int
    part_number: int
    earned: int
    """What the account owes for it, in micro-units of the base currency."""
    cost: int
    """What its carriers are owed for it, in the same."""
