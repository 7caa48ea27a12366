"""S15: the ledger is that of the messages: each that is owed for is charged once, and no other, and none is reserved
that is over.

A message with a price on submit is owed for when a carrier gave it an id; one with a price on delivery when it was
delivered.
"""

from collections import Counter
from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import DELIVERED
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import StoredMessage

S15 = "S15 ledger"
ON_SUBMIT, ON_DELIVERY = 1, 2
IN_LEDGER = 1


def ledger_balances(index: Index) -> Iterable[Violation]:
    """S15: what accounts were charged and have reserved, against what their messages are owed."""
    store = index.history.store
    charged: Counter[str] = Counter()
    segments: Counter[str] = Counter()
    reserved: Counter[str] = Counter()
    for row in store.messages:
        is_billed = bool(row.accounted & IN_LEDGER)
        if row.is_live:
            reserved[row.account] += row.price if is_billed else 0
            continue
        owed = owed_for(row)
        if row.charged != owed:
            yield Violation(S15, row.nonce, f"is charged {row.charged}, and {owed} is owed")
        charged[row.account] += owed if is_billed else 0
        segments[row.account] += is_billed and owed > 0
    for account in {*store.balances, *charged, *reserved}:
        kept = store.balances.get(account, (0, 0, 0))
        found = (charged[account], reserved[account], segments[account])
        if kept != found:
            yield Violation(S15, account, f"(charged, reserved, segments) is {kept}, its messages say {found}")


def owed_for(row: StoredMessage) -> int:
    """What is owed for a message that is over."""
    if row.charge_on == ON_DELIVERY:
        return row.price if row.state == DELIVERED else 0
    return row.price if row.charge_on == ON_SUBMIT and row.carrier_message_id else 0
