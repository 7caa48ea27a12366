"""Turns: what is done with one thing is done one after another, in the order of asking."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio


class Turns:
    """By name. Memory: the names that somebody has, or waits for, a turn with."""

    def __init__(self) -> None:
        self._locks: dict[str, trio.Lock] = {}
        self._watchers: list[set[str]] = []

    def __len__(self) -> int:
        return len(self._locks)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Within the block nobody else has a turn with ``name``."""
        lock = self._locks.setdefault(name, trio.Lock())
        for taken in self._watchers:
            taken.add(name)
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                del self._locks[name]

    @contextmanager
    def watching(self) -> Iterator[set[str]]:
        """While the store is asked: collects the names with which somebody has a turn meanwhile, so that what was found
        of them is stale."""
        taken = set(self._locks)
        self._watchers.append(taken)
        try:
            yield taken
        finally:
            self._watchers = [watcher for watcher in self._watchers if watcher is not taken]
