"""A bound session as its operations see it: whose it is, its limits, its commits under way, and how to answer."""

from collections.abc import Callable
from typing import NamedTuple

import trio
from attrs import define, field

from smsagg.engine.accounts import Account
from smsagg.esme.door import FrontDoor
from smsagg.model import Message
from smsagg.smpp.connection import Connection
from smsagg.smpp.pdu import Response
from smsagg.smpp.status import name_of


class Admission(NamedTuple):
    """Of some messages in order: the first ``admitted`` are within every limit. Those from there to ``within_queue``
    exceed the rate, from there to ``within_window`` the queue, and the rest the window."""

    admitted: int
    within_queue: int
    within_window: int


@define(eq=False)
class Bound:
    """What is common to the operations of one bound session."""

    door: FrontDoor
    account: Account
    connection: Connection
    flush: Callable[[], None]
    """Have what is queued in the connection sent."""
    _committing: int = 0
    _settled: trio.Event = field(factory=trio.Event)

    def admit(self, messages: int, requests: int) -> Admission:
        """How many of the ``messages`` that unanswered ``requests`` ask for the account's limits allow now.

        The rate is spent for those that are admitted.
        """
        account = self.account
        above = self.connection.unanswered - requests + messages - account.settings.window_max
        within_window = max(messages - max(above, 0), 0)
        within_queue = min(max(account.settings.queue_max - account.queued, 0), within_window)
        admitted = within_queue
        if account.bucket is not None:
            admitted = account.bucket.take_up_to(within_queue, trio.current_time())
        return Admission(admitted, within_queue, within_window)

    def commit(self, messages: list[Message], accepted: Callable[[int], None]) -> None:
        """Number and commit reserved messages, all or none; ``accepted`` queues the answers, given ESME_ROK or why not.

        A stop waits for it.
        """
        intake = self.door.engine.intake
        intake.number(messages)
        self._committing += 1

        def committed(command_status: int) -> None:
            self._committing -= 1
            self._settled.set()
            accepted(command_status)
            self.flush()

        intake.commit(messages, committed)

    def count_refused(self, command_status: int, count: int) -> None:
        """Tell the metrics and the pace of messages that were not taken."""
        self.door.engine.metrics.refused(self.account.name, name_of(command_status), count)
        self.door.pace.note_refused(count)

    def answer(self, response: Response) -> None:
        """Queue one response and have it sent."""
        self.connection.respond(response)
        self.flush()

    async def wait_settled(self) -> None:
        """Until nothing is being committed."""
        while self._committing:
            self._settled = trio.Event()
            await self._settled.wait()
