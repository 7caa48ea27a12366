"""The store port: what the engine asks of durable storage. The docstrings are the contract.

Writes. The engine fills a :class:`Changes` and calls :meth:`Store.write`; the store commits the changes of many calls
as one group, in the order of the calls, and reports each call once, on the trio loop, after the commit. Nothing of a
``Changes`` is visible before all of it is durable.

Within one ``Changes`` (and one group) the order of application is: new parts, new messages, message updates, replaced
messages, finished messages, group updates, new deliveries, delivery updates, done deliveries, parked receipts, unparked
receipts, new MO parts, done MO parts, keyed answers, events, event deliveries, done event deliveries, entities,
consents, verifications, money, audit records.
An update names the whole mutable part of a row, so the last one wins and repeating it is harmless; but money is sums,
which are added exactly once.

Two kinds of write. New messages, and changes with audit records, may be *refused*: when their commit fails they are
reported with the error, and are absent. Everything else is *owed*: it records what already happened outside, so the
store keeps it in order and tries again until it succeeds; ``on_done`` fires then. While anything owed is being retried
:attr:`Store.failing` is the error, what may be refused is refused at once, and the engine stops handing out attempts.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from attrs import define, field, fields

from smsagg.directory.audit import AuditEntry, AuditHead, AuditRecord, AuditSought
from smsagg.errors import StoreError
from smsagg.model import Cause, Delivery, Event, EventDelivery, Message, MessageState, MoPart, PartGroup
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.protection import Cipher
from smsagg.protection.subject import DataSubject
from smsagg.store.ledger import (
    Balance,
    BalanceKey,
    BalanceMove,
    DayCharges,
    DaySpending,
    LedgerEntry,
    SpendingKey,
    SpendingMove,
)
from smsagg.verification import Verification

ENDPOINTS_AT_ONCE = 1_000


class MessageUpdate(NamedTuple):
    """The whole mutable part of a live message's row."""

    seq: int
    state: MessageState
    attempts: int
    next_attempt_at: int
    parked: bool
    pool: str
    carrier: str
    carrier_message_id: str
    error_code: int
    cost: int = 0
    trail: str = ""


class ReplacedMessage(NamedTuple):
    """What ``replace_sm`` changes of a live message's row."""

    seq: int
    registered_delivery: int
    body: bytes
    in_payload: bool
    not_before: int
    expires_at: int


class QueuedMatch(NamedTuple):
    """Whose QUEUED messages are sought: all of these are the message's own."""

    account: str
    source_addr: str | None
    """``None``: any."""
    destination_addr: str
    service_type: str | None
    """``None``: any."""

    def is_match(self, message: Message) -> bool:
        return (
            message.account == self.account
            and self.source_addr in (None, message.source_addr)
            and message.destination_addr == self.destination_addr
            and self.service_type in (None, message.service_type)
        )


class FinishedMessage(NamedTuple):
    """A message that is over: its row moves to history with these values, a secret one without its text."""

    seq: int
    state: MessageState
    attempts: int
    carrier: str
    carrier_message_id: str
    error_code: int
    done_at: int
    cost: int = 0
    cause: Cause = Cause.NONE
    trail: str = ""
    charged: int = 0


class GroupUpdate(NamedTuple):
    """The whole mutable part of a part group's row but ``received``."""

    group_seq: int
    ended: int
    state: MessageState
    error_code: int
    done_at: int
    carrier: str
    joined_id: str


class DeliveryUpdate(NamedTuple):
    """The whole mutable part of a delivery's row."""

    delivery_id: int
    attempts: int
    next_attempt_at: int
    parked: bool


class EntityUpdate(NamedTuple):
    """The whole value of something that is kept by name: a number of the inventory, a lease, a version …"""

    kind: str
    key: str
    """Unique within its kind."""
    value: bytes | None
    """``None``: it is no more."""


class KeyedAnswer(NamedTuple):
    """What was answered to a request with an idempotency key; unique by (account, key)."""

    account: str
    key: str
    digest: bytes
    """Of the request: another request with the same key is a mistake."""
    status: int
    """HTTP status of the answer."""
    answer: bytes
    created_at: int


class ParkedReceipt(NamedTuple):
    """A carrier's receipt that matches no message yet; unique by (carrier, carrier_message_id, state)."""

    carrier: str
    carrier_message_id: str
    state: MessageState
    error_code: int
    done_at: int
    parked_at: int
    raw_id: str = ""
    """As the carrier wrote it."""
    cause: Cause = Cause.NONE
    text: bytes = b""
    """The fields of its text, for people to look at."""
    msisdn: str = ""
    """Whom the reported message was for."""
    matched_as: str = ""
    """The ``carrier_message_id`` of its message, found since; it takes effect at the next start."""


