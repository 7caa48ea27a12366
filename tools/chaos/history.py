"""What a run recorded: five logs, as values. Nothing here decides anything; see :mod:`tools.chaos.checker`.

Instants (``at``, ``…_at``) are seconds of CLOCK_MONOTONIC, which every process of one machine shares, unless the name
ends in ``_ms``: those are UTC milliseconds. A message is followed by its *nonce*, the text that only it carries.
"""

from enum import Enum
from math import inf

from attrs import define, field


class Reply(Enum):
    """What the ESME knows about a submit."""

    OK = "ok"
    FAIL = "fail"
    """Refused by a definite error."""
    INFO = "info"
    """No answer: the session was lost first."""
    UNANSWERED = "unanswered"
    """No answer although its session lived to the end of the run."""


@define(eq=False)
class Submit:
    """ESME log: one submit_sm. A nonce is submitted once."""

    nonce: str
    account: str
    session: int
    invoked_at: float
    registered_delivery: int = 1
    validity_s: float = inf
    """The validity_period that it asked for."""
    at_most_once: bool = False
    """Its account's class is ``in_doubt = "fail"``."""
    is_cancelled: bool = False
    """Its owner asked for its end with cancel_sm, whatever the answer."""
    reply: Reply = Reply.INFO
    message_id: str = ""
    command_status: int = 0
    answered_at: float = inf


@define(eq=False)
class ClientReceipt:
    """ESME log: one deliver_sm, and how it was answered."""

    at: float
    account: str
    session: int
    message_id: str
    state: int
    """The ``message_state`` TLV."""
    text: str
    """The whole short_message."""
    answer: int = 0
    """The command_status of the deliver_sm_resp; -1 while there is none."""


@define(eq=False)
class CarrierSubmit:
    """Carrier log: one submit_sm received, and what was decided about it before the answer left."""

    at: float
    at_ms: int
    carrier: str
    nonce: str
    carrier_message_id: str
    command_status: int = 0


@define(eq=False)
class CarrierReceipt:
    """Carrier log: one receipt that was sent (``answer`` ``None``), or the answer to it."""

    at: float
    carrier: str
    carrier_message_id: str
    state: int
    answer: int | None = None


@define(eq=False)
class Fault:
    """Nemesis log: one fault, from its begin until its direct effects are over, and the copies that it may cause."""

    kind: str
    target: str
    began_at: float
    ended_at: float
    copies_max: int = 0
    """Messages that may reach a carrier once more: the windows of the links that it cut."""
    receipts_max: int = 0
    """Receipts that may reach the ESME once more: the windows of the binds that it cut."""


@define(eq=False)
class StoredMessage:
    """Store dump: a row of ``messages`` (live) or ``history`` (over)."""

    message_id: str
    nonce: str
    state: int
    carrier: str
    carrier_message_id: str
    error_code: int
    expires_at_ms: int
    done_at_ms: int
    is_live: bool
    is_worn_out: bool = False
    """It has had all the attempts that it may have."""


@define(eq=False)
class StoreDump:
    """The store after the server was stopped."""

    messages: list[StoredMessage] = field(factory=list)
    deliveries: int = 0
    """Receipts still owed to accounts."""
    parked: set[tuple[str, str]] = field(factory=set)
    """(carrier, carrier_message_id) of parked receipts."""


@define(eq=False)
class History:
    """Everything about one run."""

    submits: list[Submit] = field(factory=list)
    client_receipts: list[ClientReceipt] = field(factory=list)
    carrier_submits: list[CarrierSubmit] = field(factory=list)
    carrier_receipts: list[CarrierReceipt] = field(factory=list)
    faults: list[Fault] = field(factory=list)
    store: StoreDump = field(factory=StoreDump)
    anomalies: list[str] = field(factory=list)
    """What must not happen at all: a server that ended by itself, a session that was lost with no fault."""
    is_drained: bool = True
    """The run waited until nothing was left to do."""
