"""The store port's records of money: what a transaction moves, and what the store answers.

What moves with messages is written as *sums* of one transaction: an account's once, however many messages it has
there. They are added to what is stored, in the same transaction as the messages' rows, so that a balance and its
messages never disagree, whatever fails. Amounts are micro-units of the account's currency; days are numbers (20260131).
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from attrs import define


class BalanceKey(NamedTuple):
    """Whose money moves."""

    account: str
    currency: str
    day: int
    """To which charges are booked."""


@define
class BalanceMove:
    """What is added."""

    reserved: int = 0
    charged: int = 0
    messages: int = 0
    """That were charged."""


class SpendingKey(NamedTuple):
    """Of which day and scope a count is."""

    account: str
    scope: str
    """A country, ``""`` for all together."""
    day: int


@define
class SpendingMove:
    """What is added."""

    spent: int = 0
    messages: int = 0


def add_balances(sums: dict[BalanceKey, BalanceMove], moves: Mapping[BalanceKey, BalanceMove]) -> None:
    """Add ``moves`` to ``sums``; ``moves`` stays as it is."""
    for key, move in moves.items():
        total = sums.get(key)
        if total is None:
            total = sums[key] = BalanceMove()
        total.reserved += move.reserved
        total.charged += move.charged
        total.messages += move.messages


def add_spending(sums: dict[SpendingKey, SpendingMove], moves: Mapping[SpendingKey, SpendingMove]) -> None:
    """The same of spending."""
    for key, move in moves.items():
        total = sums.get(key)
        if total is None:
            total = sums[key] = SpendingMove()
        total.spent += move.spent
        total.messages += move.messages


class Balance(NamedTuple):
    """An account's money."""

    account: str
    currency: str
    credited: int
    """Sum of all entries of its ledger."""
    charged: int
    """For all messages that ever were charged."""
    reserved: int
    """For live messages."""

    @property
    def micros(self) -> int:
        return self.credited - self.charged


class DaySpending(NamedTuple):
    """What was spent and sent on a day in a scope."""

    account: str
    scope: str
    day: int
    spent: int
    messages: int


class DayCharges(NamedTuple):
    """What an account was charged on a day, and for how many messages."""

    account: str
    day: int
    charged: int
    messages: int


class EntryKind(Enum):
    """What an entry of the ledger is."""

    TOP_UP = "topup"
    ADJUSTMENT = "adjust"


class LedgerEntry(NamedTuple):
    """Money that an operator gave an account or took from it; never changed."""

    account: str
    currency: str
    kind: EntryKind
    amount: int
    """Negative: taken."""
    posted_at: int
    note: str
    reference: str
    """Unique within the account; ``""``: none."""
    posted_by: str
    entry_id: int = 0
    """From 1; 0 before it is stored."""
    balance_after: int = 0
