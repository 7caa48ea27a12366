"""What a run recorded: its logs, as values. Nothing here decides anything; see :mod:`tools.chaos.checker`.

Instants (``at``, ``…_at``) are seconds of CLOCK_MONOTONIC, which every process of one machine shares, unless the name
ends in ``_ms``: those are UTC milliseconds. A message is followed by its *nonce*, the text that only it carries.
"""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from math import inf

from attrs import define, field

from tools.chaos.wire import Content

NO_ANSWER = -1
"""In place of a command_status: there is none."""


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
    is_scheduled: bool = False
    """It asked for a time of its own."""
    pool: str = ""
    """Where its destination is routed."""
    content: Content | None = None
    """What was submitted, for comparing it with what arrives."""
    is_called: bool = False
    """It came by HTTP under a key, and is asked for until it is answered."""


@define(eq=False)
class CallAnswer:
    """Application log: one answer to a call."""

    at: float
    status: int
    message_ids: tuple[str, ...] = ()
    """Of each message in order, ``""`` for one that was refused."""
    is_other_body: bool = False
    """What was asked was something else under the same key."""


@define(eq=False)
class Call:
    """Application log: what was asked for under one Idempotency-Key, again and again until it was answered."""

    key: str
    account: str
    nonces: tuple[str, ...]
    asked_at: float
    answers: list[CallAnswer] = field(factory=list)
    is_open: bool = True
    """It waits for an answer still."""


@define(eq=False)
class Told:
    """Endpoint log: one webhook that came, and how it was answered."""

    at: float
    account: str
    endpoint: str
    webhook_id: str
    kind: str
    message_id: str
    digest: str
    """Of its body."""
    is_signed: bool = True
    answer: int = NO_ANSWER
    """The HTTP status; none: the connection was cut, or the answer came too late."""


@define(eq=False)
class Cancel:
    """ESME log: one cancel_sm of a message that was acknowledged to the same account."""

    nonce: str
    message_id: str
    account: str
    asked_at: float
    command_status: int = NO_ANSWER
    answered_at: float = inf


@define(eq=False)
class Query:
    """ESME log: one query_sm; who asks is not always the owner, and not every id exists."""

    nonce: str
    """Of the message that has the id; ``""`` when nothing has."""
    message_id: str
    account: str
    asked_at: float
    command_status: int = NO_ANSWER
    answered_at: float = inf
    told_id: str = ""
    state: int = 0
    answer: bytes = b""
    """The body of the query_sm_resp."""


@define(eq=False)
class Enquiry:
    """ESME log: one enquire_link of the bind that does nothing else."""

    asked_at: float
    answered_at: float = inf
    session_ended_at: float = inf


@define(eq=False)
class Breach:
    """Any peer's log: a PDU that the specification does not allow at that point."""

    at: float
    peer: str
    text: str


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
    source: str = ""
    destination: str = ""
    unanswered: int = 0
    """deliver_sm of the session that had no answer when it arrived, itself among them."""


@define(eq=False)
class ClientMo:
    """ESME log: one deliver_sm with a handset's text."""

    at: float
    account: str
    text: str
    source: str
    destination: str
    answer: int = NO_ANSWER
    unanswered: int = 0


@define(eq=False)
class CarrierSubmit:
    """Carrier log: one submit_sm received, and what was decided about it before the answer left."""

    at: float
    at_ms: int
    carrier: str
    nonce: str
    carrier_message_id: str
    command_status: int = 0
    unanswered: int = 0
    """submit_sm of the session that had no answer when it arrived, itself among them."""
    content: Content | None = None


@define(eq=False)
class CarrierReceipt:
    """Carrier log: one receipt that was sent (``answer`` ``None``), or the answer to it."""

    at: float
    carrier: str
    carrier_message_id: str
    state: int
    answer: int | None = None


@define(eq=False)
class CarrierMo:
    """Carrier log: one handset's text that was sent, or the answer to it."""

    at: float
    carrier: str
    text: str
    source: str
    destination: str
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
    account: str = ""
    """Whose binds it struck, when it struck those of one account only."""


@define(eq=False)
class Stall:
    """Resource log: the harness itself, which needs next to nothing, was not let run: the machine was busy."""

    began_at: float
    ended_at: float


@define(eq=False)
class Start:
    """Process log: a start of the server, from the spawn until it accepts binds."""

    began_at: float
    accepting_at: float


@define(eq=False)
class Sample:
    """Resource log: what the server used at one instant; ``tasks`` and ``connections`` are those of /metrics."""

    at: float
    pid: int
    rss_octets: int
    fds: int
    threads: int
    wal_octets: int
    tasks: int = 0
    connections: int = 0
    outstanding: dict[str, int] = field(factory=dict)
    """By link, attempts that await their response."""


@define(eq=False)
class Visit:
    """Nemesis log: one death at a failpoint; where, when, and which messages were at hand."""

    row: str
    at: float
    subjects: Sequence[str] = ()
    """``nonce:…``, ``id:…`` or ``carrier:NAME:ID``."""
    problems: list[str] = field(factory=list)
    """What was found wrong right after it."""


