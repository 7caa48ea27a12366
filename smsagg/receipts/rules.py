"""How one carrier writes receipts: everything that differs from carrier to carrier, as one value.

The text of SMPP 3.4 appendix B is a recommendation that carriers follow loosely. :class:`ReceiptRules` says what this
one means: how ids are compared, where the id is, what fields are called and what stands between them, how dates and
states are written, and what its ``err`` codes mean. Presets (``smsagg/receipts/dialects/*.toml``) and the carrier's own
settings make it (:mod:`smsagg.receipts.settings`).
"""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from re import Pattern

from attrs import define, field

from smsagg.model import Cause, MessageState
from smsagg.receipts.dates import DateFormat
from smsagg.receipts.dialect import AS_IS, IdDialect

TAG_RECEIPTED_MESSAGE_ID = 0x001E

FIELDS = ("id", "sub", "dlvrd", "submit_date", "done_date", "stat", "err", "text")
"""What a field may mean; ``text`` ends the fields."""
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "sub": ("sub",),
    "dlvrd": ("dlvrd",),
    "submit_date": ("submit date",),
    "done_date": ("done date",),
    "stat": ("stat", "status"),
    "err": ("err", "error"),
    "text": ("text",),
}
"""What it is called, in any case; between the words of a name may be spaces, underscores or nothing."""
SEPARATORS = " \t\r\n\0,;|"
ASSIGNMENT = ":"

ID_SOURCES = ("tlv", "text")

STATE_WORDS: dict[str, MessageState] = {
    "DELIVRD": MessageState.DELIVERED,
    "DELIVERED": MessageState.DELIVERED,
    "DELIVERD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "EXPIRD": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "CANCELED": MessageState.DELETED,
    "CANCELLED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "UNDELIVRD": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
    "FAIL": MessageState.UNDELIVERABLE,
    "REJECTD": MessageState.REJECTED,
    "REJECTED": MessageState.REJECTED,
    "ENROUTE": MessageState.ENROUTE,
    "ACCEPTD": MessageState.ENROUTE,
    "ACCEPTED": MessageState.ENROUTE,
    "UNKNOWN": MessageState.ENROUTE,
    "BUFFERD": MessageState.ENROUTE,
    "BUFFERED": MessageState.ENROUTE,
    "SCHEDULED": MessageState.ENROUTE,
}
"""``stat`` in upper case; every other word is ENROUTE."""

_CAUSE_OF_STATE = {
    MessageState.UNDELIVERABLE: Cause.UNSPECIFIED,
    MessageState.EXPIRED: Cause.EXPIRED,
    MessageState.DELETED: Cause.DELETED,
    MessageState.REJECTED: Cause.REJECTED,
    MessageState.UNKNOWN: Cause.UNSPECIFIED,
}
"""For an ``err`` that no table knows."""


@define(frozen=True)
class ReceiptRules:
    """One carrier's way with receipts. Made once; what patterns it needs are compiled then."""

    ids: IdDialect = AS_IS
    id_from: tuple[str, ...] = ID_SOURCES
    """Where the id is looked for, in this order."""
    id_tlv: int = TAG_RECEIPTED_MESSAGE_ID
    names: Mapping[str, tuple[str, ...]] = field(factory=lambda: NAMES)
    separators: str = SEPARATORS
    assignment: str = ASSIGNMENT
    """Between a field's name and its value."""
    dates: tuple[DateFormat, ...] = ()
    """Tried before the forms that every carrier may write."""
    zone: tzinfo = UTC
    """Of dates that name none."""
    states: Mapping[str, MessageState] = field(factory=lambda: STATE_WORDS)
    """In upper case."""
    causes: Mapping[str, Cause] = field(factory=dict[str, Cause])
    """By ``err`` as :func:`error_key` writes it."""
    unmarked: bool = False
    """Whether a deliver_sm whose esm_class says nothing of a receipt may be one. Then whoever can send us a message
    through this carrier can forge receipts."""
    is_id_anywhere: bool = field(init=False)
    """The id counts wherever it stands alone."""
    is_common: bool = field(init=False)
    """The common form of the text means what it means everywhere."""
    separated: Pattern[bytes] = field(init=False)
    """One field's name after any separators."""
    value: Pattern[bytes] = field(init=False)
    word: Pattern[bytes] = field(init=False)
    """The next value after any separators."""
    _by_name: Mapping[str, str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        put = object.__setattr__
        names = {name: means for means, all_names in self.names.items() for name in all_names}
        between = re.escape(self.separators).encode("latin-1")
        name = "|".join(_name_pattern(name) for name in sorted(names, key=len, reverse=True)).encode("latin-1")
        assign = re.escape(self.assignment).encode("latin-1")
        put(self, "separated", re.compile(rb"[%b]*+(%b)[ ]?%b" % (between, name, assign), re.IGNORECASE))
        put(self, "value", re.compile(rb"[^%b]*+" % between))
        put(self, "word", re.compile(rb"[%b]*+[^%b]*+" % (between, between)))
        put(self, "_by_name", {_plain(name): means for name, means in names.items()})
        standard = all(set(NAMES[means]) <= set(self.names.get(means, ())) for means in FIELDS)
        put(self, "is_id_anywhere", len(self.id_from) == len(ID_SOURCES))
        put(self, "is_common", standard and " " in self.separators and self.assignment == ASSIGNMENT)

    def meaning_of(self, name: bytes) -> str:
        """One of :data:`FIELDS` for a name that :attr:`separated` found."""
        return self._by_name[_plain(name.decode("latin-1"))]

    def cause_of(self, err: str, state: MessageState) -> Cause:
        """Why a message that came to ``state`` failed; NONE when it did not."""
        by_state = _CAUSE_OF_STATE.get(state)
        if by_state is None:
            return Cause.NONE
        return self.causes.get(error_key(err), by_state)


def error_key(err: str) -> str:
    """``err`` without leading zeros and in lower case, so that ``000A`` and ``a`` are one code."""
    return err.lower().lstrip("0") or "0"


def _plain(name: str) -> str:
    return name.lower().replace(" ", "").replace("_", "")


def _name_pattern(name: str) -> str:
    return "[ _]*".join(re.escape(word) for word in name.replace("_", " ").split())


STANDARD = ReceiptRules()
"""SMPP 3.4 appendix B, read tolerantly; ids octet by octet, TLV before text."""
