"""A set of 64-bit numbers in nine octets each, for millions of entries.

Theory of operation. The numbers are spread by their highest bits over :data:`SHARDS` sorted arrays, in which they are
found by halving. Adding moves what stands behind within one shard: some kilobytes at ten million entries. So no
operation ever touches more than one shard, and none rebuilds the whole, as a hash table would when it grows. The
entries must be spread evenly, as digests are.
"""

from array import array
from bisect import bisect_left

SHARDS = 4_096
_SHARD_SHIFT = 64 - 12


class DigestSet:
    """Unsigned 64-bit integers."""

    __slots__ = ("_count", "_shards")

    def __init__(self) -> None:
        self._shards: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, digest: int) -> bool:
        shard = self._shards.get(digest >> _SHARD_SHIFT)
        if shard is None:
            return False
        place = bisect_left(shard, digest)
        return place < len(shard) and shard[place] == digest

    def add(self, digest: int) -> bool:
        """Whether it is new."""
        shard = self._shards.setdefault(digest >> _SHARD_SHIFT, array("Q"))
        place = bisect_left(shard, digest)
        if place < len(shard) and shard[place] == digest:
            return False
        shard.insert(place, digest)
        self._count += 1
        return True

    def discard(self, digest: int) -> bool:
        """Whether it was there."""
        shard = self._shards.get(digest >> _SHARD_SHIFT, array("Q"))
        place = bisect_left(shard, digest)
        if place == len(shard) or shard[place] != digest:
            return False
        del shard[place]
        self._count -= 1
        return True
