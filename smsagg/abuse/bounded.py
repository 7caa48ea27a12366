"""A dictionary that keeps what was used recently, within a bound.

Two generations: a key is looked for in the young one, then in the old one, from where it moves to the young. When the
young one holds half of the bound it becomes the old one, and what was old is forgotten. So what is used at least once
in a generation stays, at no cost but the look-up, and there are never more keys than the bound.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentKeys(Generic[K, V]):
    """Values that ``make()`` makes for new keys, ``keys_max`` (2 or more) at most."""

    __slots__ = ("_half", "_make", "_old", "_young", "forgotten")

    def __init__(self, keys_max: int, make: Callable[[], V]) -> None:
        self._half = max(keys_max // 2, 1)
        self._make = make
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self.forgotten = 0
        """Keys that were dropped for want of room."""

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __iter__(self) -> Iterator[K]:
        yield from self._old
        yield from self._young

    def __getitem__(self, key: K) -> V:
        """The value of ``key``, made when there is none."""
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is None:
                value = self._make()
            if len(self._young) >= self._half:
                self.forgotten += len(self._old)
                self._old, self._young = self._young, {}
            self._young[key] = value
        return value

    def pop(self, key: K) -> None:
        """Forget ``key``, if it is there."""
        self._young.pop(key, None)
        self._old.pop(key, None)
