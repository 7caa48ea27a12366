"""A bound session as its operations see it: whose it is, its limits, its commits under way, and how to answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import trio
from attrs import define, field

from smsagg.engine.accounts import Account
from smsagg.esme.door import FrontDoor
from smsagg.model import Message
from smsagg.smpp.connection import Connection
from smsagg.smpp.pdu import Response
from smsagg.smpp.status import SMPP_5_0, name_of
from smsagg.smpp.tlv import Tag, Tlvs

TLVS_SINCE_VERSION = 0x34
_CONGESTION_STATE = int(Tag.CONGESTION_STATE)


class Admission(NamedTuple):
    """Of some messages in order: the first ``admitted`` are within every limit. Those from there to ``within_queue``
    exceed the rate, from there to ``within_window`` the queue, and the rest the window, or came after the end began."""

    admitted: int
    within_queue: int
    within_window: int


def congestion_state(load: float, account: Account) -> int:
    """0 (idle) to 100 (congested, what comes may be refused): the fuller of the loop and the account's queue.

    ``load`` is the front door's, 0 to 1.
    """
    return min(round(100 * max(load, account.queued / account.settings.queue_max)), 100)


@define(eq=False)
class Bound:
    """What is common to the operations of one bound session."""

    door: FrontDoor
    account: Account
    connection: Connection
    flush: Callable[[], None]
    """Have what is queued in the connection sent."""
    start_soon: Callable[..., object]
    """Have an async function run in the session's nursery."""
    is_leaving: bool = False
    """Nothing more is taken: the session is about to be unbound."""
    _committing: int = 0
    _copies: int = 0
    """Messages being committed beyond one for each request."""
    _settled: trio.Event = field(factory=trio.Event)

    def admit(self, messages: int, requests: int) -> Admission:
        """How many of the ``messages`` that unanswered ``requests`` ask for the account's limits allow now.

        The rate is spent for those that are admitted.
        """
        account = self.account
        if self.is_leaving:
            return Admission(0, 0, 0)
        unanswered = self.connection.unanswered + self._copies
        above = unanswered - requests + messages - account.settings.window_max
        within_window = max(messages - max(above, 0), 0)
        within_queue = min(max(account.settings.queue_max - account.queued, 0), within_window)
        admitted = within_queue
        if account.bucket is not None:
            admitted = account.bucket.take_up_to(within_queue, trio.current_time())
        return Admission(admitted, within_queue, within_window)

    def room(self, requests: int) -> float:
        """Of unanswered ``requests``, how many :meth:`admit` would allow now. Nothing is spent."""
        account = self.account
        if self.is_leaving:
            return 0
        above = self.connection.unanswered + self._copies - account.settings.window_max
        room: float = min(requests - max(above, 0), account.settings.queue_max - account.queued)
        if account.bucket is not None:
            room = min(room, account.bucket.available(trio.current_time()))
        return room

    def hold_rate(self) -> Callable[[], None]:
        """Keep one message's share of the account's rate for later; what is returned makes it free to be spent."""
        bucket = self.account.bucket
        if bucket is None:
            return lambda: None
        bucket.take(1, trio.current_time())
        return partial(bucket.give_back, 1)

    def commit(self, messages: list[Message], accepted: Callable[[int], None]) -> None:
        """Number and commit reserved messages, all or none; ``accepted`` queues the answers, given ESME_ROK or why not.

        A stop waits for it.
        """
        intake = self.door.engine.intake
        intake.number(messages, short=self.takes_short_ids)
        with_answers = self.committing(accepted)
        intake.commit(messages, with_answers)

    def commit_copies(self, messages: list[Message], accepted: Callable[[int], None]) -> None:
        """The same for the messages of one request, which have one id."""
        intake = self.door.engine.intake
        intake.number_copies(messages, short=self.takes_short_ids)
        more = len(messages) - 1
        self._copies += more

        def committed(command_status: int) -> None:
            self._copies -= more
            accepted(command_status)

        intake.commit(messages, self.committing(committed))

    def committing(self, accepted: Callable[[int], None]) -> Callable[[int], None]:
        """What a commit under way is to tell its result to: it queues the answers by ``accepted`` and has them sent."""
        self._committing += 1

        def committed(command_status: int) -> None:
            self._committing -= 1
            self._settled.set()
            accepted(command_status)
            self.flush()

        return committed

    @property
    def takes_short_ids(self) -> bool:
        """Whether the peer holds ids of 8 octets at most (SMPP 5.0 §2.11.2)."""
        return self.connection.interface_version < TLVS_SINCE_VERSION

    def response_tlvs(self) -> Tlvs:
        """The TLVs of a response ESME_ROK: congestion_state for a peer that knows it (SMPP 5.0 §4.8.4.18)."""
        if self.connection.interface_version < SMPP_5_0:
            return ()
        return ((_CONGESTION_STATE, bytes((congestion_state(self.door.pace.load, self.account),))),)

    def count_refused(self, command_status: int, count: int, reason: str = "") -> None:
        """Tell the metrics and the pace of messages that were not taken; without a ``reason`` the status is it."""
        self.door.engine.metrics.refused(self.account.name, reason or name_of(command_status), count)
        self.door.pace.note_refused(count)

    def count_repeated(self, count: int, reason: str) -> None:
        """Tell the metrics of messages that were answered with the id of one that we had already."""
        self.door.engine.metrics.refused(self.account.name, reason, count)

    def answer(self, response: Response) -> None:
        """Queue one response and have it sent."""
        if not response.command_status:
            response.tlvs = (*response.tlvs, *self.response_tlvs())
        self.connection.respond(response)
        self.flush()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While a request is being served by a task; a stop waits for it."""
        self._committing += 1
        try:
            yield
        finally:
            self._committing -= 1
            self._settled.set()

    async def wait_settled(self) -> None:
        """Until nothing is being committed or served."""
        while self._committing:
            self._settled = trio.Event()
            await self._settled.wait()
