"""Magic numbers: the last three digits of a number say what becomes of a message to it.

They are the same in every country, and all begin with 1, so that the numbers that regulators set aside for fiction have
them (+44 7700 900100 to 900199, +1 202 555 0100 to 0199). Any other number is delivered after :data:`USUAL_S`.

What is said depends on the number and the time alone, never on what came before, so a restart changes nothing.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import define

from smsagg.model import Cause, MessageState, Refusal
from smsagg.smpp.status import (
    ESME_RINVDSTADR,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RPROHIBITED,
    ESME_RSUBMITFAIL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
)

USUAL_S = 1.0
"""From the carrier's yes to its receipt."""
REPLY_S = 2.0
"""From the carrier's yes to the handset's answer."""
CODE = "1234567890"
"""The code of every verification, cut to its length: nobody has the handset on which it could be read."""
DIGITS = 3


class Reply(Enum):
    """What a handset writes back."""

    ECHO = "echo"
    """The text that it got; of a message that a customer cut into parts, each part."""
    STOP = "STOP"
    YES = "YES"


@define(frozen=True)
class Magic:
    """What becomes of a message to such a number."""

    meaning: str
    refusal: Refusal | None = None
    """It is not even taken in."""
    command_status: int = ESME_ROK
    """What the carrier answers."""
    refused_for_s: float | None = None
    """For so long, from when it might go first; then the carrier takes it. ``None``: for ever."""
    receipt_s: float | None = USUAL_S
    """From the carrier's yes to its receipt; ``None``: it sends none."""
    state: MessageState = MessageState.DELIVERED
    cause: Cause = Cause.NONE
    reply: Reply | None = None

    def answer(self, waited_s: float) -> int:
        """The carrier's ``command_status`` for a message that might have gone ``waited_s`` ago."""
        if self.refused_for_s is not None and waited_s >= self.refused_for_s:
            return ESME_ROK
        return self.command_status


def _undelivered(meaning: str, cause: Cause, state: MessageState = MessageState.UNDELIVERABLE) -> Magic:
    return Magic(meaning, state=state, cause=cause)


def _refused(meaning: str, command_status: int, reason: str = "") -> Magic:
    return Magic(meaning, refusal=Refusal(command_status, reason))


USUAL = Magic("delivered after a second")
MAGIC: Mapping[str, Magic] = {
    "100": USUAL,
    "101": Magic("slow: delivered after 30 seconds", receipt_s=30.0),
    "102": Magic("delivered after 5 minutes", receipt_s=300.0),
    "103": Magic("delivered after an hour", receipt_s=3_600.0),
    "104": Magic("no receipt ever comes: unknown in the end", receipt_s=None),
    "105": Magic(
        "the carrier throttles it for 3 seconds, then it is delivered",
        command_status=ESME_RTHROTTLED,
        refused_for_s=3.0,
    ),
    "106": Magic(
        "the carrier fails for 10 seconds, then it is delivered", command_status=ESME_RSYSERR, refused_for_s=10.0
    ),
    "107": Magic("no carrier ever takes it: expired when its life is over", command_status=ESME_RSYSERR),
    "108": Magic("the carrier refuses it for good: rejected", command_status=ESME_RPROHIBITED),
    "110": _undelivered("undelivered: the number is assigned to nobody", Cause.UNKNOWN_SUBSCRIBER),
    "111": _undelivered("undelivered: switched off or out of reach", Cause.ABSENT_SUBSCRIBER),
    "112": _undelivered("undelivered: the handset's memory is full", Cause.MEMORY_FULL),
    "113": _undelivered("undelivered: the subscriber takes no text messages", Cause.BARRED),
    "114": _undelivered("undelivered: taken for spam", Cause.SPAM),
    "115": _undelivered("undelivered: the network failed", Cause.NETWORK_ERROR),
    "116": _undelivered("expired at the carrier", Cause.EXPIRED, MessageState.EXPIRED),
    "117": _undelivered("rejected by the network after the carrier took it", Cause.REJECTED, MessageState.REJECTED),
    "130": _refused("not taken: no such destination", ESME_RINVDSTADR, "no_route"),
    "131": _refused("not taken: over the account's rate", ESME_RTHROTTLED),
    "132": _refused("not taken: the queue is full", ESME_RMSGQFUL),
    "133": _refused("not taken: no credit", ESME_RSUBMITFAIL, "no_credit"),
    "134": _refused("not taken: the store fails", ESME_RSYSERR),
    "140": Magic("delivered, and the handset echoes the text", reply=Reply.ECHO),
    "141": Magic("delivered, and the handset writes STOP", reply=Reply.STOP),
    "142": Magic("delivered, and the handset writes YES", reply=Reply.YES),
}
"""By the last three digits."""


def magic_of(digits: str) -> Magic:
    """What becomes of a message to the E.164 number ``digits``."""
    return MAGIC.get(digits[-DIGITS:], USUAL)
