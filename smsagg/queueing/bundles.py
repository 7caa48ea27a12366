"""Bundles in a ready queue: parts that take their turn as one, and are taken together.

In the queue a bundle is its first part; the others stand here. ``extra`` is how many they are, which whoever bounds the
queue adds to its length. Everything costs constant time for each part.
"""

from collections.abc import Iterable

from smsagg.model import Message
from smsagg.queueing.assembly import Bundle
from smsagg.queueing.grouped import MessageQueue


class Bundles:
    """Beside one queue."""

    __slots__ = ("_bundle_of", "_ready", "extra")

    def __init__(self, ready: MessageQueue) -> None:
        self._ready = ready
        self._bundle_of: dict[int, Bundle] = {}
        """By the ``seq`` of each part."""
        self.extra = 0
        """Parts that wait behind the first of their bundle."""

    def __bool__(self) -> bool:
        return bool(self._bundle_of)

    def __contains__(self, message: Message) -> bool:
        """Whether ``message`` is a part of a bundle here."""
        return message.seq in self._bundle_of

    def stand_in(self, ready: MessageQueue) -> None:
        """The bundles' first parts are in this queue from now on."""
        self._ready = ready

    def push(self, bundle: Bundle) -> bool:
        """Queue ``bundle``; False when there is no room for all of it."""
        if self._ready.room - self.extra < len(bundle) or not self._ready.push(bundle[0]):
            return False
        self._note(bundle)
        return True

    def note_front(self, bundle: Bundle) -> Message:
        """The message to give to :meth:`ReadyQueue.push_front` for ``bundle``, which will stand for it there."""
        self._note(bundle)
        return bundle[0]

    def take(self, taken: Iterable[Message]) -> tuple[list[Message], list[Bundle]]:
        """What was just taken from the queue: messages that stand for themselves, and bundles."""
        alone: list[Message] = []
        bundles: list[Bundle] = []
        for message in taken:
            bundle = self._bundle_of.get(message.seq)
            if bundle is None:
                alone.append(message)
            else:
                bundles.append(self.pop(message))
        return alone, bundles

    def pop(self, first: Message) -> Bundle:
        """The bundle that ``first`` stood for, which was just taken from the queue."""
        bundle = self._bundle_of[first.seq]
        self.extra -= len(bundle) - 1
        for part in bundle:
            del self._bundle_of[part.seq]
        return bundle

    def parts(self) -> list[Message]:
        """All parts of all bundles."""
        return [
            part for bundle in {id(bundle): bundle for bundle in self._bundle_of.values()}.values() for part in bundle
        ]

    def remove(self, part: Message) -> bool:
        """Take ``part`` out of its bundle, which keeps about its place; False when it is in none."""
        bundle = self._bundle_of.pop(part.seq, None)
        if bundle is None:
            return False
        if bundle[0] is not part:
            bundle.remove(part)
            self.extra -= 1
            return True
        self._ready.remove(part)
        del bundle[0]
        if bundle:
            self.extra -= 1
            self._ready.push_front([bundle[0]])
        return True

    def _note(self, bundle: Bundle) -> None:
        self.extra += len(bundle) - 1
        for part in bundle:
            assert part.seq not in self._bundle_of, "queued twice"
            self._bundle_of[part.seq] = bundle
