"""What the peers of a simulated gateway wrote down: the history of :mod:`tools.chaos`, with more known of each entry.

In a simulation it is known when the gateway wrote a PDU and when it read the answer, so what it should have known can
be said exactly; see :mod:`tools.sim.invariants`.
"""

from math import inf

from attrs import define, field

from tools.chaos.checker import Violation
from tools.chaos.history import CarrierSubmit, ClientReceipt, History, Submit
from tools.sim.network import Wire, Written
from tools.sim.scenario import PlannedSubmit
from tools.sim.user_data import Part

UNANSWERED = -1
"""``answer`` of a deliver_sm that has no answer yet."""


@define(eq=False)
class Sent(Submit):
    """One submit_sm, submit_multi or data_sm of a customer, and its answer."""

    planned: PlannedSubmit = field(kw_only=True)
    text: bytes = field(kw_only=True)
    """Without a user data header."""
    reference: int | None = field(kw_only=True)
    """Its user_message_reference."""
    untaken: tuple[str, ...] = ()
    """Digits of the destinations that the answer to a submit_multi says were not taken."""
    may_be_replaced: bool = False
    """A replace_sm for it was sent."""


@define(eq=False)
class Attempt(CarrierSubmit):
    """One submit_sm at a carrier. Its ``nonce`` is the first of ``nonces``."""

    nonces: tuple[str, ...] = field(kw_only=True)
    """Of everything that its text holds."""
    part: Part | None = field(kw_only=True)
    """What it says to be a part of."""
    text: bytes = field(kw_only=True)
    """Without a user data header."""
    reference: int | None = field(kw_only=True)
    """Its user_message_reference."""
    source: str = field(kw_only=True)
    destination: str = field(kw_only=True)
    written: Written = field(kw_only=True)
    wire: Wire = field(kw_only=True)
    response_timeout_s: float = field(kw_only=True)
    read_at: float | None = None
    """When the gateway read the answer."""


@define(eq=False)
class Receipt(ClientReceipt):
    """One receipt at an ESME."""

    written: Written = field(kw_only=True)
    wire: Wire = field(kw_only=True)
    response_timeout_s: float = field(kw_only=True)
    read_at: float | None = None
    """When the gateway read the answer."""


@define(eq=False)
class Cancel:
    """One cancel_sm and its answer."""

    submit: Sent
    account: str
    """Who asked; not always the owner."""
    asked_at: float
    command_status: int | None = None
    answered_at: float = inf
    is_by_addresses: bool = False
    """It named no message_id."""


@define(eq=False)
class Replace:
    """One replace_sm and its answer."""

    submit: Sent
    account: str
    """Who asked; not always the owner."""
    text: bytes
    asked_at: float
    command_status: int | None = None
    answered_at: float = inf


@define(eq=False)
class Query:
    """One query_sm and its answer."""

    submit: Sent
    account: str
    asked_at: float
    command_status: int | None = None
    state: int = 0
    message_id: str = ""


@define(eq=False)
class Mo:
    """A message from a handset, or a part of one: how the gateway answered, and who got it."""

    text: str
    destination: str
    carrier: str
    part: Part | None = None
    keyword: str = ""
    """First word of the message."""
    answer: int | None = None
    accounts: list[str] = field(factory=list)
    wholes: int = 0
    """How often it came in one with all other parts."""


@define(eq=False)
class Log:
    """Everything about a run that its peers saw."""

    history: History = field(factory=History)
    violations: list[Violation] = field(factory=list)
    """What could be seen to be wrong at once."""
    intermediates: list[Receipt] = field(factory=list)
    cancels: list[Cancel] = field(factory=list)
    queries: list[Query] = field(factory=list)
    replaces: list[Replace] = field(factory=list)
    mo: dict[str, Mo] = field(factory=dict)
    deaths: list[float] = field(factory=list)
    """When a process of the gateway ended."""
    probes: dict[str, list[str]] = field(factory=dict)
    """Nonces that were submitted after all faults were over, by account."""

    @property
    def sent(self) -> list[Sent]:
        """All submits."""
        return [submit for submit in self.history.submits if isinstance(submit, Sent)]

    def broke(self, invariant: str, subject: str, text: str) -> None:
        """A promise is broken, as a peer sees it."""
        self.violations.append(Violation(invariant, subject, text))
