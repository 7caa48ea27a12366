"""Whether the ledger is right: every sum in it against what it is the sum of, in one snapshot of the store."""

from typing import NamedTuple

from smsagg.history.reader import Ask, History
from smsagg.model import IN_LEDGER

_CREDITED = "SELECT account, sum(amount) FROM ledger_entries GROUP BY account"
_CHARGED = "SELECT account, sum(charged) FROM charges GROUP BY account"
_RESERVED = f"SELECT account, sum(price) FROM messages WHERE accounted & {IN_LEDGER} GROUP BY account"
_CHARGED_MESSAGES = (
    f"SELECT account, sum(charged) FROM history WHERE charged > 0 AND accounted & {IN_LEDGER} GROUP BY account"
)
_BALANCES = "SELECT account, credited, charged, reserved, dropped FROM balances ORDER BY account"


class Difference(NamedTuple):
    """A sum that is wrong. Amounts are micro-units of the account's currency."""

    account: str
    kept: str
    """What the ledger calls it."""
    is_sum_of: str
    amount: int
    should_be: int


class LedgerCheck(NamedTuple):
    """What was looked at, and what was found."""

    accounts: int
    differences: list[Difference]


def check_ledger(history: History, *, messages: bool) -> LedgerCheck:
    """Compare what accounts were credited, charged and have reserved with entries, days and live messages; with
    ``messages`` also with all messages in history, which takes as long as reading them."""
    with history.snapshot() as ask:
        credited, charged, reserved = (_sums(ask, sql) for sql in (_CREDITED, _CHARGED, _RESERVED))
        of_messages = _sums(ask, _CHARGED_MESSAGES) if messages else {}
        balances = {row[0]: row[1:] for row in ask(_BALANCES, ())}
    differences: list[Difference] = []
    for account in sorted({*balances, *credited, *charged, *reserved, *of_messages}):
        kept = balances.get(account, (0, 0, 0, 0))
        found = [
            ("credited", "its entries", kept[0], credited.get(account, 0)),
            ("charged", "its days", kept[1], charged.get(account, 0)),
            ("reserved", "its live messages", kept[2], reserved.get(account, 0)),
        ]
        if messages:
            found.append(("charged", "its messages", kept[1], of_messages.get(account, 0) + kept[3]))
        differences += [Difference(account, *difference) for difference in found if difference[2] != difference[3]]
    return LedgerCheck(len(balances), differences)


def _sums(ask: Ask, sql: str) -> dict[str, int]:
    return dict(ask(sql, ()))
