"""The session's timers as a pure value: time comes in as an argument, what is due comes out (SMPP 3.4 §7.2).

session_init
    Runs from the connection's start until a bind request came, on the SMSC's side. Nothing else stops or extends
    it, an enquire_link least of all. A bind that is refused lets it run on from where it was.
enquire_link
    Fires when a bound peer has sent no PDU for the interval. The peer then has ``response_timeout_s`` to send one:
    its enquire_link_resp or, being as good a sign of life, any other.
inactivity
    Fires when a bound peer has sent nothing for the interval but answers to our enquire_link. Its own enquire_link
    keeps a session, as does any request or response of its; answering ours does not.
response
    Is kept by the window, since there is one for every outstanding request (:mod:`smsagg.smpp.window`).
"""

from enum import Enum
from math import inf

from attrs import define


@define(frozen=True)
class TimerSettings:
    """Seconds; ``inf`` turns a timer off."""

    session_init_timeout_s: float = 5.0
    enquire_link_interval_s: float = 30.0
    inactivity_timeout_s: float = 300.0
    response_timeout_s: float = 10.0
    pdu_deadline_s: float = 10.0
    """A PDU that began to arrive must be whole by then."""


class Due(Enum):
    """What a timer asks for."""

    SESSION_INIT = "session_init"
    INACTIVITY = "inactivity"
    SEND_ENQUIRE_LINK = "send_enquire_link"
    PEER_SILENT = "peer_silent"


class Timers:
    """The timers of one session. Instants are those of the caller's monotonic clock, in seconds."""

    __slots__ = ("_enquired_at", "_is_bound", "_received_at", "_session_init_at", "_settings", "_transaction_at")

    def __init__(self, settings: TimerSettings, now: float, *, expects_bind: bool) -> None:
        """``expects_bind``: we are the SMSC, and session_init runs."""
        self._settings = settings
        self._session_init_at = now + settings.session_init_timeout_s if expects_bind else inf
        self._is_bound = False
        self._received_at = now
        self._transaction_at = now
        self._enquired_at: float | None = None

    def pdu_received(self, now: float, *, is_transaction: bool) -> None:
        """A whole PDU came; ``is_transaction`` unless it was no more than an answer to our enquire_link."""
        self._received_at = now
        self._enquired_at = None
        if is_transaction:
            self._transaction_at = now

    def bound(self) -> None:
        """The session is bound: session_init is over, enquire_link and inactivity run."""
        self._is_bound = True

    def next_at(self) -> float:
        """When :meth:`due` will have something to say if nothing happens before; ``inf`` for never."""
        if not self._is_bound:
            return self._session_init_at
        return min(self._enquire_link_at(), self._transaction_at + self._settings.inactivity_timeout_s)

    def _enquire_link_at(self) -> float:
        if self._enquired_at is not None:
            return self._enquired_at + self._settings.response_timeout_s
        return self._received_at + self._settings.enquire_link_interval_s

    def due(self, now: float, *, binding: bool = False) -> Due | None:
        """What is due. SEND_ENQUIRE_LINK counts as done; a bind request that awaits its answer stops session_init."""
        if not self._is_bound:
            return Due.SESSION_INIT if now >= self._session_init_at and not binding else None
        if now >= self._transaction_at + self._settings.inactivity_timeout_s:
            return Due.INACTIVITY
        if now < self._enquire_link_at():
            return None
        if self._enquired_at is not None:
            return Due.PEER_SILENT
        self._enquired_at = now
        return Due.SEND_ENQUIRE_LINK