@define(frozen=True)
class ClockStep:
    """Nemesis log: since some instant between ``began_at`` and ``ended_at`` the clock that the server goes by is so far
    ahead of the true time. Before the first it is not."""

    began_at: float
    ended_at: float
    ahead_s: float


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
    account: str = ""
    source: str = ""
    destination: str = ""
    due_at_ms: int = 0
    """When its next attempt is due, while it is QUEUED."""
    price: int = 0
    charge_on: int = 0
    accounted: int = 0
    charged: int = 0


@define(eq=False)
class StoreDump:
    """The store after the server was stopped."""

    messages: list[StoredMessage] = field(factory=list)
    deliveries: int = 0
    """Receipts still owed to accounts."""
    parked: set[tuple[str, str]] = field(factory=set)
    """(carrier, carrier_message_id) of parked receipts."""
    owed_mo: list[str] = field(factory=list)
    """Texts of handset messages still owed."""
    dumped_at_ms: int = 0
    parked_at_ms: list[int] = field(factory=list)
    balances: dict[str, tuple[int, int, int]] = field(factory=dict)
    """By account: what it was charged, what is reserved, and for how many segments it was charged."""
    owed_events: set[tuple[str, str]] = field(factory=set)
    """(endpoint as account/name, message_id) of what endpoints are still owed, but for the one that is gone."""


Series = dict[tuple[str, ...], float]
"""A metric: values by label values, in the order of the labels' names."""


@define(eq=False)
class Life:
    """The last life of the server, which saw no fault: what its store held before, and what its metrics said last."""

    began_at: float
    scraped_at: float
    history_before: Counter[tuple[str, int]]
    """Messages that were over before, by account and state."""
    rows_before: int
    """Messages before, live and over."""
    metrics: dict[str, Series]


@define(frozen=True)
class Rules:
    """What the run's configuration says, as far as invariants need it."""

    link_window: int = 10
    links: int = 2
    deliver_window: int = 50
    response_timeout_s: float = 10.0
    link_rate_per_s: dict[str, float] = field(factory=dict)
    """Contracted rate of each link, by carrier."""
    account_rate: dict[str, tuple[float, float, float]] = field(factory=dict)
    """(messages per second, burst, sum of the ESME's windows) of accounts that have a rate."""
    pool_of: dict[str, str] = field(factory=dict)
    """The pool of each carrier."""
    mo_owner: dict[str, str] = field(factory=dict)
    """The account of each number that handsets write to."""
    parked_receipt_ttl_s: float = inf
    endpoints: dict[str, tuple[str, ...]] = field(factory=dict)
    """By account: the webhook endpoints that must hear of every end."""
    gone_max: int = 0
    """Requests that an endpoint may get, in one life of the server, after it answered 410."""


@define(eq=False)
class Phases:
    """When the run was where."""

    load_began_at: float = 0.0
    healed_at: float = inf
    load_ended_at: float = inf
    backlog: int = 0
    """Messages that were not over when the load ended."""
    drained_at: float = inf
    given_up_at: float = inf
    """When nobody waited any longer for the run to drain."""


@define(eq=False)
class History:
    """Everything about one run."""

    submits: list[Submit] = field(factory=list)
    client_receipts: list[ClientReceipt] = field(factory=list)
    carrier_submits: list[CarrierSubmit] = field(factory=list)
    carrier_receipts: list[CarrierReceipt] = field(factory=list)
    faults: list[Fault] = field(factory=list)
    clock: list[ClockStep] = field(factory=list)
    visits: list[Visit] = field(factory=list)
    store: StoreDump = field(factory=StoreDump)
    anomalies: list[str] = field(factory=list)
    """What must not happen at all: a server that ended by itself, a session that was lost with no fault."""
    is_drained: bool = True
    """The run waited until nothing was left to do."""
    cancels: list[Cancel] = field(factory=list)
    queries: list[Query] = field(factory=list)
    calls: list[Call] = field(factory=list)
    told: list[Told] = field(factory=list)
    enquiries: list[Enquiry] = field(factory=list)
    client_mo: list[ClientMo] = field(factory=list)
    carrier_mo: list[CarrierMo] = field(factory=list)
    breaches: list[Breach] = field(factory=list)
    samples: list[Sample] = field(factory=list)
    stalls: list[Stall] = field(factory=list)
    starts: list[Start] = field(factory=list)
    life: Life | None = None
    overdue: list[str] = field(factory=list)
    """What outlived its timer."""
    outputs: dict[str, str] = field(factory=dict)
    """Everything that the server wrote for others to read: its log, its metrics."""
    secrets: dict[str, str] = field(factory=dict)
    """What must stand in no output, by what it is."""
    rules: Rules = field(factory=Rules)
    phases: Phases = field(factory=Phases)
