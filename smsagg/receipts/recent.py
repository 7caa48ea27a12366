"""The ids whose message ended a short while ago: a bounded memory that forgets the oldest.

A carrier that repeats a receipt gets an answer from here; without it every repetition would be parked as if its
message were still to come. Two generations share the bound: when the younger one is full it becomes the older and the
oldest ids are forgotten together, so adding costs constant time (a dict that drops its first entry each time would
search past the gaps of all that it dropped before).
"""

from smsagg.model import MessageState


class RecentIds:
    """(carrier, carrier_message_id) pairs and the end that their carrier reported, ``None`` when it reported none; at
    most ``ids_max`` of them and at least the latest half of that."""

    __slots__ = ("_older", "_younger", "ids_max")

    def __init__(self, ids_max: int) -> None:
        self.ids_max = ids_max
        self._younger: dict[tuple[str, str], MessageState | None] = {}
        self._older: dict[tuple[str, str], MessageState | None] = {}

    def __len__(self) -> int:
        return len(self._younger | self._older)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._younger or key in self._older

    def state_of(self, carrier: str, carrier_message_id: str) -> MessageState | None:
        """The end that was reported; ``None`` also for ids that are not here."""
        key = (carrier, carrier_message_id)
        return self._younger[key] if key in self._younger else self._older.get(key)

    def add(self, carrier: str, carrier_message_id: str, state: MessageState | None = None) -> None:
        """Remember one more pair."""
        if 2 * len(self._younger) >= self.ids_max:
            self._older, self._younger = self._younger, {}
        self._younger[carrier, carrier_message_id] = state
