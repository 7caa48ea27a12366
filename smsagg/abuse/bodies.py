"""What a body says: its text, whose part it is, and the texts of the parts that came before.

Theory of operation. Rules on content look at a customer's part together with the parts of the same message that have
come already, so that a link is found that is spread over two of them. Parts belong together by their addresses,
reference and total; when a number comes again, or nothing came for :data:`FORGET_MS`, that is another message. Of at
most :data:`MESSAGES_MAX` messages, the most recent, up to :data:`CHARACTERS_MAX` characters each are kept, the latest
parts first.
"""

from smsagg.abuse.bounded import RecentKeys
from smsagg.model import Message
from smsagg.smpp.concatenation import UDHI, Concatenation, read_sar, read_user_data
from smsagg.smpp.tlv import decode_tlvs
from smsagg.text import text_of

FORGET_MS = 300_000
MESSAGES_MAX = 2_000
CHARACTERS_MAX = 2_000
_TLVS_MAX = 10_000

_Key = tuple[str, str, int, int]


def read_body(message: Message) -> tuple[bytes, bytes, Concatenation | None]:
    """The elements of its user data header that do not say which part it is, what follows the header, and which part of
    several the customer made it; ``None``: it is whole."""
    elements, text, which = b"", message.body, None
    if message.esm_class & UDHI:
        data = read_user_data(message.body)
        if data is not None:
            elements, text, which = data.elements, data.text, data.concatenation
    if which is None and message.tlvs:
        which = read_sar(decode_tlvs(message.tlvs, _TLVS_MAX, check=False))
    return elements, text, which if which is not None and which.total > 1 else None


class _Parts:
    __slots__ = ("at", "texts")

    def __init__(self) -> None:
        self.at = 0
        self.texts: dict[int, str] = {}


class PartTexts:
    """One account's messages of several parts, as far as they have come."""

    __slots__ = ("_messages",)

    def __init__(self) -> None:
        self._messages: RecentKeys[_Key, _Parts] = RecentKeys(MESSAGES_MAX, _Parts)

    def read(self, message: Message, now: int) -> str:
        """The text of ``message``, which comes ``now`` (UTC milliseconds), among those of the parts that came before;
        ``""`` for a binary body."""
        text = text_of(message.body, message.data_coding, bool(message.esm_class & UDHI)) or ""
        if not (message.tlvs or message.esm_class & UDHI):
            return text
        which = read_body(message)[2]
        if which is None:
            return text
        key = (message.source_addr, message.destination_addr, which.reference, which.total)
        parts = self._messages[key]
        if which.number in parts.texts or now - parts.at > FORGET_MS:
            parts.texts.clear()
        parts.at = now
        parts.texts[which.number] = text
        while len(parts.texts) > 1 and sum(map(len, parts.texts.values())) > CHARACTERS_MAX:
            del parts.texts[next(iter(parts.texts))]
        return "".join(parts.texts[number] for number in sorted(parts.texts))
