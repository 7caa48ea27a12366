"""The last look at messages that are about to be written to a carrier: what must not go now does not.

Whatever was true when a message was taken in may have changed while it waited: its time may be up, and its recipient
may have said that nothing is wanted. Such messages end here, each with the one receipt that was asked for.
"""

from smsagg.abuse.duplicates import bare_digits
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.finish import Finisher
from smsagg.model import Cause, Message, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR


class LastLook:
    """The dispatcher's."""

    def __init__(self, core: Core, finisher: Finisher) -> None:
        self._core = core
        self._finisher = finisher

    def sendable(self, messages: list[Message]) -> list[Message]:
        """Of QUEUED messages that stand in no queue those that may go now; the others are ended."""
        now = self._core.clock.now_ms()
        alive = [message for message in messages if message.expires_at > now]
        if len(alive) < len(messages):
            self._expire([message for message in messages if message.expires_at <= now], now)
        if self._core.consents.book.suppresses:
            alive = self._unsuppressed(alive, now)
        return alive

    def may_go(self, message: Message, now: int) -> bool:
        """Whether ``message`` may go still, at ``now`` (UTC milliseconds)."""
        return message.expires_at > now and not (self._core.consents.book.suppresses and self._is_suppressed(message))

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
        stopped = set(map(id, suppressed))
        return [message for message in messages if id(message) not in stopped]

    def _is_suppressed(self, message: Message) -> bool:
        return self._core.consents.is_suppressed(message, bare_digits(message.destination_addr))
