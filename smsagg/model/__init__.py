"""The domain: messages, outcomes of attempts, what carriers report, what accounts are owed. Pure values."""

from smsagg.model.carrier_event import CarrierAlert, CarrierMo, CarrierReceipt
from smsagg.model.cause import Cause
from smsagg.model.delivery import Delivery, DeliveryKind
from smsagg.model.event import Event, EventDelivery
from smsagg.model.ids import (
    COPIES_MAX,
    MessageIds,
    NamedRange,
    format_message_id,
    named_range,
)
from smsagg.model.message import (
    FINAL_STATES,
    FROZEN_UNTIL,
    HELD_UNTIL,
    IN_COUNTRY_SPENDING,
    IN_LEDGER,
    IN_SPENDING,
    MEMORY_ONLY_FIELDS,
    TRANSITIONS,
    ChargeOn,
    Message,
    MessageState,
    may_follow,
)
from smsagg.model.mo_part import MoPart
from smsagg.model.outcome import Accepted, InDoubt, NotSent, Outcome, Refused
from smsagg.model.part_group import GROUP_MEMORY_ONLY_FIELDS, PartGroup, PartReceipts
from smsagg.model.refusal import Refusal

__all__ = [
    "COPIES_MAX",
    "FINAL_STATES",
    "FROZEN_UNTIL",
    "GROUP_MEMORY_ONLY_FIELDS",
    "HELD_UNTIL",
    "IN_COUNTRY_SPENDING",
    "IN_LEDGER",
    "IN_SPENDING",
    "MEMORY_ONLY_FIELDS",
    "TRANSITIONS",
    "Accepted",
    "CarrierAlert",
    "CarrierMo",
    "CarrierReceipt",
    "Cause",
    "ChargeOn",
    "Delivery",
    "DeliveryKind",
    "Event",
    "EventDelivery",
    "InDoubt",
    "Message",
    "MessageIds",
    "MessageState",
    "MoPart",
    "NamedRange",
    "NotSent",
    "Outcome",
    "PartGroup",
    "PartReceipts",
    "Refusal",
    "Refused",
    "format_message_id",
    "may_follow",
    "named_range",
]
