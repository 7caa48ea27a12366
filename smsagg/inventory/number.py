"""A number that we may send from, and the table of what may happen to it.

Theory of operation. A :class:`Number` is an immutable record; each thing that happens to it (:class:`Action`) gives a
new one by ``TRANSITIONS``, or is refused with the reason. What is absent from the table is illegal.

::

                 assign, share                     unassign (the last account)
    available ──────────────────▶ assigned ────────────────────────────────────▶ quarantine
       ▲    └───────────────────▶ leased  ──────────────────────────────────────▶     │
       │          lease          (renew)       release, or its time is over           │
       └──────────────────────────────────────────────────────────────────────────────┘
                                     its time is over

    any of them ── retire ──▶ retired ── restore ──▶ quarantine

Suspension lies over the other states: a suspended number sends nothing and nobody new gets it, while its lease and its
quarantine go on, and who had it still has it when it is resumed.

Time needs no task: :func:`as_of` gives the record as it stands at an instant, so that a lease is over when its time is
over, whether or not anything has written that down yet.
"""

from enum import Enum, StrEnum
from typing import Final

from attrs import define, evolve

from smsagg.errors import InventoryError


class NumberType(StrEnum):
    """What kind of sender it is."""

    LONG = "long"
    """A number of a telephone network (E.164)."""
    VIRTUAL = "virtual"
    """The same, of no SIM: often rented for a time."""
    SHORT = "short"
    """A short code, which means something in its country only."""
    ALPHANUMERIC = "alphanumeric"
    """A name. Nobody can answer to it."""

    @property
    def is_international(self) -> bool:
        """It is the same number in every country."""
        return self in (NumberType.LONG, NumberType.VIRTUAL)


class Status(StrEnum):
    """Where a number stands."""

    AVAILABLE = "available"
    """Nobody has it."""
    ASSIGNED = "assigned"
    """One account has it for good, or several share it."""
    LEASED = "leased"
    """One account has it until ``leased_until``."""
    QUARANTINE = "quarantine"
    """Nobody has it until ``quarantine_until``, so that what is written to its last owner reaches nobody else."""
    RETIRED = "retired"
    """Ours no more."""
    SUSPENDED = "suspended"
    """Whatever it is beside that, it is not sent from."""


class Action(Enum):
    """What may happen to a number; the value is how it is told."""

    ASSIGN = "assigned"
    SHARE = "shared"
    UNASSIGN = "unassigned"
    LEASE = "leased"
    RENEW = "renewed"
    RELEASE = "released"
    EXPIRE = "ended"
    FREE = "freed"
    RETIRE = "retired"
    RESTORE = "restored"


TRANSITIONS: Final[dict[tuple[Status, Action], Status]] = {
    (Status.AVAILABLE, Action.ASSIGN): Status.ASSIGNED,
    (Status.AVAILABLE, Action.SHARE): Status.ASSIGNED,
    (Status.ASSIGNED, Action.SHARE): Status.ASSIGNED,  # one more account of a shared number
    (Status.ASSIGNED, Action.UNASSIGN): Status.QUARANTINE,  # or ASSIGNED while others share it
    (Status.AVAILABLE, Action.LEASE): Status.LEASED,
    (Status.LEASED, Action.RENEW): Status.LEASED,
    (Status.LEASED, Action.RELEASE): Status.QUARANTINE,
    (Status.LEASED, Action.EXPIRE): Status.QUARANTINE,
    (Status.QUARANTINE, Action.FREE): Status.AVAILABLE,
    (Status.AVAILABLE, Action.RETIRE): Status.RETIRED,
    (Status.ASSIGNED, Action.RETIRE): Status.RETIRED,
    (Status.LEASED, Action.RETIRE): Status.RETIRED,
    (Status.QUARANTINE, Action.RETIRE): Status.RETIRED,
    (Status.RETIRED, Action.RESTORE): Status.QUARANTINE,
}
NOT_WHILE_SUSPENDED: Final = frozenset({Action.ASSIGN, Action.SHARE, Action.LEASE})
"""A suspended number gets no new owner."""

