"""Who wants to be written to and who does not, and how people say so in a text message. Pure."""

from smsagg.consent.book import ConsentBook, sender_key
from smsagg.consent.digests import DigestSet
from smsagg.consent.keywords import Heard, Keywords, Wish

__all__ = ["ConsentBook", "DigestSet", "Heard", "Keywords", "Wish", "sender_key"]
