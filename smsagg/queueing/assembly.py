"""Parts of long messages that wait a moment for their siblings, so that they set out together.

Theory of operation. A part waits until every other part is here too, or need not be waited for: it is with a carrier or
over (``PartGroup.gone``, as far as memory knows, and ``PartGroup.ended``). Then they all go as one bundle, in the order
of their numbers. Nobody waits longer than ``wait_s`` after the first of them came; then those that are here go. What
goes together is of one pool.

The bound is ``parts_max``: beyond it nobody waits, and parts go with whoever is here. Adding, removing and
releasing cost constant time for each part. ``now`` is monotonic seconds.
"""

from collections import OrderedDict
from collections.abc import Iterable
from math import inf

from attrs import define, field

from smsagg.model import Message

Bundle = list[Message]
"""Parts of one message, by number; never empty."""

_Key = tuple[int, str]


@define(eq=False)
class _Waiting:
    until: float
    parts: dict[int, Message] = field(factory=dict)
    """By ``seq``."""


class Assembly:
    """A bounded waiting room. A part is in it once at most; only parts (with a group) may be added."""

    __slots__ = ("_by_key", "_count", "parts_max", "wait_s")

    def __init__(self, wait_s: float, parts_max: int) -> None:
        self.wait_s = wait_s
        self.parts_max = parts_max
        self._by_key: OrderedDict[_Key, _Waiting] = OrderedDict()
        """By group and pool, in the order in which the first part came: the waits end in the same order."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, part: Message) -> bool:
        waiting = self._by_key.get(_key(part))
        return waiting is not None and part.seq in waiting.parts

    def add(self, part: Message, now: float) -> Bundle | None:
        """The bundle that ``part`` completes; ``None``: it waits."""
        key = _key(part)
        waiting = self._by_key.get(key)
        if waiting is None:
            waiting = self._by_key[key] = _Waiting(now + self.wait_s)
        assert part.seq not in waiting.parts, "added twice"
        waiting.parts[part.seq] = part
        self._count += 1
        if _misses_none(part, waiting.parts.values()) or self._count > self.parts_max:
            return self._release(key)
        return None

    def take_due(self, now: float) -> list[Bundle]:
        """Those that have waited long enough, and wait no more."""
        bundles: list[Bundle] = []
        while self._by_key:
            key, waiting = next(iter(self._by_key.items()))
            if waiting.until > now:
                break
            bundles.append(self._release(key))
        return bundles

    def next_due_at(self) -> float:
        """When the first wait ends; ``inf`` when nobody waits."""
        for waiting in self._by_key.values():
            return waiting.until
        return inf

    def parts(self) -> list[Message]:
        """All that wait."""
        return [part for waiting in self._by_key.values() for part in waiting.parts.values()]

    def remove(self, part: Message) -> bool:
        """Take ``part`` out; False when it does not wait here."""
        key = _key(part)
        waiting = self._by_key.get(key)
        if waiting is None or waiting.parts.pop(part.seq, None) is None:
            return False
        self._count -= 1
        if not waiting.parts:
            del self._by_key[key]
        return True

    def _release(self, key: _Key) -> Bundle:
        parts = self._by_key.pop(key).parts
        self._count -= len(parts)
        return sorted(parts.values(), key=_by_number)


def _misses_none(part: Message, here: Iterable[Message]) -> bool:
    """Whether nobody of ``part``'s message is to come but those who are here."""
    group = part.group
    assert group is not None
    numbers = {message.part_number for message in here}
    return len(numbers) + max(len(group.gone - numbers), group.ended) >= group.parts_total


def _key(part: Message) -> _Key:
    return part.group_seq, part.pool


def _by_number(part: Message) -> tuple[int, int]:
    return part.part_number, part.seq
