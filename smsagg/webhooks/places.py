"""Places for requests that are under way, shared fairly, so that slow endpoints leave others theirs.

Each request has a place while it lasts. When all are taken, the next that comes free goes to the account that has the
fewest, and of its endpoints to the one that has the fewest; so whoever is quick waits for one place to come free,
however many the slow ones hold. No account has more than its share, also while others need none.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


class Places:
    """Of all endpoints."""

    def __init__(self, total: int, of_account: int) -> None:
        self._free = total
        self._of_account = of_account
        self._taken: Counter[tuple[str, ...]] = Counter()
        """By account, and by account and endpoint."""
        self._waiting: dict[str, dict[str, deque[trio.Event]]] = {}
        """By account and endpoint; bounded by what each endpoint sends side by side."""

    @asynccontextmanager
    async def one(self, account: str, endpoint: str) -> AsyncIterator[None]:
        """Hold a place for a request to ``endpoint`` of ``account`` within the block."""
        key = account, endpoint
        if self._free and self._taken[account,] < self._of_account:
            self._take(key)
        else:
            await self._wait(key)
        try:
            yield
        finally:
            self._give_back(key)

    async def _wait(self, key: tuple[str, str]) -> None:
        given = trio.Event()
        self._waiting.setdefault(key[0], {}).setdefault(key[1], deque()).append(given)
        try:
            await given.wait()
        except trio.Cancelled:
            if given.is_set():
                self._give_back(key)
            else:
                self._waiting[key[0]][key[1]].remove(given)
                self._forget_if_empty(key)
            raise

    def _take(self, key: tuple[str, str]) -> None:
        self._free -= 1
        self._taken.update((key[:1], key))

    def _give_back(self, key: tuple[str, str]) -> None:
        self._free += 1
        for whose in (key[:1], key):
            self._taken[whose] -= 1
            if not self._taken[whose]:
                del self._taken[whose]
        while self._free and (next_key := self._neediest()) is not None:
            self._take(next_key)
            self._waiting[next_key[0]][next_key[1]].popleft().set()
            self._forget_if_empty(next_key)

    def _neediest(self) -> tuple[str, str] | None:
        """Of those that wait and may have one more."""
        may = [account for account in self._waiting if self._taken[account,] < self._of_account]
        if not may:
            return None
        account = min(may, key=lambda account: self._taken[account,])
        return account, min(self._waiting[account], key=lambda endpoint: self._taken[account, endpoint])

    def _forget_if_empty(self, key: tuple[str, str]) -> None:
        account, endpoint = key
        if not self._waiting[account][endpoint]:
            del self._waiting[account][endpoint]
            if not self._waiting[account]:
                del self._waiting[account]
