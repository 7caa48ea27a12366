"""What must hold after any number of lives: each promise that was made, against what is in the store and was told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import define, field
from engine_bounds import ATTEMPTS_MAX, GRACE_S

from smsagg.model import Cause, Message, MessageState, PartGroup, PartReceipts
from smsagg.model.part_group import SEVERITY
from smsagg.receipts.registered import wants_receipt
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import Tables
from smsagg.testing.carrier import Reported
from smsagg.testing.gateway import Submitted


@define(eq=False)
class Attempt:
    """What a carrier knows of one submit_sm."""

    carrier: str
    carrier_message_id: str
    message: Message
    outcome: str = ""
    """``""``: none yet; ``accepted``, ``refused``, ``unsent``, ``doubt``."""
    finals: list[MessageState] = field(factory=list)
    """The final states that the carrier reported, heard or not."""
    reports: list[Reported] = field(factory=list)

    @property
    def seqs(self) -> list[int]:
        """Of the rows that it was for: several when parts went as one."""
        return [part.seq for part in self.message.joins or (self.message,)]

    @property
    def was_heard(self) -> bool:
        """Whether a final report was taken by us."""
        return any(ESME_ROK in reported.statuses for reported in self.reports)


class Happened(Protocol):
    """What a world remembers."""

    tables: Tables
    submitted: Sequence[Submitted]
    attempts: Sequence[Attempt]
    doubts: Mapping[int, int]
    returns: Mapping[int, int]
    recorded: set[int]
    told: Mapping[str, Sequence[int]]
    asked_to_cancel: set[str]
    swept: set[str]
    """Accounts that asked to cancel or replace by addresses."""
    cancelled: set[str]
    rejected: set[str]
    """Held messages that an operator asked to reject."""
    latest_ms: int


def judge(world: Happened) -> None:
    """Hold what happened against what was promised."""
    tables = world.tables
    assert not tables.messages, "messages without an end"
    assert not tables.deliveries, "receipts nobody was told"
    assert not tables.parked_receipts, "parked receipts for ever"
    accepted, refused = set(), set()
    for submitted in world.submitted:
        rows = {_identity(message) for message in submitted.messages}
        if submitted.status == ESME_ROK:
            accepted |= rows
        elif submitted.status is not None:
            refused |= rows
    assert accepted <= {_identity(message) for message in tables.history.values()}, "accepted and lost"
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in world.attempts:
        for seq in attempt.seqs:
            attempts[seq].append(attempt)
    sent = {_identity(part) for attempt in world.attempts for part in attempt.message.joins or (attempt.message,)}
    assert not refused & sent, "refused and sent"
    parts: dict[int, list[Message]] = defaultdict(list)
    for seq, message in tables.history.items():
        told = world.told.get(message.message_id, [])
        if _identity(message) in refused:
            assert message.group_seq or not told, "refused and told of"
            continue
        _judge_end(world, message, attempts[seq])
        assert len(attempts[seq]) <= 1 + world.doubts[seq] + world.returns[seq], "sent again without a reason"
        if message.group_seq:
            parts[message.group_seq].append(message)
        elif wants_receipt(message.registered_delivery, message.state):
            assert told, "owed and not told"
            assert set(told) == {int(message.state)}, "told something else"
        else:
            assert not told, "told and not asked"

    for group_seq, group in tables.groups.items():
        assert group.done_at, "a group without an end"
        _judge_receipts_of_parts(world, group, sorted(parts[group_seq], key=lambda part: part.part_number))


def _identity(message: Message) -> tuple[str, int]:
    """What names a row for ever: the ``seq`` of a message that was refused may be another's in the next life."""
    return message.message_id, message.part_number


def _judge_receipts_of_parts(world: Happened, group: PartGroup, parts: Sequence[Message]) -> None:
    """Each id that the customer knows is told what the policy says, whatever the order in which the parts ended."""
    if not parts:
        return
    expected: dict[str, set[int]] = {part.message_id: set() for part in parts}
    if group.receipts is PartReceipts.WORST:
        worst = max((part.state for part in parts), key=SEVERITY.index)
        assert group.state is worst
        asked = max(part.registered_delivery for part in parts)
        telling = [(group.message_id, asked, worst)]
    else:
        numbers = {PartReceipts.FIRST: {1}, PartReceipts.LAST: {group.parts_total}}.get(group.receipts)
        telling = [
            (part.message_id, part.registered_delivery, part.state)
            for part in parts
            if numbers is None or part.part_number in numbers
        ]
    for message_id, registered_delivery, state in telling:
        if wants_receipt(registered_delivery, state):
            expected[message_id].add(int(state))
    for message_id, states in expected.items():
        assert set(world.told.get(message_id, [])) == states, "told something else of parts"


def _judge_end(world: Happened, message: Message, attempts: Sequence[Attempt]) -> None:
    """The final state is one that something that happened can explain."""
    state, done_at = message.state, max(message.done_at, world.latest_ms)
    finals = {final for attempt in attempts for final in attempt.finals}
    refused = any(attempt.outcome == "refused" for attempt in attempts)
    in_doubt = message.message_class == "otp" and (world.doubts[message.seq] > 0 or message.seq in world.recorded)
    explained = {
        MessageState.DELIVERED: state in finals,
        MessageState.UNDELIVERABLE: state in finals or message.attempts >= ATTEMPTS_MAX,
        MessageState.REJECTED: state in finals or refused or message.message_id in world.rejected,
        MessageState.EXPIRED: done_at >= message.expires_at or message.cause is Cause.OUTSIDE_HOURS,
        MessageState.DELETED: message.message_id in world.asked_to_cancel or message.account in world.swept,
        MessageState.UNKNOWN: in_doubt or done_at >= message.expires_at + GRACE_S * 1000,
    }
    assert explained.get(state, False), f"{state.name} without a reason"
    if message.message_id in world.cancelled:
        assert state is MessageState.DELETED