CAPABILITIES: Final = ("mt", "mo", "voice", "mms")
SHORT_CODE_DIGITS = range(3, 9)
LONG_DIGITS = range(7, 16)
NAME_CHARACTERS_MAX = 11
ACCOUNTS_MAX = 1_000
"""That share a number."""


@define(frozen=True)
class Number:
    """One number, short code or name, and who has it. Instants are UTC milliseconds, 0 for none."""

    address: str
    """Digits without plus, or the name as handsets show it."""
    country: str
    """ISO 3166 alpha-2, ``"001"`` for numbers of no country."""
    type: NumberType
    provider: str = ""
    """Who rents it to us, mostly a carrier of the configuration."""
    pool: str = ""
    """The number pool it belongs to."""
    capabilities: tuple[str, ...] = ("mt", "mo")
    """Of ``CAPABILITIES``, in that order."""
    monthly_cost: int = 0
    """Micro-units of ``currency``."""
    currency: str = ""
    tags: tuple[str, ...] = ()
    state: Status = Status.AVAILABLE
    """What it is beside being suspended: never SUSPENDED."""
    is_suspended: bool = False
    is_shared: bool = False
    accounts: tuple[str, ...] = ()
    """Who has it: none, one, or those that share it."""
    leased_until: int = 0
    quarantine_until: int = 0
    allocation: str = ""
    """The allocation for which it is leased."""

    @property
    def key(self) -> str:
        """What tells it from every other number. One name is one number in its country, whatever the case."""
        return self.address if self.type.is_international else f"{self.country}/{self.address.casefold()}"

    @property
    def name(self) -> str:
        """How operators call it."""
        return self.address if self.type.is_international else f"{self.country}/{self.address}"

    @property
    def status(self) -> Status:
        return Status.SUSPENDED if self.is_suspended and self.state is not Status.RETIRED else self.state

    @property
    def assignment(self) -> str:
        """``"dedicated"``, ``"shared"``, or ``""`` when nobody has it."""
        return "" if not self.accounts else "shared" if self.is_shared else "dedicated"

    @property
    def owner(self) -> str:
        """The one account that has it, ``""`` for nobody or several."""
        return self.accounts[0] if self.accounts and not self.is_shared else ""

    def may_send_for(self, account: str, now: int) -> bool:
        """Whether ``account`` may send from it at ``now``."""
        return (
            account in self.accounts
            and not self.is_suspended
            and (not self.leased_until or self.leased_until > now)
            and "mt" in self.capabilities
        )

    def owner_at(self, now: int) -> str:
        """:attr:`owner`, unless its lease is over."""
        return "" if self.leased_until and self.leased_until <= now else self.owner


def as_of(number: Number, now: int, quarantine_ms: int) -> Number:
    """The record at ``now``: leases and quarantines that are over are over. ``quarantine_ms`` is its pool's."""
    if number.state is Status.LEASED and number.leased_until <= now:
        number = _without_owner(number, Action.EXPIRE, number.leased_until + quarantine_ms)
    if number.state is Status.QUARANTINE and number.quarantine_until <= now:
        number = evolve(number, state=_next(number, Action.FREE), quarantine_until=0)
    return number


def assign(number: Number, account: str) -> Number:
    """Give it to ``account`` alone, for good."""
    return evolve(number, state=_next(number, Action.ASSIGN), accounts=(account,), is_shared=False)


def share(number: Number, account: str) -> Number:
    """Give it to ``account`` beside those that share it already."""
    state = _next(number, Action.SHARE)
    if number.accounts and not number.is_shared:
        raise InventoryError(f"{number.name} is dedicated to {number.owner}, so it cannot be shared")
    if account in number.accounts:
        raise InventoryError(f"{number.name} is shared by {account} already")
    if len(number.accounts) >= ACCOUNTS_MAX:
        raise InventoryError(f"{number.name} is shared by {ACCOUNTS_MAX} accounts already")
    return evolve(number, state=state, accounts=(*number.accounts, account), is_shared=True)


