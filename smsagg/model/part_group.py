"""What joins the parts of a long message: how many there are, how many have ended and how, and who is told.

Every part is a message of its own, with its own row, attempts, carrier id and end. The group is what they share. It
comes to be in one of two ways:

======================  ==========================================  =================================================
Submitted               by the customer in parts                    whole, and cut by us (``is_split``)
======================  ==========================================  =================================================
Ids                     one for each part                           one; all parts have it
Parts that exist        those that came (``received``)              all, from the beginning
``group_seq``           of the part that came first                 of part 1; the others follow without a gap
======================  ==========================================  =================================================

The group's state is the worst of the parts' final states, in the order of :data:`SEVERITY`, so that only a message
all of whose parts were delivered is.
"""

import copy
from enum import IntEnum
from typing import Any

from attrs import define, field

from smsagg.model.message import Message, MessageState


class PartReceipts(IntEnum):
    """For which parts of a long message the account is told how they ended."""

    ALL = 0
    """A receipt for each part."""
    FIRST = 1
    """One, when part 1 has ended: its state."""
    LAST = 2
    """One, when the part with the highest number has ended: its state."""
    WORST = 3
    """One, when all parts have ended: the worst of their states."""


SEVERITY = (
    MessageState.QUEUED,
    MessageState.DELIVERED,
    MessageState.ACCEPTED,
    MessageState.UNKNOWN,
    MessageState.EXPIRED,
    MessageState.DELETED,
    MessageState.UNDELIVERABLE,
    MessageState.REJECTED,
)
"""Final states from the best to the worst; QUEUED stands for none."""
_UDHI = 0x40
_BITS = 62
"""A signed integer of the store holds them."""
_RANK = {state: rank for rank, state in enumerate(SEVERITY)}


@define(eq=False)
class PartGroup:
    """What the parts of one long message share. Mutable; one object for all parts that are in memory.

    Instants are UTC milliseconds.
    """

    group_seq: int
    """Primary key in the store: the ``seq`` of the part that was accepted first."""
    message_id: str
    """Of that part."""
    account: str
    source_addr: str
    destination_addr: str
    reference: int
    """What the parts call themselves by, 16 bits."""
    parts_total: int
    is_split: bool
    """We cut it; else the customer did."""
    receipts: PartReceipts
    registered_delivery: int
    """What the customer asked for; of several parts the highest value."""
    excerpt: bytes
    """The first octets of the text of the part that was accepted first."""
    accepted_at: int
    closes_at: int
    """Parts that come after this instant belong to another message."""
    received: int
    """Parts that were accepted."""
    ended: int = 0
    """Parts that have their final state."""
    state: MessageState = MessageState.QUEUED
    """The worst final state of a part so far."""
    error_code: int = 0
    """The ``error_code`` of the first part that ended in ``state``."""
    done_at: int = 0
    """When the last part ended, 0 before."""
    carrier: str = ""
    """The carrier that took a part last."""
    joined_id: str = ""
    """The ``carrier_message_id`` under which ``carrier`` took all parts as one message; ``""``: it did not."""
    numbers: int = 0
    """Which parts were accepted, as bits 1 to 62; higher ones are not noted."""
    gone: set[int] = field(factory=set)
    """Numbers of parts that need not be waited for, as far as memory knows: handed over, with a carrier, or over;
    memory only."""
    link: Any = None
    """Where the last part was handed over; memory only."""
    retry: tuple[int, int] = (0, 0)
    """Parts that fail for the n-th time go again together: n, and when; memory only."""

    @property
    def is_over(self) -> bool:
        return self.done_at != 0

    def end_part(self, number: int, state: MessageState, error_code: int, now: int) -> bool:
        """Part ``number`` has got its final state; whether that is when a receipt may be due."""
        self.gone.add(number)
        self.ended += 1
        self.state, self.error_code = self.worst_with(state, error_code)
        ends_all = self.ended == self.parts_total and not self.done_at
        if ends_all:
            self.done_at = now
        return ends_all if self.receipts is PartReceipts.WORST else self._speaks(number)

    def worst_with(self, state: MessageState, error_code: int) -> tuple[MessageState, int]:
        """What the state of the whole and its error_code become when a part ends so."""
        if _RANK[state] > _RANK[self.state] and not self.is_over:
            return state, error_code
        return self.state, self.error_code

    def note_part(self, number: int) -> None:
        """Part ``number`` has been accepted."""
        self.received += 1
        self.numbers |= bit_of_part(number)

    def skip_part(self, number: int, now: int) -> None:
        """Part ``number`` was accepted too late and is none any more."""
        self.gone.add(number)
        self.ended += 1
        if self.ended == self.parts_total and not self.done_at:
            self.done_at = now

    def close(self, now: int) -> None:
        """No part will come any more, and those that came are over."""
        assert self.ended == self.received
        assert not self.is_over
        self.done_at = now

    def notifies_of(self, number: int) -> bool:
        """Whether intermediate notifications of part ``number`` are passed on."""
        return number == 1 if self.receipts is PartReceipts.WORST else self._speaks(number)

    def _speaks(self, number: int) -> bool:
        if self.receipts is PartReceipts.ALL:
            return True
        return number == (1 if self.receipts is PartReceipts.FIRST else self.parts_total)

    def whole(self, message: Message) -> Message:
        """``message``, one of the parts, as the customer knows the whole: its id, its text and its state."""
        whole = copy.copy(message)
        whole.message_id = self.message_id
        whole.source_addr, whole.destination_addr = self.source_addr, self.destination_addr
        whole.body = self.excerpt
        whole.esm_class &= ~_UDHI
        whole.accepted_at = self.accepted_at
        if self.is_over:
            whole.state, whole.error_code, whole.done_at = self.state, self.error_code, self.done_at
        elif message.state.is_final:
            whole.state, whole.error_code, whole.done_at = MessageState.ENROUTE, 0, 0
        return whole


def bit_of_part(number: int) -> int:
    """Its place in :attr:`PartGroup.numbers`."""
    return 1 << number if number <= _BITS else 0


GROUP_MEMORY_ONLY_FIELDS = frozenset({"gone", "link", "retry"})
"""Fields of :class:`PartGroup` that the store does not keep."""
