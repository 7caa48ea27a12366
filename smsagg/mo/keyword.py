"""The keyword of a message from a handset: the first word of its text, folded."""

from smsagg.config.keyword import fold_keyword
from smsagg.smpp.concatenation import UDHI
from smsagg.text import text_of

KEYWORD_OCTETS_MAX = 255
"""The first word stands within so many octets: a short_message has no more."""


def first_word(body: bytes, data_coding: int, esm_class: int) -> str:
    """The folded first word of a body; ``""`` when it is binary or has no word. Never raises, whatever the octets.

    A user data header (``esm_class``) is not text and is left out.
    """
    text = text_of(body[:KEYWORD_OCTETS_MAX], data_coding, bool(esm_class & UDHI)) or ""
    words = text.split(None, 1)
    return fold_keyword(words[0]) if words else ""
