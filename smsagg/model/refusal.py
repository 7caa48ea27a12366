"""Why a message is not taken in: a value, so that nothing is stored, sent, charged or receipted on its way out."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """What a front door answers instead of yes."""

    command_status: int
    """What an ESME hears."""
    reason: str = ""
    """A constant word for metrics (``"country_not_enabled"``); ``""``: the name of the status says it all."""
    message_id: str = ""
    """With ESME_ROK: the message that was submitted is one that we have, and this is its id."""
