"""What a connection tells its driver: what was received, what a timer did, and why it is over."""

from enum import Enum

from attrs import Factory, define

from smsagg.smpp.pdu import Pdu


class CloseReason(Enum):
    """Why the protocol is over. What is queued is still to be written; then the transport is to be closed."""

    PEER_UNBOUND = "peer_unbound"
    """The peer asked to unbind; the answer is queued."""
    UNBOUND = "unbound"
    """The peer answered our unbind."""
    UNUSABLE_HEADER = "unusable_header"
    """A command_length that cannot be; a generic_nack is queued."""
    SESSION_INIT = "session_init"
    """No bind request in time."""
    INACTIVITY = "inactivity"
    """Nothing but answers to our enquire_link for too long; an unbind is queued."""
    PEER_SILENT = "peer_silent"
    """No answer to our enquire_link in time."""
    PDU_DEADLINE = "pdu_deadline"
    """A PDU began and did not become whole in time."""


@define(eq=False)
class Received:
    """What some octets meant, beyond what the connection dealt with itself."""

    requests: list[Pdu] = Factory(list)
    """Legal requests for the application, in order; each wants one response but alert_notification and outbind."""
    responses: list[tuple[object, Pdu]] = Factory(list)
    """(context given to ``request``, the response or a generic_nack), in the order of arrival."""
    late_responses: list[tuple[object, Pdu]] = Factory(list)
    """The same for requests that ``handle_timers`` reported as expired before."""
    close: CloseReason | None = None
    """The protocol is over: write ``data_to_send()``, then close."""


@define(eq=False)
class TimerActions:
    """What the timers that fired lead to; a queued enquire_link is in ``data_to_send()``."""

    expired: list[object] = Factory(list)
    """Contexts of requests whose response did not come in time, oldest first."""
    close: CloseReason | None = None
    """The protocol is over: write ``data_to_send()``, then close."""
