"""The simulated disk: when commits happen and are heard of, and tables that remember who became durable when."""

from collections import defaultdict
from collections.abc import Callable
from random import Random

from attrs import define, field

from smsagg.model import MessageState
from smsagg.store.base import Changes
from smsagg.store.memory import Tables
from tools.sim.agenda import Agenda
from tools.sim.trace import Trace


@define
class DiskPlan:
    """How fast the disk is; seconds."""

    commit_s: tuple[float, float] = (0.0002, 0.01)
    tell_s: tuple[float, float] = (0.0, 0.002)


class Disk:
    """Puts commits off. ``on_commit`` is called right before each."""

    def __init__(self, agenda: Agenda, rng: Random, plan: DiskPlan) -> None:
        self.on_commit: Callable[[], None] = lambda: None
        self._agenda = agenda
        self._rng = rng
        self._plan = plan
        self._stalled_until = 0.0
        self._told_at = 0.0

    def stall(self, seconds: float) -> None:
        """Commit nothing for so long."""
        self._stalled_until = self._agenda.now + seconds

    def heal(self) -> None:
        self._stalled_until = 0.0

    def commit_later(self, commit: Callable[[], None]) -> None:
        at = max(self._agenda.now + self._rng.uniform(*self._plan.commit_s), self._stalled_until)

        def act() -> None:
            if self._stalled_until > self._agenda.now:
                self._agenda.at(self._stalled_until, act)
                return
            self.on_commit()
            commit()

        self._agenda.at(at, act)

    def tell_later(self, tell: Callable[[], None]) -> None:
        self._told_at = max(self._told_at, self._agenda.now + self._rng.uniform(*self._plan.tell_s))
        self._agenda.at(self._told_at, tell)


@define(eq=False)
class Taken:
    """A message became ENROUTE in the store."""

    at: float
    carrier: str
    carrier_message_id: str


@define(eq=False)
class ObservedTables(Tables):
    """Durable tables that outlive every crash, with a log of their commits."""

    agenda: Agenda = field(kw_only=True)
    trace: Trace = field(kw_only=True)
    on_applied: Callable[[str], None] = lambda _: None
    """Called after each transaction with its kind."""
    nonce_of: dict[int, str] = field(factory=dict)
    accepted_at: dict[str, float] = field(factory=dict)
    """By nonce."""
    taken: dict[str, list[Taken]] = field(factory=lambda: defaultdict(list))
    """By nonce."""
    finished_at: dict[str, float] = field(factory=dict)
    """By nonce."""
    done_at: dict[str, float] = field(factory=dict)
    """When the delivery of the final receipt of a message_id was deleted as done."""
    broke: Callable[[str, str, str], None] = field(kw_only=True)
    """Told of broken promises: invariant, nonce, what happened."""

    def apply(self, changes: Changes) -> None:
        """See :meth:`smsagg.store.memory.Tables.apply`."""
        done = [self.deliveries[number] for number in changes.done_deliveries if number in self.deliveries]
        for over in changes.finished:
            row = self.history.get(over.seq)
            if row is not None and row.state is not over.state:
                text = f"was {row.state.name} and is to be {over.state.name}"
                self.broke("S5 one final state", self.nonce_of[over.seq], text)
        super().apply(changes)
        self._log(changes)
        now = self.agenda.now
        for delivery in done:
            if delivery.esm_class == 0x04:
                self.done_at.setdefault(delivery.message_id, now)
            self.trace.add("store", delivery.message_id, f"delivery {delivery.delivery_id} done")
        if not changes.is_empty():
            self.on_applied(_kind(changes))

    def _log(self, changes: Changes) -> None:
        now, log = self.agenda.now, self.trace.add
        for message in changes.new_messages:
            nonce = self.nonce_of[message.seq] = message.body.decode("latin-1")
            self.accepted_at[nonce] = now
            log("store", nonce, f"accepted as {message.message_id}, seq {message.seq}")
        for update in changes.message_updates:
            nonce = self.nonce_of[update.seq]
            if update.state is MessageState.ENROUTE:
                self.taken[nonce].append(Taken(now, update.carrier, update.carrier_message_id))
            log(
                "store",
                nonce,
                f"{update.state.name} attempts {update.attempts} at {update.carrier}:{update.carrier_message_id} "
                f"due {update.next_attempt_at} parked {update.parked}",
            )
        for over in changes.finished:
            nonce = self.nonce_of[over.seq]
            self.finished_at.setdefault(nonce, now)
            log(
                "store", nonce, f"over: {over.state.name} by {over.carrier}:{over.carrier_message_id} at {over.done_at}"
            )
        for delivery in changes.new_deliveries:
            log("store", delivery.message_id, f"delivery {delivery.delivery_id} owed, parked {delivery.parked}")
        for again in changes.delivery_updates:
            if again.delivery_id in self.deliveries:
                message_id = self.deliveries[again.delivery_id].message_id
                log("store", message_id, f"delivery {again.delivery_id} again at {again.next_attempt_at}")
        for parked in changes.parked_receipts:
            log("store", f"{parked.carrier}:{parked.carrier_message_id}", f"receipt {parked.state.name} parked")
        for carrier, carrier_message_id in changes.unparked_receipts:
            log("store", f"{carrier}:{carrier_message_id}", "receipt unparked")


def _kind(changes: Changes) -> str:
    """What a transaction is about, for failpoints."""
    if changes.new_messages:
        return "accepted"
    if changes.finished:
        return "finished"
    if any(update.state is MessageState.ENROUTE for update in changes.message_updates):
        return "taken"
    if any(update.state is MessageState.SENDING for update in changes.message_updates):
        return "attempt"
    if changes.done_deliveries:
        return "delivered"
    return "parked" if changes.parked_receipts else "other"
