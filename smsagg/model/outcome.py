"""What became of one attempt: the closed union that every carrier reports in."""

from attrs import define

from smsagg.model.message import Message


@define
class Accepted:
    """The carrier answered ESME_ROK and took the message."""

    message: Message
    carrier_message_id: str
    """Normalised by the carrier's dialect, ``""`` when it gave none."""


@define
class Refused:
    """The carrier answered with an error; it does not have the message."""

    message: Message
    command_status: int


@define
class NotSent:
    """The link ended, or could not take it, before any octet was written; the carrier cannot have it."""

    message: Message


@define
class InDoubt:
    """Written, but no answer came before the link was lost or the response timer fired; the carrier may have it."""

    message: Message
    link_lost: bool
    """True: the link was lost. False: the response timer fired on a living link."""


Outcome = Accepted | Refused | NotSent | InDoubt
