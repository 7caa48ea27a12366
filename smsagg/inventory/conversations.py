"""Who wrote to whom from which number: what keeps a conversation on its number, counts, and says whose an answer is.

Theory of operation. One :class:`Conversation` belongs to one recipient and holds a :class:`Use` for each (account,
number) that wrote to it. The store has all of them, by recipient; memory has those of late.

Memory is right or silent: what it holds is the newest, because whoever is not in memory is looked up before anything is
decided about it, and because a conversation leaves memory only when the store has it as it is (``pins`` counts the
look-ups and the commits that are under way). That a recipient has no record is known in the same way: as an empty
conversation.

Bounds: ``memory_max`` conversations, beside the pinned ones, and :data:`USES_MAX` uses in each. The oldest use is
forgotten for a new one, but none that a limit still counts; a recipient to whom so many numbers wrote within their
period gets nothing from a further one.
"""

from collections import OrderedDict
from collections.abc import Callable

import orjson
from attrs import define, field

USES_MAX = 64


@define(eq=False, slots=True)
class Use:
    """One account writes to the recipient from one number. Instants are UTC milliseconds."""

    account: str
    number: str
    """Its key."""
    at: int = 0
    """When it last did; no two uses of a recipient have the same."""
    until: int = 0
    """When the period of its limit ends."""
    count: int = 0
    """Messages in that period."""


@define(eq=False, slots=True)
class Conversation:
    """All that is known of one recipient."""

    recipient: str
    """E.164 digits."""
    uses: list[Use] = field(factory=list)
    pins: int = 0
    """Reasons to stay in memory."""

    def latest(self, account: str, is_wanted: Callable[[str], bool]) -> Use | None:
        """The number that ``account`` wrote from last, of those that are wanted."""
        found: Use | None = None
        for use in self.uses:
            if use.account == account and (found is None or use.at >= found.at) and is_wanted(use.number):
                found = use
        return found

    def sent(self, number: str, now: int) -> int:
        """Messages from ``number`` within the period that runs at ``now``, whoever sent them."""
        return sum(use.count for use in self.uses if use.number == number and now < use.until)

    def last_writer(self, number: str) -> str:
        """The account that wrote last from ``number``, ``""`` for none."""
        writers = [use for use in self.uses if use.number == number and use.at]
        return max(writers, key=lambda use: use.at).account if writers else ""

    @property
    def last_at(self) -> int:
        """When anybody wrote last, 0 for never."""
        return max((use.at for use in self.uses), default=0)

    def note(self, account: str, number: str, now: int, period: int) -> "SenderUse | None":
        """Count one message, in a period of so many milliseconds if none runs (0: nothing limits the number).

        ``None``, and nothing counted: there is no room for one more number.
        """
        for use in self.uses:
            if use.account == account and use.number == number:
                break
        else:
            if len(self.uses) >= USES_MAX:
                over = [use for use in self.uses if use.until <= now]
                if not over:
                    return None
                self.uses.remove(min(over, key=lambda use: use.at))
            use = Use(account, number)
            self.uses.append(use)
        before = use.at, use.until, use.count
        if use.until <= now:
            use.until, use.count = now + period, 0
        use.at, use.count = max(now, self.last_at + 1), use.count + 1
        return SenderUse(self, use, before, (use.at, use.until, use.count))


@define(eq=False, slots=True)
class SenderUse:
    """What one message changed in a conversation, to be undone if it is refused after all."""

    conversation: Conversation
    use: Use
    before: tuple[int, int, int]
    """``at``, ``until`` and ``count``."""
    after: tuple[int, int, int]
    is_over: bool = False
    """It is committed, or taken back."""

    def undo(self) -> None:
        """Take it back. Of several messages the last one first, for all to be as it was."""
        use = self.use
        if (use.at, use.until, use.count) == self.after:
            use.at, use.until, use.count = self.before
            if not use.at and use in self.conversation.uses:
                self.conversation.uses.remove(use)
        elif use.until == self.after[1] and use.count:
            use.count -= 1


class Conversations:
    """Those in memory."""

    def __init__(self, memory_max: int) -> None:
        self.memory_max = memory_max
        self._known: OrderedDict[str, Conversation] = OrderedDict()
        self._asked: dict[str, int] = {}
        """Recipients for whom the store is being asked, and how often."""

    def __len__(self) -> int:
        return len(self._known)

    def get(self, recipient: str) -> Conversation | None:
        """What is known of ``recipient``; ``None``: it must be looked up first."""
        found = self._known.get(recipient)
        if found is not None:
            self._known.move_to_end(recipient)
        return found

    def peek(self, recipient: str) -> Conversation | None:
        """The same without making it stay."""
        return self._known.get(recipient)

    def ask(self, recipient: str) -> None:
        """The store is going to be asked: until :meth:`answered` whatever becomes known stays, for it is newer than the
        answer."""
        self._asked[recipient] = self._asked.get(recipient, 0) + 1

    def answered(self, recipient: str) -> None:
        """The store has answered, or failed to."""
        left = self._asked.pop(recipient) - 1
        if left:
            self._asked[recipient] = left

    def learn(self, recipient: str, record: bytes | None) -> Conversation:
        """Take in what the store has, unless it is known already: memory is newer."""
        found = self.get(recipient)
        if found is None:
            found = self._known[recipient] = read_conversation(recipient, record)
            self._forget()
        return found

    def drop(self, recipient: str) -> None:
        """Nobody needs it any more."""
        self._known.pop(recipient, None)

    def unpin(self, conversation: Conversation) -> None:
        """One reason less to keep it."""
        conversation.pins -= 1
        assert conversation.pins >= 0
        self._forget()

    def _forget(self) -> None:
        """Let the ones go that were asked for longest ago, down to the bound, but for those that are pinned."""
        excess = len(self._known) - self.memory_max
        if excess <= 0:
            return
        for recipient in [name for name, _ in zip(self._known, range(excess + 1), strict=False)]:
            if len(self._known) <= self.memory_max:
                return
            if self._known[recipient].pins or recipient in self._asked:
                self._known.move_to_end(recipient)
            else:
                del self._known[recipient]


def write_conversation(conversation: Conversation) -> bytes | None:
    """The store's record; ``None``: it needs none."""
    if not conversation.uses:
        return None
    return orjson.dumps([[use.account, use.number, use.at, use.until, use.count] for use in conversation.uses])


def read_conversation(recipient: str, record: bytes | None) -> Conversation:
    """The conversation of a record that :func:`write_conversation` made."""
    return Conversation(recipient, [Use(*fields) for fields in orjson.loads(record)] if record else [])
