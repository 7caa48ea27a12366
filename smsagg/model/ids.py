"""Message ids: unique, found by primary key, not guessable from a neighbour's.

===========================  ================================================================================
``0000a1b25cf30e77``         a message: its ``seq`` in hexadecimal (at least 8 digits) and 8 random digits
``0000a1b25cf30e77m03``      a submit_multi of four messages: the first one's, ``m``, and how many follow it; all
                             of them have this id, and consecutive seqs
``0Dk3hYq9``                 for peers below SMPP 3.4, who hold 8 octets: in base 62 the lowest 32 bits of the
                             first ``seq`` and some 15 random bits
===========================  ================================================================================

Who does not know the random part cannot name another account's message, and a look-up needs no index. The short form
means the latest seq with those bits: a message that 4,294,967,296 others came after is not found by it any more.
"""

from collections.abc import Callable
from typing import NamedTuple

SUFFIX_DIGITS = 8
SHORT_OCTETS = 8
COPIES_MAX = 0xFFFF
"""Messages that one id can name."""

_SHORT_SEQS = 1 << 32
_SHORT_SUFFIXES = 50_000
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}


class NamedRange(NamedTuple):
    """Where the messages with an id can be: ``seq`` and the ``copies - 1`` that follow it."""

    seq: int
    copies: int


def format_message_id(seq: int, suffix: int) -> str:
    """The id of message ``seq`` whose random part is ``suffix`` (0 to 2**32-1)."""
    return f"{seq:08x}{suffix:08x}"


def _parse(message_id: str) -> tuple[int, int] | None:
    """``(seq, suffix)`` of the id of one message, or ``None`` when it is none."""
    if not 16 <= len(message_id) <= 24 or not message_id.isascii() or not message_id.isalnum():
        return None
    try:
        seq, suffix = int(message_id[:-SUFFIX_DIGITS], 16), int(message_id[-SUFFIX_DIGITS:], 16)
    except ValueError:
        return None
    return (seq, suffix) if 0 < seq < 2**63 and format_message_id(seq, suffix) == message_id else None


def named_range(message_id: str, last_seq: int) -> NamedRange | None:
    """Where to look for the messages with this id, given the last seq in use; ``None`` when it can be no id of ours.

    What is found there counts only if it has this very id.
    """
    if len(message_id) == SHORT_OCTETS:
        return _short_range(message_id, last_seq)
    first, mark, more = message_id.partition("m")
    parsed = _parse(first)
    if parsed is None:
        return None
    if not mark:
        return NamedRange(parsed[0], 1)
    try:
        copies = int(more, 16) + 1
    except ValueError:
        return None
    return NamedRange(parsed[0], copies) if more == f"{copies - 1:02x}" and copies <= COPIES_MAX else None


def format_short_id(seq: int, suffix: int) -> str:
    """The id of at most 8 octets; of ``suffix`` some 15 bits count."""
    value = seq % _SHORT_SEQS * _SHORT_SUFFIXES + suffix % _SHORT_SUFFIXES
    digits = ""
    for _ in range(SHORT_OCTETS):
        value, digit = divmod(value, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _short_range(message_id: str, last_seq: int) -> NamedRange | None:
    value = 0
    for digit in message_id:
        if digit not in _VALUES:
            return None
        value = value * len(_DIGITS) + _VALUES[digit]
    low = value // _SHORT_SUFFIXES
    seq = last_seq - (last_seq - low) % _SHORT_SEQS
    return NamedRange(seq, COPIES_MAX) if low < _SHORT_SEQS and seq > 0 else None


class MessageIds:
    """Hands out ``(seq, message_id)`` pairs; ``entropy(n)`` returns n random octets (``os.urandom``)."""

    def __init__(self, last_seq: int, entropy: Callable[[int], bytes]) -> None:
        self._seq = last_seq
        self._entropy = entropy

    @property
    def last_seq(self) -> int:
        return self._seq

    def take(self, count: int) -> list[tuple[int, str]]:
        """The next ``count`` ids, in order."""
        first = self._seq + 1
        self._seq += count
        suffixes = self._entropy(4 * count).hex()
        return [(first + i, f"{first + i:08x}{suffixes[8 * i : 8 * i + 8]}") for i in range(count)]

    def take_short(self, count: int) -> list[tuple[int, str]]:
        """The same for a peer that holds 8 octets."""
        first = self._seq + 1
        self._seq += count
        entropy = self._entropy(4 * count)
        suffixes = [int.from_bytes(entropy[4 * i : 4 * i + 4], "big") for i in range(count)]
        return [(first + i, format_short_id(first + i, suffix)) for i, suffix in enumerate(suffixes)]

    def take_copies(self, count: int, *, short: bool = False) -> list[tuple[int, str]]:
        """As many seqs (at most :data:`COPIES_MAX`), all with one id."""
        first = self._seq + 1
        ((_, message_id),) = self.take_short(1) if short else self.take(1)
        self._seq += count - 1
        if count > 1 and not short:
            message_id += f"m{count - 1:02x}"
        return [(first + i, message_id) for i in range(count)]
