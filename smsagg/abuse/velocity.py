"""How many messages came within the last minute, hour, day: for an account, and for each of its countries or prefixes.

Theory of operation. A window is cut into ten slots; a count is kept for the slot that is filling and for the ten before
it. What is counted is the sum of all eleven, so **no interval as long as the window ever holds more messages than the
limit**; the price is that a message is counted for a tenth of the window longer than it must be. Eleven small integers
for each key, a bounded number of keys (:class:`~smsagg.abuse.bounded.RecentKeys`: the least recently used are
forgotten, which begins their count anew).

Only what passes all limits is counted, so a flood that is refused does not keep its account locked out.
"""

from collections.abc import Sequence

from smsagg.abuse.bounded import RecentKeys
from smsagg.config.units import MessageLimit

SLOTS = 10
_KEPT = SLOTS + 1


class Window:
    """What came of one key within one window. Slots are numbered since the epoch."""

    __slots__ = ("_at", "_counts", "_total")

    def __init__(self) -> None:
        self._at = 0
        self._counts = [0] * _KEPT
        self._total = 0

    def used(self, slot: int) -> int:
        """How many count at ``slot``. A clock that was set back stands still until it has caught up."""
        passed = slot - self._at
        if passed > 0 and self._total:
            if passed >= _KEPT:
                self._counts = [0] * _KEPT
                self._total = 0
            else:
                counts = self._counts
                for gone in range(self._at + 1, slot + 1):
                    place = gone % _KEPT
                    self._total -= counts[place]
                    counts[place] = 0
        if passed > 0:
            self._at = slot
        return self._total

    def add(self) -> None:
        """One more, in the slot of the latest :meth:`used`."""
        self._counts[self._at % _KEPT] += 1
        self._total += 1


class LimitTable:
    """One limit, for each of many keys."""

    __slots__ = ("_messages", "_slot_ms", "_windows", "limit")

    def __init__(self, limit: MessageLimit, keys_max: int) -> None:
        self.limit = limit
        self._messages = limit.messages
        self._slot_ms = max(int(limit.window_s * 1000 / SLOTS), 1)
        self._windows: RecentKeys[str, Window] = RecentKeys(keys_max, Window)

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def forgotten(self) -> int:
        """How many were dropped for want of room."""
        return self._windows.forgotten

    def find_room(self, key: str, now: int) -> Window | None:
        """The window of ``key``, if one more fits it ``now`` (UTC milliseconds)."""
        window = self._windows[key]
        return window if window.used(now // self._slot_ms) < self._messages else None


class Velocity:
    """The limits of one account, over all its ``scopes``: what a message is counted under in each."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Sequence[tuple[int, LimitTable]]) -> None:
        """``tables`` say which of the keys that :meth:`count` is given each counts by. Some may be shared."""
        self._tables = tuple(tables)

    def count(self, keys: Sequence[str], now: int) -> LimitTable | None:
        """Count one message under all limits, or under none when there is one that it exceeds, which is returned."""
        windows = []
        for place, table in self._tables:
            window = table.find_room(keys[place], now)
            if window is None:
                return table
            windows.append(window)
        for window in windows:
            window.add()
        return None
