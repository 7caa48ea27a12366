"""S15: the ledger is that of the messages, after every transaction: each charged once, by its price, and no other.

What is owed for a message is decided here by what the store had seen of it, apart from the gateway's own rule.
"""

from collections import Counter
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from smsagg.model import IN_LEDGER, IN_SPENDING, ChargeOn, Message, MessageState
from smsagg.smpp.status import ESME_RSYSERR

if TYPE_CHECKING:
    from tools.sim.disk import ObservedTables


def ledger_faults(tables: "ObservedTables") -> Iterator[str]:
    """What is wrong with balances and counts just now."""
    charged, reserved, segments, spent = (Counter[str]() for _ in range(4))
    counted: Counter[str] = Counter()
    for message in tables.messages.values():
        price = message.price
        reserved[message.account] += price if message.accounted & IN_LEDGER else 0
        if message.accounted & IN_SPENDING:
            spent[message.account] += price
            counted[message.account] += 1
    for message in tables.history.values():
        owed = owed_for(message, tables.taken_seqs)
        if message.charged != owed:
            yield f"{tables.unit_of[message.seq]} is charged {message.charged}, and {owed} is owed"
        if message.accounted & IN_LEDGER:
            charged[message.account] += owed
            segments[message.account] += owed > 0
        if message.accounted & IN_SPENDING:
            spent[message.account] += owed
            counted[message.account] += not is_unwound(message)
    money = tables.money
    for account in {*money.balances, *charged, *reserved}:
        balance = money.balances.get(account)
        kept = (0, 0) if balance is None else (balance.charged, balance.reserved)
        if kept != (charged[account], reserved[account]):
            yield f"{account} has (charged, reserved) {kept}, its messages {charged[account], reserved[account]}"
        booked = sum(day.messages for day in money.charges.values() if day.account == account)
        if booked != segments[account]:
            yield f"{account} was charged for {booked} segments, and owes for {segments[account]}"
    for account in {*spent, *counted}:
        whole = [day for day in money.spending.values() if day.account == account and day.scope == ""]
        if (total := sum(day.spent for day in whole)) != spent[account]:
            yield f"{account} has spent {total}, its messages {spent[account]}"
        if (total := sum(day.messages for day in whole)) != counted[account]:
            yield f"{account} has sent {total}, and {counted[account]} were accepted"


def owed_for(message: Message, taken_seqs: Container[int]) -> int:
    """What is owed for a message that is over, when a carrier has taken those in ``taken_seqs``."""
    if message.charge_on == ChargeOn.DELIVERED:
        return message.price if message.state is MessageState.DELIVERED else 0
    is_taken = message.seq in taken_seqs or message.state is MessageState.ACCEPTED
    return message.price if message.charge_on == ChargeOn.SUBMITTED and is_taken else 0


def is_unwound(message: Message) -> bool:
    """It was refused after its commit."""
    return (message.state, message.error_code) == (MessageState.DELETED, ESME_RSYSERR)
