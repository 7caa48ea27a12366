"""Which message a carrier's receipt is about, in memory: (carrier, carrier_message_id) to the message that awaits it.

Theory of operation. Ids belong to one carrier; two carriers' equal ids never meet. Three bounded tables:

*Awaiting* holds messages that a carrier took, oldest first. Two that await under one id (the carrier's counter
wrapped, or it is at fault) are both kept: the newest is found first, the older ones after it has ended;
``collisions`` counts such cases. At the bound the oldest leave and are returned: the store still finds them by the
same key.

*Parked* holds receipts that came before the submit_sm_resp that names their id. They wait for that event, not for a
timer; :meth:`Correlator.drop_parked` drops those whose response never came. At the bound a receipt is not taken, and
the carrier is told to bring it again.

*Finished* remembers the ids of messages that ended lately, so that a receipt's copies need no look-up. It keeps
between one and two times ``FINISHED_MAX`` ids, in two generations: when the younger is full it becomes the older.
"""

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from smsagg.model import Message

FINISHED_MAX = 50_000

Key = tuple[str, str]


class Parkable(Protocol):
    """A receipt as the caller keeps it."""

    @property
    def parked_at(self) -> int:
        """UTC ms."""
        ...


P = TypeVar("P", bound=Parkable)


class Correlator(Generic[P]):
    """Messages that await their carrier's receipt, and receipts that await their message."""

    __slots__ = (
        "_awaiting",
        "_finished",
        "_finished_before",
        "_older",
        "_older_count",
        "_parked",
        "_parked_count",
        "collisions",
        "messages_max",
        "parked_max",
    )

    def __init__(self, messages_max: int, parked_max: int) -> None:
        self.messages_max = messages_max
        self.parked_max = parked_max
        self.collisions = 0
        """Messages added under an id that another one already waited under."""
        self._awaiting: OrderedDict[Key, Message] = OrderedDict()
        self._older: dict[Key, list[Message]] = {}
        """Messages whose id was given again since, oldest first."""
        self._older_count = 0
        self._parked: OrderedDict[Key, list[P]] = OrderedDict()
        self._parked_count = 0
        self._finished: set[Key] = set()
        self._finished_before: set[Key] = set()

    def __len__(self) -> int:
        """Messages that await a receipt here."""
        return len(self._awaiting) + self._older_count

    @property
    def parked_count(self) -> int:
        """Receipts that are parked now."""
        return self._parked_count

    def add(self, carrier: str, carrier_message_id: str, message: Message) -> list[Message]:
        """``message`` awaits a receipt under this id.

        Returns those that had to leave to make room, usually none; ``message`` itself only if the bound is 0.
        """
        key = (carrier, carrier_message_id)
        awaiting = self._awaiting
        if key in awaiting:
            if awaiting[key] is message:
                return []
            self.collisions += 1
            self._older.setdefault(key, []).append(awaiting[key])
            self._older_count += 1
            awaiting.move_to_end(key)
        awaiting[key] = message
        return self._evict() if len(awaiting) + self._older_count > self.messages_max else []

    def find(self, carrier: str, carrier_message_id: str) -> Message | None:
        """The newest message that awaits a receipt with this id."""
        return self._awaiting.get((carrier, carrier_message_id))

    def finish(self, carrier: str, carrier_message_id: str, message: Message) -> None:
        """``message`` is over and awaits nothing any more, whether it was here or not."""
        key = (carrier, carrier_message_id)
        if self._older and key in self._older:
            self._finish_one_of_several(key, message)
        elif self._awaiting.get(key) is message:
            del self._awaiting[key]
        if len(self._finished) >= FINISHED_MAX:
            self._finished_before, self._finished = self._finished, set()
        self._finished.add(key)

    def was_finished(self, carrier: str, carrier_message_id: str) -> bool:
        """Whether a message with this id ended lately: another receipt for it is a copy, or came too late."""
        key = (carrier, carrier_message_id)
        return key in self._finished or key in self._finished_before

    def park(self, carrier: str, carrier_message_id: str, receipt: P) -> bool:
        """Keep ``receipt`` until its message is known; False when there is no room for it."""
        if self._parked_count >= self.parked_max:
            return False
        key = (carrier, carrier_message_id)
        parked = self._parked.get(key)
        if parked is None:
            parked = self._parked[key] = []
        parked.append(receipt)
        self._parked_count += 1
        return True

    def take_parked(self, carrier: str, carrier_message_id: str) -> list[P]:
        """Remove and return the receipts parked under this id, in the order in which they came."""
        if not self._parked:
            return []
        parked = self._parked.pop((carrier, carrier_message_id), [])
        self._parked_count -= len(parked)
        return parked

    def drop_parked(self, parked_before: int) -> int:
        """Drop the receipts of ids first parked before that instant (UTC ms); returns how many receipts."""
        count = self._parked_count
        while self._parked:
            key, parked = next(iter(self._parked.items()))
            if parked[0].parked_at >= parked_before:
                break
            del self._parked[key]
            self._parked_count -= len(parked)
        return count - self._parked_count

    def _finish_one_of_several(self, key: Key, message: Message) -> None:
        """``message`` leaves those that await under one id; the newest of the others is found first then."""
        before = self._older.pop(key)
        *older, newest = [m for m in (*before, self._awaiting[key]) if m is not message]
        self._awaiting[key] = newest
        if older:
            self._older[key] = older
        self._older_count += len(older) - len(before)

    def _evict(self) -> list[Message]:
        evicted: list[Message] = []
        while len(self) > self.messages_max:
            key, message = self._awaiting.popitem(last=False)
            older = self._older.pop(key, [])
            self._older_count -= len(older)
            evicted += [*older, message]
        return evicted
