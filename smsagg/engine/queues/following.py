"""Parts that follow their siblings on a link which had no room for all of them at once.

They go before anything else on that link, in the order in which they came to follow. When the link cannot take them any
more they wait in their pool again.
"""

from collections import deque

from smsagg.engine.sending.pools import LinkState
from smsagg.model import Message


class Following:
    """By link, in the order in which they follow."""

    __slots__ = ("_by_link", "_link_of")

    def __init__(self) -> None:
        self._by_link: dict[LinkState, deque[Message]] = {}
        self._link_of: dict[int, LinkState] = {}
        """By the ``seq`` of each part."""

    def __bool__(self) -> bool:
        return bool(self._by_link)

    def __len__(self) -> int:
        return len(self._link_of)

    def __contains__(self, link: LinkState) -> bool:
        return link in self._by_link

    @property
    def links(self) -> list[LinkState]:
        """Those that are followed."""
        return list(self._by_link)

    def add(self, link: LinkState, parts: list[Message]) -> None:
        """``parts`` follow on ``link``, after those that do already."""
        self._by_link.setdefault(link, deque()).extend(parts)
        for part in parts:
            self._link_of[part.seq] = link

    def take(self, link: LinkState, count: int) -> list[Message]:
        """Remove and return the next ``count`` on ``link``, fewer when there are no more."""
        waiting = self._by_link[link]
        taken = [waiting.popleft() for _ in range(min(count, len(waiting)))]
        for part in taken:
            del self._link_of[part.seq]
        if not waiting:
            del self._by_link[link]
        return taken

    def parts(self) -> list[Message]:
        """All that follow."""
        return [part for waiting in self._by_link.values() for part in waiting]

    def remove(self, part: Message) -> bool:
        """Take ``part`` out; False when it follows nobody."""
        link = self._link_of.pop(part.seq, None)
        if link is None:
            return False
        waiting = self._by_link[link]
        waiting.remove(part)
        if not waiting:
            del self._by_link[link]
        return True
