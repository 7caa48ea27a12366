"""A message as the engine knows it, and the table of states that it may pass through.

Theory of operation. A message has exactly one state. ``TRANSITIONS`` is the whole truth about which state
may follow which; what is absent is illegal. Final states have no successor: the first final state wins.

::

    QUEUED ──▶ SENDING ──▶ ENROUTE ──▶ DELIVERED | UNDELIVERABLE | EXPIRED | REJECTED | DELETED | UNKNOWN
       │  ◀──────┘ │  ▲       (SENDING is written to the store only for classes that must not send twice)
       └───────────┴──┴────▶ ACCEPTED (carrier took it and no carrier receipt was asked for)
"""

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from attrs import define

from smsagg.config.sandbox import SANDBOX_POOLS
from smsagg.model.cause import Cause

if TYPE_CHECKING:
    from smsagg.model.part_group import PartGroup


class MessageState(IntEnum):
    """State of a message. Values 1 to 8 are those of ``message_state`` (SMPP 3.4 §5.2.28)."""

    QUEUED = 0
    """Accepted and committed; no carrier has it. SCHEDULED or ENROUTE on the wire."""
    ENROUTE = 1
    """A carrier answered ESME_ROK; its receipt is awaited."""
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SENDING = 16
    """Handed to a link; on the wire this is ENROUTE."""

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES

    @property
    def wire(self) -> int:
        """The ``message_state`` of SMPP 3.4 §5.2.28 (1 to 8)."""
        return 1 if self in (MessageState.QUEUED, MessageState.SENDING) else int(self)


FINAL_STATES = frozenset(
    {
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.ACCEPTED,
        MessageState.UNKNOWN,
        MessageState.REJECTED,
    }
)

TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    MessageState.QUEUED: frozenset(
        {
            MessageState.SENDING,
            MessageState.ENROUTE,  # a response that came after its attempt was given up
            MessageState.EXPIRED,
            MessageState.DELETED,
            MessageState.UNDELIVERABLE,
            MessageState.REJECTED,
            MessageState.DELIVERED,  # a receipt that matched before the late response did
            MessageState.ACCEPTED,
            MessageState.UNKNOWN,
        }
    ),
    MessageState.SENDING: frozenset(
        {
            MessageState.QUEUED,
            MessageState.ENROUTE,
            MessageState.ACCEPTED,
            MessageState.EXPIRED,
            MessageState.UNDELIVERABLE,
            MessageState.REJECTED,
            MessageState.UNKNOWN,
        }
    ),
    MessageState.ENROUTE: FINAL_STATES,
    **{state: frozenset() for state in FINAL_STATES},
}


def may_follow(state: MessageState, successor: MessageState) -> bool:
    """Whether a message in ``state`` may go to ``successor``."""
    return successor in TRANSITIONS[state]


class ChargeOn(IntEnum):
    """What a price is owed for."""

    NOTHING = 0
    SUBMITTED = 1
    """A carrier took the message, whatever became of it then."""
    DELIVERED = 2


IN_LEDGER = 1
"""The account's ledger holds the price: reserved first, charged or let go at the end."""
IN_SPENDING = 2
"""Caps and quotas of the account as a whole count it."""
IN_COUNTRY_SPENDING = 4
"""Those of its country do."""
HELD_UNTIL = 253_402_300_799_000
"""``next_attempt_at`` of a message that waits for an operator's word: the end of the year 9999."""
FROZEN_UNTIL = HELD_UNTIL - 1_000
"""The same of one that waits for its account to be let go on."""


ANSWERED = "answer"
"""``origin`` of our own answer to an opt-out and the like, which goes to a number that is suppressed."""
MEMORY_ONLY_FIELDS = frozenset({"avoid", "asks_receipt", "group", "joins", "offers", "sender_use"})
"""Fields of :class:`Message` that the store does not keep."""


