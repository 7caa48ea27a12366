"""What may happen to an account's messages and numbers, and how it is told. Pure."""

from smsagg.events.documents import envelope_of, inbound_document, message_document
from smsagg.events.kinds import KINDS, kind_of

__all__ = ["KINDS", "envelope_of", "inbound_document", "kind_of", "message_document"]
