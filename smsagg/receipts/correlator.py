"""Which message a carrier's receipt is about, in memory: (carrier, carrier_message_id) to the message that awaits it.

Theory of operation. Two bounded tables.

*Awaiting* holds messages that a carrier took, oldest first. Ids belong to one carrier; two carriers' equal ids never
meet. Two messages that both wait under one id (the carrier's counter wrapped, or it is at fault) are both kept: a
receipt that tells whom its message was for finds that one, any other the newest, and the older ones after it has
ended. ``collisions`` counts such cases. At the bound the oldest
leave and are returned: the store still finds them by the same key.

*Early* holds receipts that came before the submit_sm_resp that names their id. They wait for that event, not for a
timer; :meth:`Correlator.expire_early` drops those whose response never came. At the bound a receipt is not taken, and
the carrier is told to bring it again.
"""

from collections import OrderedDict
from collections.abc import Container

from smsagg.model import CarrierReceipt, Message
from smsagg.receipts.rematch import digits_of

Key = tuple[str, str]


class Correlator:
    """Messages that await their carrier's receipt, and receipts that await their message."""

    __slots__ = (
        "_awaiting",
        "_early",
        "_early_count",
        "_older",
        "_older_count",
        "collisions",
        "early_max",
        "messages_max",
    )

    def __init__(self, messages_max: int, early_max: int) -> None:
        self.messages_max = messages_max
        self.early_max = early_max
        self.collisions = 0
        """Messages added under an id that another one already waited under."""
        self._awaiting: OrderedDict[Key, Message] = OrderedDict()
        self._older: dict[Key, list[Message]] = {}
        """Messages whose id was given again since, oldest first."""
        self._older_count = 0
        self._early: OrderedDict[Key, list[tuple[CarrierReceipt, int]]] = OrderedDict()
        self._early_count = 0

    def __len__(self) -> int:
        return len(self._awaiting) + self._older_count

    def add(self, message: Message) -> list[Message]:
        """``message`` awaits a receipt under its ``carrier`` and ``carrier_message_id``, neither empty.

        Returns those that had to leave to make room, usually none; never the message itself unless the bound is 0.
        """
        key = (message.carrier, message.carrier_message_id)
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

    def find(self, carrier: str, carrier_message_id: str, msisdn: str = "") -> Message | None:
        """The message that awaits a receipt with this id; of several the newest for ``msisdn``, or the newest."""
        key = (carrier, carrier_message_id)
        if self._older and msisdn and key in self._older:
            wanted = digits_of(msisdn)
            for message in (self._awaiting[key], *reversed(self._older[key])):
                if digits_of(message.destination_addr) == wanted:
                    return message
        return self._awaiting.get(key)

    def remove(self, message: Message) -> bool:
        """``message`` awaits nothing any more; False when it was not here. Its carrier and id must be as they were."""
        key = (message.carrier, message.carrier_message_id)
        if self._older and key in self._older:
            return self._remove_one_of_several(key, message)
        if self._awaiting.get(key) is not message:
            return False
        del self._awaiting[key]
        return True

    def park(self, carrier: str, receipt: CarrierReceipt, now: int, under: str = "") -> bool:
        """Keep ``receipt`` until its message is known, by its id or ``under`` another one; False when there is no room.
        ``now`` is UTC ms."""
        if self._early_count >= self.early_max:
            return False
        key = (carrier, under or receipt.carrier_message_id)
        parked = self._early.get(key)
        if parked is None:
            parked = self._early[key] = []
        parked.append((receipt, now))
        self._early_count += 1
        return True

    def take_early(self, carrier: str, carrier_message_id: str) -> list[CarrierReceipt]:
        """Remove and return the receipts parked under this id, in the order in which they came."""
        if not self._early:
            return []
        parked = self._early.pop((carrier, carrier_message_id), None)
        if parked is None:
            return []
        self._early_count -= len(parked)
        return [receipt for receipt, _ in parked]

    def take_parked(self, carrier: str, parked_as: Container[str] | None = None) -> list[CarrierReceipt]:
        """Remove and return the parked receipts of a carrier, or those of them with such a ``parked_as``, in order."""
        taken: list[CarrierReceipt] = []
        for key in [key for key in self._early if key[0] == carrier]:
            parked = self._early[key]
            wanted = [receipt for receipt, _ in parked if parked_as is None or receipt.parked_as in parked_as]
            if len(wanted) == len(parked):
                del self._early[key]
            elif wanted:
                self._early[key] = [one for one in parked if one[0] not in wanted]
            taken += wanted
        self._early_count -= len(taken)
        return taken

    def expire_early(self, parked_before: int) -> list[tuple[str, CarrierReceipt]]:
        """Remove and return, with their carriers, the receipts of ids first parked before that instant (UTC ms)."""
        expired: list[tuple[str, CarrierReceipt]] = []
        while self._early:
            key, parked = next(iter(self._early.items()))
            if parked[0][1] >= parked_before:
                break
            del self._early[key]
            self._early_count -= len(parked)
            expired += [(key[0], receipt) for receipt, _ in parked]
        return expired

    @property
    def early_count(self) -> int:
        """Receipts that are parked now."""
        return self._early_count

    def _remove_one_of_several(self, key: Key, message: Message) -> bool:
        """``message`` leaves those that await under one id; the newest of the others is found first then."""
        before = [*self._older[key], self._awaiting[key]]
        after = [m for m in before if m is not message]
        if len(after) == len(before):
            return False
        self._older_count -= 1
        self._awaiting[key] = after.pop()
        if after:
            self._older[key] = after
        else:
            del self._older[key]
        return True

    def _evict(self) -> list[Message]:
        evicted: list[Message] = []
        while len(self) > self.messages_max:
            if len(self._awaiting) == 1 and self._older:  # all of them under the id of the one just added
                ((key, older),) = self._older.items()
                evicted.append(older.pop(0))
                self._older_count -= 1
                if not older:
                    del self._older[key]
                continue
            key, message = self._awaiting.popitem(last=False)
            older = self._older.pop(key, [])
            self._older_count -= len(older)
            evicted += [*older, message]
        return evicted
