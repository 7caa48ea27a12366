"""Message ids: unique for ever, found by primary key, not guessable from a neighbour's.

A ``message_id`` is the message's ``seq`` in hexadecimal (at least 8 digits) followed by 8 random hexadecimal
digits. Who does not know the random part cannot name another account's message, and a look-up needs no index.
"""

from collections.abc import Callable

SUFFIX_DIGITS = 8


def format_message_id(seq: int, suffix: int) -> str:
    """The id of message ``seq`` whose random part is ``suffix`` (0 to 2**32-1)."""
    return f"{seq:08x}{suffix:08x}"


def parse_message_id(message_id: str) -> tuple[int, int] | None:
    """``(seq, suffix)``, or ``None`` when this can be no id of ours."""
    if not 16 <= len(message_id) <= 24 or not message_id.isascii() or not message_id.isalnum():
        return None
    try:
        seq, suffix = int(message_id[:-SUFFIX_DIGITS], 16), int(message_id[-SUFFIX_DIGITS:], 16)
    except ValueError:
        return None
    return (seq, suffix) if 0 < seq < 2**63 and format_message_id(seq, suffix) == message_id else None


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