def unassign(number: Number, account: str, now: int, quarantine_ms: int) -> Number:
    """Take it from ``account``; ``""``: from all that have it."""
    state = _next(number, Action.UNASSIGN)
    if account and account not in number.accounts:
        raise InventoryError(f"{number.name} is not {account}'s")
    left = tuple(name for name in number.accounts if account and name != account)
    if left:
        return evolve(number, accounts=left)
    assert state is Status.QUARANTINE
    return _without_owner(number, Action.UNASSIGN, now + quarantine_ms)


def lease(number: Number, account: str, until: int, now: int, allocation: str = "") -> Number:
    """Give it to ``account`` alone until ``until``."""
    if until <= now:
        raise InventoryError(f"a lease of {number.name} must end in the future")
    return evolve(
        number,
        state=_next(number, Action.LEASE),
        accounts=(account,),
        is_shared=False,
        leased_until=until,
        allocation=allocation,
    )


def renew(number: Number, account: str, until: int, now: int) -> Number:
    """Let the lease end at ``until`` instead; ``account``, unless it is ``""``, must be the one that has it."""
    state = _next(number, Action.RENEW)
    if account and number.owner != account:
        raise InventoryError(f"{number.name} is not {account}'s")
    if number.allocation:
        raise InventoryError(f"{number.name} is leased for the allocation {number.allocation}, and ends with it")
    if until <= now:
        raise InventoryError(f"a lease of {number.name} must end in the future")
    return evolve(number, state=state, leased_until=until)


def release(number: Number, account: str, now: int, quarantine_ms: int) -> Number:
    """End the lease now; ``account``, unless it is ``""``, must be the one that has it."""
    _next(number, Action.RELEASE)
    if account and number.owner != account:
        raise InventoryError(f"{number.name} is not {account}'s")
    return _without_owner(number, Action.RELEASE, now + quarantine_ms)


def suspend(number: Number) -> Number:
    """Send nothing from it for now."""
    if number.state is Status.RETIRED or number.is_suspended:
        raise InventoryError(f"{number.name} is {_stands(number)}: it cannot be suspended")
    return evolve(number, is_suspended=True)


def resume(number: Number) -> Number:
    """Send from it again."""
    if not number.is_suspended:
        raise InventoryError(f"{number.name} is {_stands(number)}: it cannot be resumed")
    return evolve(number, is_suspended=False)


def retire(number: Number, now: int, quarantine_ms: int) -> Number:
    """It is ours no more. Whoever had it has it no more."""
    until = number.quarantine_until or (now + quarantine_ms if number.accounts else 0)
    return evolve(_without_owner(number, Action.RETIRE, until), is_suspended=False)


def restore(number: Number, now: int) -> Number:
    """It is ours again, and available when its quarantine is over."""
    restored = evolve(number, state=_next(number, Action.RESTORE))
    return as_of(restored, now, 0)


def _stands(number: Number) -> str:
    return "in quarantine" if number.status is Status.QUARANTINE else number.status.value


def _next(number: Number, action: Action) -> Status:
    following = TRANSITIONS.get((number.state, action))
    if following is None or (number.is_suspended and action in NOT_WHILE_SUSPENDED):
        who = f" ({', '.join(number.accounts[:3])})" if number.accounts else ""
        raise InventoryError(f"{number.name} is {_stands(number)}{who}: it cannot be {action.value}")
    return following


def _without_owner(number: Number, action: Action, quarantine_until: int) -> Number:
    return evolve(
        number,
        state=_next(number, action),
        accounts=(),
        is_shared=False,
        leased_until=0,
        allocation="",
        quarantine_until=quarantine_until,
    )
