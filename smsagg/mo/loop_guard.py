"""Stops two accounts whose programs answer each other without end: a message from one number of ours to another comes
back to us as MO, and so does the answer to it.

Counted are messages between one pair of our own numbers within a window; handsets' messages never come here. The
windows of a bounded number of pairs are remembered, and the one that began first is forgotten first.
"""

from collections import OrderedDict

PAIRS_MAX = 10_000


class LoopGuard:
    """Instants are milliseconds."""

    def __init__(self, messages_max: int, window_ms: int, pairs_max: int = PAIRS_MAX) -> None:
        self._messages_max = messages_max
        self._window_ms = window_ms
        self._pairs_max = pairs_max
        self._windows: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        """When a pair's window began, and the messages in it."""

    def set_limits(self, messages_max: int, window_ms: int) -> None:
        """Other limits from now on, for windows that have begun as well."""
        self._messages_max = messages_max
        self._window_ms = window_ms

    def __len__(self) -> int:
        return len(self._windows)

    def admits(self, source_addr: str, destination_addr: str, now: int) -> bool:
        """Count one more message of the pair; False when it is one too many. A refused one is not counted."""
        pair = (source_addr, destination_addr)
        began_at, count = self._windows.get(pair, (now, 0))
        if not began_at <= now < began_at + self._window_ms:
            self._windows.pop(pair)
            began_at, count = now, 0
        if count >= self._messages_max:
            return False
        self._windows[pair] = began_at, count + 1
        if len(self._windows) > self._pairs_max:
            self._windows.popitem(last=False)
        return True
