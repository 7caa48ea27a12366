"""The order in which one account's numbers of one pool are used.

Theory of operation. A :class:`Rotation` holds the numbers of one type in turn. ``round_robin`` goes round in the
order of the numbers' keys. The other two take the number that has been silent longest; :class:`LastUsed` says when
each number was used by whichever account, and a heap of numbers by what it said finds the first. A number that
somebody else has used since is found too early, and is put back where it belongs: once for each such use, so a choice
costs the logarithm of the numbers.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush


class LastUsed:
    """In what order numbers were last used, whoever used them."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._uses = 0

    def note(self, key: str) -> None:
        """``key`` is being used."""
        self._uses += 1
        self._at[key] = self._uses

    def of(self, key: str) -> int:
        """Grows with each use; 0: not used yet."""
        return self._at.get(key, 0)


class RoundRobin:
    """One after the other. ``after`` is the key that was used last, wherever it stands."""

    def __init__(self, keys: Iterable[str], after: str) -> None:
        self._keys = sorted(keys)
        self._after = after

    def take(self, is_usable: Callable[[str], bool]) -> str:
        """The next that is usable; ``""`` for none."""
        keys = self._keys
        start = bisect_right(keys, self._after)
        for i in range(len(keys)):
            key = keys[(start + i) % len(keys)]
            if is_usable(key):
                self._after = key
                return key
        return ""

    @property
    def after(self) -> str:
        """For a rotation that takes this one's place."""
        return self._after


class LeastRecentlyUsed:
    """The one that has been silent longest."""

    def __init__(self, keys: Iterable[str], last_used: LastUsed) -> None:
        self._last_used = last_used
        self._heap = [(last_used.of(key), key) for key in keys]
        heapify(self._heap)

    def take(self, is_usable: Callable[[str], bool]) -> str:
        """The first that is usable; ``""`` for none. Who takes it notes that in :class:`LastUsed`."""
        passed: list[tuple[int, str]] = []
        chosen = ""
        for entry in self._in_order():
            passed.append(entry)
            if is_usable(entry[1]):
                chosen = entry[1]
                break
        for entry in passed:
            heappush(self._heap, entry)
        return chosen

    def _in_order(self) -> Iterator[tuple[int, str]]:
        """Take numbers out, each where it belongs."""
        heap, of = self._heap, self._last_used.of
        while heap:
            used_at, key = heappop(heap)
            now_at = of(key)
            if now_at == used_at:
                yield used_at, key
            else:
                heappush(heap, (now_at, key))


Rotation = RoundRobin | LeastRecentlyUsed


def make_rotation(kind: str, keys: Iterable[str], last_used: LastUsed, before: Rotation | None) -> Rotation:
    """A rotation of these numbers that goes on where ``before`` was."""
    if kind == "round_robin":
        return RoundRobin(keys, before.after if isinstance(before, RoundRobin) else "")
    return LeastRecentlyUsed(keys, last_used)