class EnrouteMessage(NamedTuple):
    """What a receipt is matched with."""

    seq: int
    carrier_message_id: str
    destination_addr: str


class RetentionSubject(StrEnum):
    """What is taken out of the past."""

    BODIES = "bodies"
    """Texts: bodies, TLVs, the beginnings kept for receipts, and those in receipts that are owed."""
    NUMBERS = "numbers"
    """Recipients' numbers, but for their first digits."""
    HISTORY = "history"
    """Messages that are over, altogether."""


class RetentionRule(NamedTuple):
    """What is taken out of whose messages."""

    subject: RetentionSubject
    accounts: frozenset[str]
    is_exempting: bool
    """All accounts but these."""
    digest_key: bytes = b""
    """Key of the HMAC-SHA-256 that is kept of a text; empty: none is kept."""
    countries: frozenset[str] = frozenset()
    """To which the messages went; empty: to any."""


class RetentionPlace(NamedTuple):
    """How far a rule has been applied. Applied from the beginning once more it changes nothing."""

    seq: int = 0
    late_done_at: int = 0
    late_seq: int = 0
    group_seq: int = 0
    late_group_done_at: int = 0
    late_group_seq: int = 0
    delivery_id: int = 0


class ErasurePlace(NamedTuple):
    """How far a number has been taken out, and how far that is to go: what comes later is not waited for."""

    seq: int = 0
    group_seq: int = 0
    delivery_id: int = 0
    event_id: int = 0
    live_seq: int = 0
    until_seq: int = 0
    """The last message when the walk began; 0: it begins."""
    until_delivery_id: int = 0
    until_event_id: int = 0


class ErasureStep(NamedTuple):
    """What one step did."""

    place: ErasurePlace
    """Where the next one goes on; the same as before: there is no more."""
    changed: int
    """Records that named the number."""
    first_live: int
    """The lowest seq of the number's messages that live, of those that were looked at, or the last there is if only a
    verification of it is pending; 0: nothing is to be waited for."""


@define(eq=False)
class Changes:
    """What one transaction must make durable."""

    new_messages: list[Message] = field(factory=list)
    new_parts: list[PartGroup] = field(factory=list)
    """For each group of which ``new_messages`` holds parts: its record, not changed any more, in which ``received``
    is how many they are and ``numbers`` which. A group that is there already gets them added."""
    message_updates: list[MessageUpdate] = field(factory=list)
    replaced: list[ReplacedMessage] = field(factory=list)
    finished: list[FinishedMessage] = field(factory=list)
    group_updates: list[GroupUpdate] = field(factory=list)
    new_deliveries: list[Delivery] = field(factory=list)
    delivery_updates: list[DeliveryUpdate] = field(factory=list)
    done_deliveries: list[int] = field(factory=list)
    parked_receipts: list[ParkedReceipt] = field(factory=list)
    unparked_receipts: list[tuple[str, str]] = field(factory=list)
    """(carrier, carrier_message_id) whose parked receipts have been matched or given up."""
    new_mo_parts: list[MoPart] = field(factory=list)
    done_mo_parts: list[int] = field(factory=list)
    keyed_answers: list[KeyedAnswer] = field(factory=list)
    """With the new messages that they tell of."""
    events: list[Event] = field(factory=list)
    event_deliveries: list[EventDelivery] = field(factory=list)
    """New ones, and old ones that are to be tried again."""
    done_event_deliveries: list[tuple[str, int]] = field(factory=list)
    """(endpoint, event_id)."""
    entities: list[EntityUpdate] = field(factory=list)
    """Of several with one key the last one counts, also among those of later calls: a value says all that is so,
    not what has changed."""
    consents: list[ConsentUpdate] = field(factory=list)
    """Likewise."""
    verifications: list[Verification] = field(factory=list)
    """New ones, with the message that carries their code, and old ones as they are now; the last one counts."""
    money: dict[BalanceKey, BalanceMove] = field(factory=dict)
    """What the changes above move in the accounts' balances."""
    spending: dict[SpendingKey, SpendingMove] = field(factory=dict)
    """And in what counts towards their caps and quotas."""
    audit: list[AuditEntry] = field(factory=list)
    """Who asked for the changes above. The store gives each its place in the chain."""

    @property
    def is_refusable(self) -> bool:
        """It is told when it cannot be committed, and nothing of it is there."""
        return bool(self.new_messages or self.audit)

    def may_be_refused(self) -> bool:
        """It is refusable, and holds nothing that is owed."""
        may_come = (
            "new_messages", "new_parts", "finished", "new_deliveries", "keyed_answers", "entities", "money", "spending",
            "events", "event_deliveries", "verifications", "consents", "audit",
        )  # fmt: skip
        return self.is_refusable and not any(
            getattr(self, kind.name) for kind in fields(Changes) if kind.name not in may_come
        )

    def is_empty(self) -> bool:
        return not (
            self.new_messages
            or self.message_updates
            or self.replaced
            or self.finished
            or self.group_updates
            or self.new_deliveries
            or self.delivery_updates
            or self.done_deliveries
            or self.parked_receipts
            or self.unparked_receipts
            or self.new_mo_parts
            or self.done_mo_parts
            or self.keyed_answers
            or self.events
            or self.event_deliveries
            or self.done_event_deliveries
            or self.entities
            or self.consents
            or self.verifications
            or self.money
            or self.spending
            or self.audit
        )


