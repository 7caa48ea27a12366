"""What may happen to an account's messages and numbers, and how it is told. Pure."""

from smsagg.events.documents import (
    alert_document,
    envelope_of,
    inbound_document,
    message_document,
    number_document,
    opted_document,
)
from smsagg.events.kinds import kind_of

__all__ = [
    "alert_document", "envelope_of", "inbound_document", "kind_of", "message_document", "number_document",
    "opted_document",
]  # fmt: skip
