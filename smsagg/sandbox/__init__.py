"""What becomes of a message to a simulated handset, by the last three digits of its number."""

from smsagg.sandbox.magic import CODE, MAGIC, REPLY_S, Magic, Reply, magic_of

__all__ = ["CODE", "MAGIC", "REPLY_S", "Magic", "Reply", "magic_of"]
