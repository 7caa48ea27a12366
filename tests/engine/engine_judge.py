"""What must hold after any number of lives: each promise that was made, against what is in the store and was told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import define, field
from engine_bounds import ATTEMPTS_MAX, GRACE_S

from smsagg.model import Message, MessageState
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
    def was_heard(self) -> bool:
        """Whether a final report was taken by us."""
        return any(ESME_ROK in reported.statuses for reported in self.reports)


class Happened(Protocol):
    """What a world remembers."""

    tables: Tables
    submitted: Sequence[Submitted]
    attempts: Sequence[Attempt]
    doubts: Mapping[str, int]
    returns: Mapping[str, int]
    recorded: set[str]
    told: Mapping[str, Sequence[int]]
    asked_to_cancel: set[str]
    cancelled: set[str]
    latest_ms: int


def judge(world: Happened) -> None:
    """Hold what happened against what was promised."""
    tables = world.tables
    assert not tables.messages, "messages without an end"
    assert not tables.deliveries, "receipts nobody was told"
    assert not tables.parked_receipts, "parked receipts for ever"
    accepted, refused = set(), set()
    for submitted in world.submitted:
        ids = {message.message_id for message in submitted.messages}
        if submitted.status == ESME_ROK:
            accepted |= ids
        elif submitted.status is not None:
            refused |= ids
    assert accepted <= {message.message_id for message in tables.history.values()}, "accepted and lost"
    sends = Counter(attempt.message.message_id for attempt in world.attempts)
    assert not refused & set(sends), "refused and sent"
    for message in tables.history.values():
        message_id = message.message_id
        told = world.told.get(message_id, [])
        if message_id in refused:
            assert not told, "refused and told of"
            continue
        _judge_end(world, message, [a for a in world.attempts if a.message.message_id == message_id])
        assert sends[message_id] <= 1 + world.doubts[message_id] + world.returns[message_id], (
            "sent again without a reason"
        )
        if wants_receipt(message.registered_delivery, message.state):
            assert told, "owed and not told"
            assert set(told) == {int(message.state)}, "told something else"
        else:
            assert not told, "told and not asked"


def _judge_end(world: Happened, message: Message, attempts: Sequence[Attempt]) -> None:
    """The final state is one that something that happened can explain."""
    state, done_at = message.state, max(message.done_at, world.latest_ms)
    finals = {final for attempt in attempts for final in attempt.finals}
    refused = any(attempt.outcome == "refused" for attempt in attempts)
    in_doubt = message.message_class == "otp" and (
        world.doubts[message.message_id] > 0 or message.message_id in world.recorded
    )
    explained = {
        MessageState.DELIVERED: state in finals,
        MessageState.UNDELIVERABLE: state in finals or message.attempts >= ATTEMPTS_MAX,
        MessageState.REJECTED: state in finals or refused,
        MessageState.EXPIRED: done_at >= message.expires_at,
        MessageState.DELETED: message.message_id in world.asked_to_cancel,
        MessageState.UNKNOWN: in_doubt or done_at >= message.expires_at + GRACE_S * 1000,
    }
    assert explained.get(state, False), f"{state.name} without a reason"
    if message.message_id in world.cancelled:
        assert state is MessageState.DELETED
