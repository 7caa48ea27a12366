"""The last look at messages that are about to be written to a carrier: what must not go now does not.

Whatever was true when a message was taken in may have changed while it waited: its time may be up, its recipient may
have said that nothing is wanted, and the hours in which its country lets it be sent may be over. What can never go ends
here, with the one receipt that was asked for; what may go later waits for that.
"""

from collections.abc import Sequence

from smsagg.abuse.duplicates import bare_digits
from smsagg.compliance import Judge
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.queues.waiting import Waiting
from smsagg.model import Cause, Message, MessageState
from smsagg.model.message import ANSWERED
from smsagg.smpp.status import ESME_RINVDSTADR


class LastLook:
    """The dispatcher's."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher) -> None:
        self._core = core
        self._waiting = waiting
        self._finisher = finisher
        self._judge = Judge()

    def sendable(self, messages: list[Message]) -> list[Message]:
        """Of QUEUED messages that stand in no queue those that may go now; the others are ended, or wait again."""
        now = self._core.clock.now_ms()
        alive = [message for message in messages if message.expires_at > now]
        if len(alive) < len(messages):
            self._expire([message for message in messages if message.expires_at <= now], now)
        if self._core.consents.book.suppresses:
            alive = self._unsuppressed(alive, now)
        if self._core.tables.compliance.has_hours:
            alive = self._within_hours(alive, now)
        return alive

    def may_go(self, message: Message, now: int) -> bool:
        """Whether ``message`` may go still, at ``now`` (UTC milliseconds)."""
        if message.expires_at <= now:
            return False
        if self._core.consents.book.suppresses and self._is_suppressed(message):
            return False
        return not self._core.tables.compliance.has_hours or self._opens_at(message, now) == now

    def _expire(self, messages: list[Message], now: int) -> None:
        changes = Changes()
        for message in messages:
            self._finisher.finish(message, MessageState.EXPIRED, message.error_code, now, changes)
        self._finisher.commit(changes)

    def _unsuppressed(self, messages: list[Message], now: int) -> list[Message]:
        suppressed = [message for message in messages if self._is_suppressed(message)]
        if not suppressed:
            return messages
        changes = Changes()
        for message in suppressed:
            message.cause = Cause.OPTED_OUT
            self._core.decided(message, "suppressed", "its recipient wants no messages")
            self._finisher.finish(message, MessageState.REJECTED, ESME_RINVDSTADR, now, changes)
        self._finisher.commit(changes)
        return _without(messages, suppressed)

    def _is_suppressed(self, message: Message) -> bool:
        return self._core.consents.is_suppressed(message, bare_digits(message.destination_addr))

    def _within_hours(self, messages: list[Message], now: int) -> list[Message]:
        closed = [(message, at) for message in messages if (at := self._opens_at(message, now)) != now]
        if not closed:
            return messages
        changes = Changes()
        for message, at in closed:
            if at is None or at >= message.expires_at:
                message.cause = Cause.OUTSIDE_HOURS
                self._finisher.finish(message, MessageState.EXPIRED, message.error_code, now, changes)
            else:
                self._core.decided(message, "held", f"until the sending hours of {message.country} begin")
                self._waiting.retry_at(message, at, now, changes)
        self._finisher.commit(changes)
        return _without(messages, [message for message, _ in closed])

    def _opens_at(self, message: Message, now: int) -> int | None:
        """``now``: it may go; ``None``: never."""
        rules = self._core.tables.compliance.of(message.country)
        if rules is None or not rules.hours or message.origin == ANSWERED:
            return now
        digits = bare_digits(message.destination_addr)
        return self._judge.opens_at(rules, message.message_class, digits, now)


def _without(messages: list[Message], others: Sequence[Message]) -> list[Message]:
    stopped = set(map(id, others))
    return [message for message in messages if id(message) not in stopped]
