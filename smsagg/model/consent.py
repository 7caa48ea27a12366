"""What recipients said of being written to: that they want it, or that they do not."""

from enum import IntEnum
from typing import NamedTuple


class ConsentKind(IntEnum):
    """The values stand in the store and never change."""

    SUPPRESSION = 0
    """Nothing is to be sent to the number."""
    OPT_IN = 1
    """The number's owner asked for it."""


class ConsentRecord(NamedTuple):
    """One number in one list; unique by its first four members."""

    kind: ConsentKind
    account: str
    """``""``: the operator's list, which holds for all accounts."""
    number: str
    """E.164 digits, no plus."""
    sender: str
    """Of messages from this one alone, as :func:`~smsagg.consent.book.sender_key` writes it; ``""``: from any."""
    at: int
    """UTC milliseconds: when it was said."""
    how: str
    """By which way: ``keyword``, ``api``, ``import``, ``operator`` or whatever the account calls it."""
    evidence: str = ""
    """What proves it: the words of the message, the page that was ticked …"""


class ConsentUpdate(NamedTuple):
    """A record comes, in the place of one with its key; or it goes."""

    record: ConsentRecord
    is_kept: bool = True
    """False: of ``record`` only the key counts."""
