"""The simulated disk: when commits happen and are heard of, and tables that remember who became durable when."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from math import inf
from random import Random

from attrs import define, field

from smsagg.model import Delivery, Message, MessageState
from smsagg.store.base import Changes
from smsagg.store.memory import Tables
from tools.sim.agenda import Agenda
from tools.sim.ledger import ledger_faults
from tools.sim.texts import digits_of, nonce_of, nonces_in, unit_of
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
class Owed:
    """A receipt that was owed to an account."""

    delivery_id: int
    done_at: float = inf
    """When it was deleted as done."""


def key_of(delivery: Delivery) -> tuple[str, str, str]:
    """What a customer sees of a receipt."""
    return delivery.message_id, digits_of(delivery.source_addr), delivery.body.decode("latin-1")


@define(eq=False)
class ObservedTables(Tables):
    """Durable tables that outlive every crash, with a log of their commits."""

    agenda: Agenda = field(kw_only=True)
    trace: Trace = field(kw_only=True)
    on_applied: Callable[[str], None] = lambda _: None
    """Called after each transaction with its kind."""
    unit_of: dict[int, str] = field(factory=dict)
    """By ``seq``; see :mod:`tools.sim.texts`."""
    accepted_at: dict[str, float] = field(factory=dict)
    """By unit, as all of these."""
    accepted_in: dict[str, int] = field(factory=dict)
    """The number of the transaction."""
    bodies: dict[str, list[tuple[float, bytes]]] = field(factory=lambda: defaultdict(list))
    """What each was to say since when."""
    taken: dict[str, list[Taken]] = field(factory=lambda: defaultdict(list))
    taken_seqs: set[int] = field(factory=set)
    """Of messages that a carrier was recorded to have."""
    finished_at: dict[str, float] = field(factory=dict)
    replaced_by: dict[str, str] = field(factory=dict)
    """The unit whose acceptance ended it."""
    owed: dict[tuple[str, str, str], list[Owed]] = field(factory=lambda: defaultdict(list))
    """Receipts by message_id, digits of their source and text; equal ones may be of several parts."""
    transactions: int = 0
    broke: Callable[[str, str, str], None] = field(kw_only=True)
    """Told of broken promises: invariant, nonce, what happened."""

    def apply(self, changes: Changes) -> None:
        """See :meth:`smsagg.store.memory.Tables.apply`."""
        done = [self.deliveries[number] for number in changes.done_deliveries if number in self.deliveries]
        for over in changes.finished:
            row = self.history.get(over.seq)
            if row is not None and row.state is not over.state:
                text = f"was {row.state.name} and is to be {over.state.name}"
                self.broke("S5 one final state", self.unit_of[over.seq], text)
        super().apply(changes)
        self.transactions += 1
        self._log(changes)
        now = self.agenda.now
        if changes.new_messages or changes.finished or changes.money:
            for fault in ledger_faults(self):
                self.broke("S15 balance", "run", fault)
        for delivery in done:
            for owed in self.owed[key_of(delivery)]:
                if owed.delivery_id == delivery.delivery_id:
                    owed.done_at = now
            self.trace.add("store", delivery.message_id, f"delivery {delivery.delivery_id} done")
        if not changes.is_empty():
            self.on_applied(_kind(changes))

    def _is_cut(self, message: Message) -> bool:
        """We cut it, rather than its sender."""
        return message.group_seq in self.groups and self.groups[message.group_seq].is_split

    def _nonce_in(self, message: Message) -> str:
        """Whose text it is; the rest of a long one holds no mark, and follows parts that do."""
        nonces = nonces_in(message.body)
        return nonces[0] if nonces else nonce_of(self.unit_of[message.group_seq])

    def rows(self) -> Iterator[Message]:
        """All messages, live and over."""
        yield from self.messages.values()
        yield from self.history.values()

    def _log(self, changes: Changes) -> None:
        now, log = self.agenda.now, self.trace.add
        for message in changes.new_messages:
            nonce = self._nonce_in(message)
            unit = unit_of(nonce, message.destination_addr, message.part_number if self._is_cut(message) else 0)
            self.unit_of[message.seq] = unit
            self.accepted_at[unit] = now
            self.accepted_in[unit] = self.transactions
            self.bodies[unit].append((now, message.body))
            log("store", nonce, f"accepted {unit} as {message.message_id}, seq {message.seq}")
        for replaced in changes.replaced:
            unit = self.unit_of[replaced.seq]
            self.bodies[unit].append((now, replaced.body))
            log("store", nonce_of(unit), f"says {replaced.body.decode()}")
        for update in changes.message_updates:
            unit = self.unit_of[update.seq]
            nonce = nonce_of(unit)
            if update.state is MessageState.ENROUTE:
                self.taken[unit].append(Taken(now, update.carrier, update.carrier_message_id))
                self.taken_seqs.add(update.seq)
            log(
                "store",
                nonce,
                f"{unit} {update.state.name} attempts {update.attempts} "
                f"at {update.carrier}:{update.carrier_message_id} due {update.next_attempt_at} parked {update.parked}",
            )
        for over in changes.finished:
            unit = self.unit_of[over.seq]
            nonce = nonce_of(unit)
            self.finished_at.setdefault(unit, now)
            if changes.new_messages:
                self.replaced_by[unit] = self.unit_of[changes.new_messages[0].seq]
            log(
                "store",
                nonce,
                f"{unit} is over: {over.state.name} by {over.carrier}:{over.carrier_message_id} at {over.done_at}",
            )
        for delivery in changes.new_deliveries:
            self.owed[key_of(delivery)].append(Owed(delivery.delivery_id))
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
    if changes.replaced:
        return "replaced"
    if changes.new_mo_parts or changes.done_mo_parts:
        return "handset"
    if changes.done_deliveries:
        return "delivered"
    return "parked" if changes.parked_receipts else "other"
