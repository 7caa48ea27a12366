"""The ids whose message ended a short while ago: a bounded set that forgets the oldest.

A carrier that repeats a receipt gets an answer from here; without it every repetition would be parked as if its message were
still to come.
"""


class RecentIds:
    """(carrier, carrier_message_id) pairs, at most ``ids_max`` of them."""

    __slots__ = ("_ids", "ids_max")

    def __init__(self, ids_max: int) -> None:
        self.ids_max = ids_max
        self._ids: dict[tuple[str, str], None] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._ids

    def add(self, carrier: str, carrier_message_id: str) -> None:
        ids = self._ids
        ids[carrier, carrier_message_id] = None
        if len(ids) > self.ids_max:
            del ids[next(iter(ids))]
