"""What can go wrong in the protocol core, by whose fault it is."""

from smsagg.errors import PeerError, SmsaggError


class FieldError(PeerError):
    """One field or TLV of a PDU is malformed; ``command_status`` is the status that the specification gives it."""

    def __init__(self, command_status: int) -> None:
        super().__init__(f"command_status 0x{command_status:08X}")
        self.command_status = command_status


class PduError(PeerError):
    """A whole PDU was received that cannot be served; the session lives on.

    ``command_status`` is what to answer with, in the PDU's own response or, for a ``command_id`` that nobody knows,
    in a generic_nack; see :func:`smsagg.smpp.pdu.response_to`.
    """

    def __init__(self, command_id: int, sequence_number: int, command_status: int) -> None:
        super().__init__(f"command_id 0x{command_id:08X}: command_status 0x{command_status:08X}")
        self.command_id = command_id
        self.sequence_number = sequence_number
        self.command_status = command_status


class FramingError(PeerError):
    """The header is unusable (SMPP 5.0 §2.8.2): where the next PDU begins cannot be known, so the session ends.

    ``frames`` are the whole PDUs that came before it in the same octets.
    """

    def __init__(self, command_status: int, command_length: int, frames: list[bytes]) -> None:
        super().__init__(f"command_length {command_length}")
        self.command_status = command_status
        self.command_length = command_length
        self.frames = frames


class PduEncodeError(SmsaggError):
    """A PDU of ours holds what the wire cannot carry; the text names the field and the reason."""


class WindowFull(SmsaggError):
    """As many requests are outstanding as the window allows; nothing was queued."""


class WrongState(SmsaggError):
    """The session's state does not allow this request of ours; nothing was queued."""


class TimeError(SmsaggError):
    """A time string cannot be used (SMPP 3.4 §7.1.1)."""


class InvalidTime(TimeError):
    """The string is no time of the specification's format."""


class PastTime(TimeError):
    """A valid absolute time that has passed; ``instant_ms`` is that instant (UTC milliseconds)."""

    def __init__(self, instant_ms: int) -> None:
        super().__init__(f"{instant_ms} ms has passed")
        self.instant_ms = instant_ms
