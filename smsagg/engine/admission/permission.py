"""Whether a message may be sent to its recipient at all: by what the recipient said."""

from smsagg.engine.core import Core
from smsagg.model import Message, Refusal
from smsagg.smpp.status import ESME_RINVDSTADR

SUPPRESSED = Refusal(ESME_RINVDSTADR, "suppressed")


class Permission:
    """A step of the admission, when sender and class of the message are final."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that could forbid a message."""
        return self._core.consents.book.suppresses

    def check(self, message: Message, digits: str) -> Refusal | None:
        """Why ``message`` is not to go to the E.164 number ``digits``; ``None``: it may."""
        consents = self._core.consents
        if consents.book.suppresses and consents.is_suppressed(message, digits):
            return SUPPRESSED
        return None
