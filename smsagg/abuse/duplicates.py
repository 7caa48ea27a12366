"""Whether a message has recipient and text of another of the same account, sent a short while ago.

Theory of operation. A message is known by a digest of recipient, coding and text; its sender does not count, since
senders are rotated. A customer's part of a long message is known by its reference and number too: the same PDU sent
again is a duplicate, while another message that begins with the same words is not, and losing its first part would
spoil it.

What is taken in is *pending* until it is committed: nobody may be told its id before that. What is refused, or not
committed after all, is forgotten, so that the customer's next try is not held against it.

Some 250 octets for each message of the period; beyond ``messages_max`` the oldest are forgotten. After a restart the
table is made again from the messages in the store.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

from smsagg.abuse.bodies import read_body
from smsagg.model import Message, MessageState
from smsagg.smpp.concatenation import Concatenation

Digest = bytes
NOT_ARRIVED = frozenset({MessageState.UNDELIVERABLE, MessageState.EXPIRED, MessageState.REJECTED, MessageState.DELETED})
"""Who sends a message again after such an end means it."""
_DIGEST_OCTETS = 16


class _Seen(NamedTuple):
    at: int
    message_id: str
    """``""``: it is pending."""


class Duplicates:
    """One account's messages of the last ``period_s``."""

    __slots__ = ("_cut", "_messages_max", "_pending", "_period_ms", "_seen", "forgotten")

    def __init__(self, period_s: float, messages_max: int) -> None:
        self._period_ms = int(period_s * 1000)
        self._messages_max = messages_max
        self._seen: OrderedDict[Digest, _Seen] = OrderedDict()
        """In the order of ``at``, as far as clocks go forward; from an ordinary dict the first is not taken quickly."""
        self._pending: dict[Message, Digest] = {}
        self._cut: dict[str, Digest] = {}
        """Of messages that we cut, of whose parts none tells the digest: by message_id."""
        self.forgotten = 0
        """Messages that were dropped before their time, for want of room."""

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def period_ms(self) -> int:
        return self._period_ms

    def find(self, digest: Digest, now: int) -> str | None:
        """The message_id of the message with this digest within the period, ``""`` while it is pending; ``None``: there
        is none."""
        seen = self._seen.get(digest)
        return seen.message_id if seen is not None and now - seen.at < self._period_ms else None

    def take(self, digest: Digest, message: Message, now: int) -> None:
        """``message`` has been taken in, and is to be committed or released."""
        self._drop_old(now)
        self._seen.pop(digest, None)
        self._seen[digest] = _Seen(now, "")
        self._pending[message] = digest

    def committed(self, message: Message) -> None:
        """It is durable; from now on its id may be told."""
        digest = self._pending.pop(message, None)
        seen = self._seen.get(digest) if digest is not None else None
        if digest is not None and seen is not None:
            self._seen[digest] = _Seen(seen.at, message.message_id)
            if message.group is not None and message.group.is_split:
                self._cut[message.message_id] = digest

    def ended(self, message: Message) -> None:
        """It is over, and did not arrive."""
        if message.group is not None and message.group.is_split:
            digest = self._cut.pop(message.message_id, None)
        else:
            digest = digest_of(message)
        seen = self._seen.get(digest) if digest is not None else None
        if digest is not None and seen is not None and seen.message_id == message.message_id:
            del self._seen[digest]

    def released(self, message: Message) -> None:
        """It was not taken in after all."""
        digest = self._pending.pop(message, None)
        if digest is not None:
            self._seen.pop(digest, None)

    def restore(self, digest: Digest, message: Message, at: int) -> None:
        """A message of the last run; those of one run in the order of their acceptance."""
        self._seen.pop(digest, None)
        self._seen[digest] = _Seen(at, message.message_id)
        if message.group is not None and message.group.is_split:
            self._cut[message.message_id] = digest
        self._drop_old(at)

    def _drop_old(self, now: int) -> None:
        """At most two for each that comes, so that no message pays for many."""
        for _ in range(2):
            oldest = next(iter(self._seen), None)
            if oldest is None:
                return
            is_old = now - self._seen[oldest].at >= self._period_ms
            if not is_old and len(self._seen) < self._messages_max:
                return
            if not is_old:
                self.forgotten += 1
            self._cut.pop(self._seen.pop(oldest).message_id, None)


def digest_of(message: Message) -> Digest:
    """What a message is known by, as the customer submitted it: before it is cut into parts."""
    elements, text, which = read_body(message)
    return digest_of_text(message.destination_addr, message.data_coding, elements, text, which)


def digest_of_text(
    destination_addr: str, data_coding: int, elements: bytes, text: bytes, which: Concatenation | None
) -> Digest:
    """The same of its pieces; ``elements`` are those of the user data header that do not say which part it is."""
    part = b"" if which is None else b"%d/%d/%d" % (which.reference, which.number, which.total)
    head = b"%b\0%d\0%b\0%d\0%b" % (bare_digits(destination_addr).encode(), data_coding, part, len(elements), elements)
    return blake2b(head + text, digest_size=_DIGEST_OCTETS).digest()


def bare_digits(destination_addr: str) -> str:
    """One spelling of an international number."""
    return destination_addr.removeprefix("+").removeprefix("00")
