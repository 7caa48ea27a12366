"""References for the messages that we cut, so that a handset tells their parts apart.

A handset puts together by sender and reference, so each pair of addresses counts by itself: of two messages between
the same two no two in 256 (8 bits) or 65,536 (16 bits) have the same. A pair that is not known any more (of more than
``pairs_max`` the one that was quiet longest is forgotten) begins somewhere else. References that customers give are
kept as they are, and not looked at here.
"""

from collections import OrderedDict

REFERENCES = 1 << 16
_STRIDE = 0x3D
"""From one new pair's first reference to the next one's."""


class References:
    """``first`` is where the first pair begins: let it be random, so that a restart does not repeat itself."""

    __slots__ = ("_latest", "_next_first", "pairs_max")

    def __init__(self, pairs_max: int, first: int) -> None:
        self.pairs_max = pairs_max
        self._next_first = first % REFERENCES
        self._latest: OrderedDict[tuple[str, str], int] = OrderedDict()

    def take(self, source_addr: str, destination_addr: str) -> int:
        """The reference of the next message between these two: 0 to 65,535."""
        pair = (source_addr, destination_addr)
        latest = self._latest.get(pair)
        if latest is None:
            reference = self._next_first
            self._next_first = (reference + _STRIDE) % REFERENCES
        else:
            reference = (latest + 1) % REFERENCES
        self._latest[pair] = reference
        self._latest.move_to_end(pair)
        if len(self._latest) > self.pairs_max:
            self._latest.popitem(last=False)
        return reference