@define(eq=False)
class Message:
    """One accepted customer text and where it stands. Mutable; owned by the engine once accepted.

    Instants are UTC milliseconds. ``body`` holds the octets of ``short_message`` or ``message_payload``.
    """

    seq: int
    """Primary key in the store, 1 upwards, never reused after a commit."""
    message_id: str
    """What the customer knows it by; see :mod:`smsagg.model.ids`."""
    account: str
    message_class: str
    service_type: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    esm_class: int
    protocol_id: int
    priority: int
    """Lane, 0 (lowest) to 3 (SMPP 3.4 §5.2.14)."""
    registered_delivery: int
    data_coding: int
    sm_default_msg_id: int
    body: bytes
    in_payload: bool
    """The body came as a ``message_payload`` TLV rather than as ``short_message``."""
    tlvs: bytes
    """The other TLVs as they came, wire form, to be sent on unchanged."""
    country: str
    """ISO 3166 alpha-2 of the destination, ``"001"`` for non-geographic codes, ``""`` when unknown."""
    pool: str
    accepted_at: int
    not_before: int
    """Earliest first attempt (``schedule_delivery_time``), or ``accepted_at``."""
    expires_at: int
    state: MessageState = MessageState.QUEUED
    attempts: int = 0
    """Attempts that counted: throttling by a carrier does not."""
    next_attempt_at: int = 0
    """In QUEUED when the next attempt is due; in ENROUTE when its carrier took it."""
    parked: bool = False
    """The message waits in the store only; no copy is in memory."""
    carrier: str = ""
    """Carrier of the latest attempt, ``""`` before the first."""
    carrier_message_id: str = ""
    """Normalised by the carrier's id dialect; ``""`` when the carrier gave none."""
    error_code: int = 0
    """``command_status`` of the last refusal or the carrier receipt's ``err``, 0 for none."""
    done_at: int = 0
    """When the final state was reached, 0 before."""
    group_seq: int = 0
    """Of a part of a long message: which group it belongs to; 0: it is alone."""
    part_number: int = 0
    """1 to the group's ``parts_total``; 0: it is alone."""
    network: str = ""
    """MCC and MNC of the recipient's operator (``"23415"``), ``""`` when unknown."""
    route: str = ""
    """Name of the rule that chose the pool; ``""``: the country's."""
    tag: str = ""
    """What routing rules and reports may tell traffic by, besides its class."""
    price: int = 0
    """What the account owes for it, in micro-units of its currency."""
    revenue: int = 0
    """The same in the base currency, at the rate of that day."""
    charge_on: ChargeOn = ChargeOn.NOTHING
    """What the price is owed for."""
    cost: int = 0
    """What its carriers are owed for it so far, in micro-units of the base currency."""
    cause: Cause = Cause.NONE
    """Why it failed, once it did and is known."""
    trail: str = ""
    """Its attempts, a line each: milliseconds since ``accepted_at``, link, why that link, and what came of it."""
    accounted: int = 0
    """Where the message counts while it lives: of :data:`IN_LEDGER`, :data:`IN_SPENDING` and
    :data:`IN_COUNTRY_SPENDING` those that do."""
    charged: int = 0
    """What of the price was owed when it was over, 0 before."""
    origin: str = "smpp"
    """The front door that took it: ``"smpp"`` or ``"http"``; or :data:`ANSWERED`."""
    reference: str = ""
    """The customer's own name for it."""
    callback_url: str = ""
    """Where its customer wants to be told of it beside the account's endpoints; ``""``: nowhere."""
    is_secret: bool = False
    """Nobody but its recipient may read the text (a code): the store keeps it sealed, receipts and views leave it out,
    and it is gone when the message is over."""
    avoid: str = ""
    """Carrier that just failed this message and is tried last next time; memory only."""
    asks_receipt: bool = True
    """Whether the attempt under way asks the carrier for a receipt; memory only."""
    group: "PartGroup | None" = None
    """What it shares with the other parts; ``None``: it is alone. Kept in a table of its own."""
    joins: "tuple[Message, ...]" = ()
    """The parts that this message stands for, which is none of the store's: it goes to a carrier that takes long
    messages as one; memory only."""
    offers: object = None
    """What each carrier would cost and bring for it, shared with all messages of which that is true; memory only."""

    sender_use: Any = None
    """What its sender's choice noted, until it is stored or refused; memory only."""

    @property
    def is_sandbox(self) -> bool:
        """Whether it goes to a simulated handset, and counts nowhere; it never changes."""
        return self.pool in SANDBOX_POOLS

    def move_to(self, successor: MessageState) -> None:
        """Change state by the table; an illegal step is our own bug."""
        assert successor in TRANSITIONS[self.state], f"{self.state.name} -> {successor.name}"
        self.state = successor
