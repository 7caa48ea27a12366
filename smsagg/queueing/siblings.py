"""Which message a part belongs to that a customer submitted: the groups that still miss parts.

Parts belong together when account, source, destination, reference and total are the same and they come within the
group's time (``closes_at``). A part whose number is there already, or on its way, begins a message anew: references are
used again. One that is refused on its way may come again.
Groups of which all parts came are forgotten at once, the others when they close, the oldest when there are more than
``groups_max``; what comes after that begins a group of its own.
"""

from collections import OrderedDict
from collections.abc import Iterable

from attrs import define, field

from smsagg.model import PartGroup
from smsagg.model.part_group import bit_of_part

Key = tuple[str, str, str, int, int]
"""account, source_addr, destination_addr, reference, parts_total."""


@define(eq=False)
class _Open:
    group: PartGroup
    numbers: set[int] = field(factory=set)
    """Of the parts that came or are on their way."""
    came: int = 0


class OpenGroups:
    """A bounded memory of groups, in the order in which they close. ``now`` is UTC milliseconds."""

    __slots__ = ("_by_key", "groups_max")

    def __init__(self, groups_max: int, groups: Iterable[PartGroup] = ()) -> None:
        """``groups``: those that missed parts before, in the order in which they close."""
        self.groups_max = groups_max
        self._by_key: OrderedDict[Key, _Open] = OrderedDict()
        for group in groups:
            self.add(group)

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, group: PartGroup) -> None:
        """A group that closes after all that are here."""
        key = _key(group)
        numbers = {number for number in range(1, group.parts_total + 1) if group.numbers & bit_of_part(number)}
        self._by_key[key] = _Open(group, numbers, group.received)
        self._by_key.move_to_end(key)
        if len(self._by_key) > self.groups_max:
            self._by_key.popitem(last=False)

    def find(self, key: Key, number: int, now: int) -> PartGroup | None:
        """The group that part ``number`` belongs to; ``None``: it begins one, to be added. Then :meth:`comes`."""
        self._forget_closed(now)
        entry = self._by_key.get(key)
        return None if entry is None or number in entry.numbers else entry.group

    def comes(self, group: PartGroup, number: int) -> None:
        """Part ``number`` of ``group`` is on its way; :meth:`came` or :meth:`is_refused` follows."""
        entry = self._entry(group)
        if entry is not None:
            entry.numbers.add(number)

    def is_refused(self, group: PartGroup, number: int) -> None:
        """Part ``number`` of ``group`` does not come."""
        entry = self._entry(group)
        if entry is not None:
            entry.numbers.discard(number)

    def close(self, group: PartGroup) -> None:
        """No part of ``group`` is taken any more."""
        if self._entry(group) is not None:
            del self._by_key[_key(group)]

    def came(self, group: PartGroup, number: int) -> None:
        """Part ``number`` of ``group`` has been accepted."""
        entry = self._entry(group)
        if entry is not None:
            entry.numbers.add(number)
            entry.came += 1
            if entry.came == group.parts_total:
                del self._by_key[_key(group)]

    def _entry(self, group: PartGroup) -> _Open | None:
        entry = self._by_key.get(_key(group))
        return entry if entry is not None and entry.group is group else None

    def _forget_closed(self, now: int) -> None:
        while self._by_key:
            key, entry = next(iter(self._by_key.items()))
            if entry.group.closes_at >= now:
                return
            del self._by_key[key]


def _key(group: PartGroup) -> Key:
    return group.account, group.source_addr, group.destination_addr, group.reference, group.parts_total
