"""A finished run, for the invariants that look at it."""

from collections.abc import Iterable
from math import inf

from attrs import define, field

from smsagg.model import Message
from smsagg.observe.metrics import Metrics
from tools.sim.disk import ObservedTables
from tools.sim.log import Attempt, Log
from tools.sim.network import Wire
from tools.sim.scenario import PlannedSubmit, Scenario
from tools.sim.texts import nonce_of
from tools.sim.unfold import Unfolding

LINGER_S = 2.5
"""What comes on a connection that ends so soon after may not have been looked at."""


@define
class Facts:
    """A finished run."""

    scenario: Scenario
    log: Log
    tables: ObservedTables
    unfolding: Unfolding
    held: dict[str, object]
    is_drained: bool
    healed_at: float
    was_set_back: bool
    idle_steps: int
    metrics: Metrics | None
    """Of the only process there ever was; ``None`` when there were several."""
    planned: dict[str, PlannedSubmit] = field(init=False)
    """By nonce."""

    def __attrs_post_init__(self) -> None:
        customers = self.scenario.customers
        self.planned = {message.nonce: message for customer in customers for message in customer.messages}

    def attempts(self) -> dict[str, list[Attempt]]:
        """By unit, in the order in which the gateway wrote them."""
        return self.unfolding.attempts

    def rows(self) -> Iterable[Message]:
        return self.tables.rows()

    def unit_of(self, row: Message) -> str:
        return self.tables.unit_of[row.seq]

    def plan_of(self, row: Message) -> PlannedSubmit | None:
        """What its submit was planned to be; ``None`` of probes."""
        return self.planned.get(nonce_of(self.unit_of(row)))

    def died_between(self, after: float, before: float) -> bool:
        return any(after <= died_at <= before for died_at in self.log.deaths)


def known_at(read_at: float | None, taken_at: float, timeout_s: float, wire: Wire) -> float:
    """When the gateway knew the answer; ``inf`` when it need not have known."""
    if read_at is None or read_at >= taken_at + timeout_s:
        return inf
    if wire.ended_at is not None and wire.ended_at <= read_at + LINGER_S:
        return inf
    return read_at
