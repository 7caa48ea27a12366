"""What an account is told of a long message: by its policy once, of the first or the last part, or of the worst."""

from collections import defaultdict
from collections.abc import Iterable

from smsagg.model import Message, PartGroup, PartReceipts
from tools.chaos.checker import Violation
from tools.chaos.checker.states import SUCCESS
from tools.chaos.history import ClientReceipt
from tools.sim.facts import Facts
from tools.sim.states import worst
from tools.sim.wire import ESME_RSYSERR


def told_of_groups(facts: Facts) -> Iterable[Violation]:
    """S10: one receipt of a group, with the state that its account's policy asks for; one of each part with ``all``."""
    receipts: dict[str, list[ClientReceipt]] = defaultdict(list)
    for receipt in facts.log.history.client_receipts:
        receipts[receipt.message_id].append(receipt)
    parts: dict[int, list[Message]] = defaultdict(list)
    for row in facts.tables.history.values():
        if row.group_seq:
            parts[row.group_seq].append(row)
    for group_seq, rows in parts.items():
        group = facts.tables.groups[group_seq]
        yield from _group_ended(facts, group, rows)
        if group.is_split or group.receipts is PartReceipts.WORST:
            yield from _told(facts, group, rows, receipts)


def _group_ended(facts: Facts, group: PartGroup, rows: list[Message]) -> Iterable[Violation]:
    name = facts.unit_of(rows[0])
    ended = [row for row in rows if not _is_unwound(row)]
    if facts.is_drained and not group.is_over:
        yield Violation("L2 drained", name, f"all {len(rows)} parts are over, and their group is not")
    came = sorted(facts.tables.accepted_at[facts.unit_of(row)] for row in rows)
    if len({row.part_number for row in rows}) < len(rows) and not facts.died_between(came[0], came[-1]):
        yield Violation("S4 unique ids", name, f"parts {[row.part_number for row in rows]} in one group")
    if group.is_split and sorted(row.part_number for row in rows) != list(range(1, group.parts_total + 1)):
        yield Violation("S3 whole or absent", name, f"has {len(rows)} parts of {group.parts_total}")
    if group.is_over and ended and group.state != worst(row.state for row in ended):
        states = [row.state.name for row in ended]
        yield Violation("S5 one final state", name, f"parts are {states}, together {group.state.name}")


def _told(
    facts: Facts, group: PartGroup, rows: list[Message], receipts: dict[str, list[ClientReceipt]]
) -> Iterable[Violation]:
    name = facts.unit_of(rows[0])
    ended = [row for row in rows if not _is_unwound(row)]
    states = [int(row.state) for row in _tells(group, ended)]
    if group.receipts is PartReceipts.WORST and ended:
        states = [worst(row.state for row in ended)]
    asked = group.registered_delivery if group.receipts is PartReceipts.WORST else rows[0].registered_delivery
    wanted = [state for state in states if _wants(asked, state)]
    told = {receipt.text: receipt.state for row in rows for receipt in receipts[row.message_id]}
    if set(told.values()) - set(wanted):
        yield Violation("S5 one final state", name, f"ends as {wanted} by {group.receipts.name}, and is told {told}")
    if facts.is_drained and set(wanted) - set(told.values()):
        yield Violation("S1 no loss", name, f"ends as {wanted} by {group.receipts.name}, and is told {told}")
    if group.receipts is not PartReceipts.ALL and len(told) > 1:
        yield Violation("S10 receipts", name, f"one receipt was to come, and these came: {list(told)}")


def _tells(group: PartGroup, rows: list[Message]) -> list[Message]:
    """The parts of whose end the account is told."""
    if group.receipts is PartReceipts.ALL:
        return rows
    number = 1 if group.receipts is PartReceipts.FIRST else group.parts_total
    return [row for row in rows if row.part_number == number]


def _is_unwound(row: Message) -> bool:
    """Refused late: nobody is told."""
    return (row.state.name, row.error_code) == ("DELETED", ESME_RSYSERR)


def _wants(registered_delivery: int, state: int) -> bool:
    asked = registered_delivery & 0x03
    return asked == 1 or (asked == 2 and state not in SUCCESS) or (asked == 3 and state in SUCCESS)