@define
class Recovered:
    """What :meth:`Store.recover` found."""

    last_seq: int
    """Highest message seq ever committed, 0 for none."""
    last_delivery_id: int
    in_doubt: list[Message]
    """Messages in SENDING: their attempt was recorded and its outcome was not."""
    queued_by_account: dict[str, int]
    queued_by_pool: dict[str, int]
    enroute: int
    deliveries_by_account: dict[str, int]
    parked_receipts: list[ParkedReceipt]
    open_groups: list[PartGroup]
    """Groups that miss parts and are not over, the latest to close first, at most 100,000."""
    mo_parts: list[MoPart] = field(factory=list)
    """By ``part_id``."""
    last_event_id: int = 0
    reserved_by_account: dict[str, int] = field(factory=dict)
    """Sum of the prices of live messages that are in the account's ledger."""


OnDone = Callable[[StoreError | None], None]
"""Called once, on the trio loop, after the commit (``None``) or the refusal. Must not raise or block."""


@define
class StoreStatistics:
    """Counters since the store was opened; plain values, read at any time."""

    commits: int = 0
    commit_failures: int = 0
    rows_written: int = 0
    changes_committed: int = 0
    wal_octets: int = 0
    queued_changes: int = 0


class Store(Protocol):
    """Durable storage of live messages, history, deliveries and parked receipts."""

    @property
    def failing(self) -> StoreError | None:
        """The error of the last commit while owed writes are still unwritten, else ``None``."""
        ...

    @property
    def refusing(self) -> StoreError | None:
        """Why a new message would be refused now: :attr:`failing`, or too little free space; else ``None``."""
        ...

    @property
    def statistics(self) -> StoreStatistics: ...

    @property
    def cipher(self) -> Cipher:
        """Seals what must never lie anywhere in plain, under the store's keys."""
        ...

    on_commit: Callable[[float, int], None]
    """Observer: (seconds a group commit took, number of ``Changes`` in it); called on the trio loop."""

    def write(self, changes: Changes, on_done: OnDone | None = None) -> None:
        """Queue ``changes`` for the next group commit. Never blocks. ``changes`` belongs to the store afterwards.

        A ``Changes`` with new messages or audit records must hold nothing else, but for the groups of those that are
        parts, what ends with their coming (finished messages, and new deliveries that tell of it), entities, consents,
        events and money: that is refused with them.
        """
        ...

    async def flush(self) -> None:
        """Wait until all that was written before this call is committed or refused."""
        ...

    async def recover(self, now: int, due_by: int | None = None) -> Recovered:
        """Once, before the first write: mark every QUEUED message and every delivery as parked, and tell what there is.

        Idempotent: a crash during recovery changes nothing that the next recovery would see.
        Afterwards all QUEUED messages are found by :meth:`claim_messages`, with their ``next_attempt_at`` kept; but
        one that is neither scheduled (``not_before``) nor due by ``due_by`` was planned by a clock that has been set
        back since, and is due ``now``; held messages (from ``FROZEN_UNTIL`` on) stay so. Likewise deliveries. ``None``:
        whatever they say.
        """
        ...

    # Parts of long messages come with their group (``Message.group``), one object for all that one call returns.

    async def claim_messages(self, pool: str, due_at: int, limit: int) -> list[Message]:
        """Take up to ``limit`` parked QUEUED messages of ``pool`` due by ``due_at``, highest priority, then oldest due.

        They are unparked in the same transaction: they are in the caller's memory now.
        """
        ...

    async def claim_by_key(self, seqs: Sequence[int]) -> list[Message]:
        """Take those of these messages that are parked and QUEUED, unparked as above."""
        ...

    async def find_queued(self, match: QueuedMatch, limit: int, after_seq: int = 0) -> list[Message]:
        """Parked QUEUED messages that match, with ``seq > after_seq``, by seq; they stay parked."""
        ...

    async def find_held(self, until: int, limit: int, after_seq: int = 0, account: str = "") -> list[Message]:
        """Held messages (parked, QUEUED) whose ``next_attempt_at`` is exactly ``until``, of ``account`` or of all, with
        ``seq > after_seq``, by seq; they stay parked."""
        ...

    async def next_due(self) -> dict[str, int]:
        """For each pool with parked messages, the earliest ``next_attempt_at``."""
        ...

    async def claim_deliveries(self, account: str, due_at: int, limit: int) -> list[Delivery]:
        """Take up to ``limit`` parked deliveries of ``account`` due by ``due_at``, oldest first, unparked as above."""
        ...

    async def next_delivery_due(self) -> dict[str, int]:
        """For each account with parked deliveries, the earliest ``next_attempt_at``."""
        ...

    async def find_by_carrier_id(self, carrier: str, carrier_message_ids: Sequence[str]) -> list[Message]:
        """The live ENROUTE messages of ``carrier`` with these ids; several with one id are all returned."""
        ...

    async def find_message(self, seq: int) -> Message | None:
        """A message by key, live or in history."""
        ...

    async def find_parts(self, group_seq: int) -> list[Message]:
        """The live parts of a message that was split, by number."""
        ...

    async def find_closed_groups(self, closed_before: int, limit: int) -> list[PartGroup]:
        """Groups that miss parts, all of whose other parts have ended, and that closed before that instant."""
        ...

    async def find_messages(self, seq: int, count: int) -> list[Message]:
        """The messages with keys from ``seq`` to ``seq + count - 1``, live or in history, by seq."""
        ...

    async def find_expired(
        self, expires_before: int, limit: int, after_seq: int = 0, expires_from: int = 0
    ) -> list[Message]:
        """Live messages with ``expires_from <= expires_at < expires_before`` and ``seq > after_seq``, by seq."""
        ...

    async def drop_expired_deliveries(self, now: int, limit: int) -> int:
        """Delete up to ``limit`` parked deliveries past ``expires_at``; returns how many."""
        ...

    async def drop_history(self, done_before: int, limit: int) -> int:
        """Delete, of the ``limit`` oldest messages in history, those that were over before that instant; how many.

        The same of the oldest groups."""
        ...

    async def apply_retention(
        self, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
    ) -> RetentionPlace:
        """Apply ``rule`` from ``place`` on to messages (and groups of parts) that were over before that instant, to
        some ``limit`` of each; returns how far it came, which is ``place`` when nothing is left to do now.

        A message is met within an hour after its time. What is live or young is not touched, nor are receipts that are
        owed but for the text that they quote.
        """
        ...

    async def erase(self, subject: DataSubject, pseudonym: str, place: ErasurePlace, limit: int) -> ErasureStep:
        """One step of taking ``subject`` out of all but what lives, from ``place`` on: texts are gone, ``pseudonym``
        stands for the number. What is being delivered just now is; suppressions stay. Done twice it changes nothing."""
        ...

    async def find_parked_receipts(self, carrier: str = "") -> list[ParkedReceipt]:
        """Receipts that match nothing, of ``carrier`` or of all, the oldest first."""
        ...

    async def list_enroute(self, carrier: str, after_seq: int, limit: int) -> tuple[list[EnrouteMessage], int]:
        """The ENROUTE messages of ``carrier`` among the ``limit`` live messages that follow ``after_seq``, and the seq
        to go on after; 0 at the end."""
        ...

    async def drop_parked_receipts(self, parked_before: int) -> int:
        """Delete receipts parked before that instant; returns how many."""
        ...

    async def find_keyed_answer(self, account: str, key: str) -> KeyedAnswer | None:
        """The answer to the account's request with this key; ``None``: there was none, or it is forgotten."""
        ...

    async def drop_keyed_answers(self, created_before: int, limit: int) -> int:
        """Delete up to ``limit`` answers of before that instant; returns how many."""
        ...

    async def due_events(self, endpoint: str, due_by: int, limit: int) -> list[tuple[EventDelivery, Event]]:
        """What ``endpoint`` is owed and may be tried by then, the first to become due first."""
        ...

    async def next_event_due(self, after: str = "", limit: int = ENDPOINTS_AT_ONCE) -> dict[str, int]:
        """For each endpoint that is owed something, when the first of it is due: by name, the first ``limit`` behind
        ``after``."""
        ...

    async def find_events(
        self, account: str, after: int, limit: int, *, kinds: Sequence[str] = (), message_id: str = ""
    ) -> list[Event]:
        """The account's events beyond ``event_id`` ``after``, in order: all, or of some kinds, or of one message."""
        ...

    async def last_event_before(self, at: int) -> int:
        """The id up to which events are from before that instant, as far as they stand in the order of time."""
        ...

    async def owe_events(
        self, endpoint: str, account: str, kinds: Sequence[str], after: int, up_to: int, limit: int
    ) -> tuple[int, int]:
        """Owe ``endpoint`` the first ``limit`` of the account's events with ``after < event_id <= up_to``, all or of
        some kinds, as if they had just happened; what it is owed already is due now, and owed once. Returns how many,
        and the id behind which more may be, 0 when that is all."""
        ...

    async def count_owed_events(self, endpoint: str, limit: int) -> int:
        """How many events ``endpoint`` is owed; of more than ``limit`` it is ``limit``."""
        ...

    async def forgive_events(self, endpoint: str, limit: int) -> int:
        """Owe ``endpoint`` up to ``limit`` events less; how many."""
        ...

    async def drop_events(self, before: int, limit: int) -> tuple[int, Mapping[str, int]]:
        """Delete up to ``limit`` events of before that instant, delivered or not; returns how many, and how many of
        them each endpoint was owed still."""
        ...

    async def load_entities(self, kind: str) -> list[tuple[str, bytes]]:
        """(key, value) of everything of ``kind``, by key."""
        ...

    async def list_entities(self, kind: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        """(key, value) of the first ``limit`` of ``kind`` whose key is greater than ``after``, by key."""
        ...

    async def find_entities(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """The values of those of ``keys`` that there are."""
        ...

    async def list_consents(
        self, kind: ConsentKind, account: str | None, after: ConsentRecord | None, limit: int
    ) -> list[ConsentRecord]:
        """The first ``limit`` records of ``kind`` beyond ``after``, by account, number and sender; without ``account``
        all accounts' and the operator's."""
        ...

    async def find_consents(self, kind: ConsentKind, account: str, number: str) -> list[ConsentRecord]:
        """The account's records of this number, by sender."""
        ...

    async def find_verification(self, account: str, verification_id: str) -> Verification | None:
        """The account's verification with this id."""
        ...

    async def find_due_verifications(self, expires_before: int, limit: int) -> list[Verification]:
        """Those that are kept as pending and whose life was over before that instant, the first to end first."""
        ...

    async def drop_verifications(self, expires_before: int, limit: int) -> int:
        """Delete up to ``limit`` verifications, whatever became of them, whose life was over before that instant; how
        many."""
        ...

    async def find_audit(self, sought: AuditSought, before_seq: int, limit: int) -> tuple[list[AuditRecord], int]:
        """Up to ``limit`` records that match, the newest first, of those before ``before_seq`` (0: of all); and the
        ``before_seq`` to go on with, 0 at the end. Few or none may come before the end: one call looks at so many.
        """
        ...

    async def audit_head(self) -> AuditHead:
        """The last record of the audit trail."""
        ...

    async def load_balances(self) -> list[Balance]:
        """Every account's that ever had money, by account."""
        ...

    async def load_spending(self, since_day: int) -> list[DaySpending]:
        """Counts of that day and later ones, by account, scope and day."""
        ...

    async def drop_spending(self, before_day: int) -> int:
        """Delete the counts of days before that one; how many."""
        ...

    async def post_entry(self, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
        """Credit ``entry.amount`` to its account; the entry as it is stored, and True.

        An account's reference is used once: the entry that has it already, and False, and nothing changes.
        """
        ...

    async def find_entries(self, account: str, posted_from: int, limit: int) -> list[LedgerEntry]:
        """The latest ``limit`` entries of ``account`` since that instant, the oldest first."""
        ...

    async def find_charges(self, account: str, since_day: int) -> list[DayCharges]:
        """The account's charges of that day and later ones, by day."""
        ...
