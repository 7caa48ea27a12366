"""The groups of parts in memory: one object for all siblings, found again when the store brings it once more.

Theory of operation. A part that is in memory holds its group, and nothing else needs to: who comes from the store finds
the object that its siblings hold, and with nobody there the store's own record is the truth, for it hears of each
change in the moment in which it is made and answers in the order in which it is asked. What changed *while*
it was asked it may not know yet, so the groups that change are held until the answer has come (:meth:`watching`).
Memory: what the parts in memory hold, and the changes of one question's time.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from smsagg.model import Message, PartGroup
from smsagg.store.base import Changes, GroupUpdate


class Groups:
    """All groups of which memory knows."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[int, PartGroup] = WeakValueDictionary()
        self._watchers: list[list[PartGroup]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the store is asked, until its answer is taken in with :meth:`adopt`."""
        touched: list[PartGroup] = []
        self._watchers.append(touched)
        try:
            yield
        finally:
            self._watchers = [watcher for watcher in self._watchers if watcher is not touched]

    def add(self, group: PartGroup) -> None:
        """A group of new messages; it has its key."""
        self._known[group.group_seq] = group

    def shared(self, group: PartGroup) -> PartGroup:
        """The object for a group that the store has brought: the one that is known, else this one."""
        return self._known.setdefault(group.group_seq, group)

    def adopt(self, messages: Iterable[Message]) -> None:
        """Let parts that the store has brought share their group with the siblings in memory."""
        for message in messages:
            if message.group is not None:
                message.group = self.shared(message.group)

    def changed(self, group: PartGroup, changes: Changes) -> None:
        """``group`` has changed, and ``changes``, which is written at once, is to say so."""
        changes.group_updates.append(update_of_group(group))
        for touched in self._watchers:
            touched.append(group)


def update_of_group(group: PartGroup) -> GroupUpdate:
    """The record of a group's mutable part."""
    return GroupUpdate(
        group.group_seq, group.ended, group.state, group.error_code, group.done_at, group.carrier, group.joined_id
    )
