"""What the memory store keeps of money, and the answers about it; see :mod:`smsagg.store.ledger`."""

from collections import Counter
from collections.abc import Iterable

from attrs import define, field

from smsagg.model import IN_LEDGER, Message
from smsagg.store.base import Changes
from smsagg.store.ledger import Balance, DayCharges, DaySpending, LedgerEntry


@define(eq=False)
class MoneyTables:
    """What is durable."""

    balances: dict[str, Balance] = field(factory=dict)
    charges: dict[tuple[str, int], DayCharges] = field(factory=dict)
    spending: dict[tuple[str, str, int], DaySpending] = field(factory=dict)
    entries: list[LedgerEntry] = field(factory=list)
    dropped: Counter[str] = field(factory=Counter)
    """By account: charged for messages that history has no more."""

    def apply(self, changes: Changes) -> None:
        """The money of one transaction."""
        for (account, currency, day), move in changes.money.items():
            self._add(account, currency, 0, move.charged, move.reserved)
            if move.messages:
                known = self.charges.get((account, day), DayCharges(account, day, 0, 0))
                charges = (known.charged + move.charged, known.messages + move.messages)
                self.charges[account, day] = DayCharges(account, day, *charges)
        for key, spent in changes.spending.items():
            before = self.spending.get(key, DaySpending(*key, 0, 0))
            self.spending[key] = DaySpending(*key, before.spent + spent.spent, before.messages + spent.messages)

    def note_dropped(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message.accounted & IN_LEDGER:
                self.dropped[message.account] += message.charged

    def load_balances(self) -> list[Balance]:
        return sorted(self.balances.values())

    def load_spending(self, since_day: int) -> list[DaySpending]:
        return sorted(day for day in self.spending.values() if day.day >= since_day)

    def drop_spending(self, before_day: int) -> int:
        gone = [key for key in self.spending if key[2] < before_day]
        for key in gone:
            del self.spending[key]
        return len(gone)

    def post_entry(self, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
        for known in self.entries if entry.reference else ():
            if (known.account, known.reference) == (entry.account, entry.reference):
                return known, False
        self._add(entry.account, entry.currency, entry.amount, 0, 0)
        balance_after = self.balances[entry.account].micros
        entry = entry._replace(entry_id=len(self.entries) + 1, balance_after=balance_after)
        self.entries.append(entry)
        return entry, True

    def find_entries(self, account: str, posted_from: int, limit: int) -> list[LedgerEntry]:
        found = [entry for entry in self.entries if entry.account == account and entry.posted_at >= posted_from]
        return found[-limit:]

    def find_charges(self, account: str, since_day: int) -> list[DayCharges]:
        return sorted(day for day in self.charges.values() if day.account == account and day.day >= since_day)

    def _add(self, account: str, currency: str, credited: int, charged: int, reserved: int) -> None:
        old = self.balances.get(account, Balance(account, currency, 0, 0, 0))
        if old.credited == old.charged and old.reserved == 0:
            old = old._replace(currency=currency)
        self.balances[account] = Balance(
            account, old.currency, old.credited + credited, old.charged + charged, old.reserved + reserved
        )
