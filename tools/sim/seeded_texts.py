"""Known bugs about long messages, submit_multi, replaced texts and parts from handsets; see :mod:`tools.sim.seeded`."""

from collections.abc import Callable, Sequence
from typing import Any

from smsagg.engine.admission.intake import Intake
from smsagg.engine.ending.reports import Reports
from smsagg.engine.queues.queued import Queued
from smsagg.engine.requests.replacement import Replacement
from smsagg.engine.sending.part_dispatch import PartDispatch
from smsagg.model import Message, MessageState, PartGroup
from smsagg.queueing import Bundle
from smsagg.receipts.dialect import IdDialect
from smsagg.store.base import Changes, OnDone
from smsagg.store.memory import MemoryStore

Replacements = list[tuple[type, str, Any]]
"""(class, name of its method, what stands there instead)."""


def parts_accepted_one_by_one() -> Replacements:
    """Each of several messages of one submit is committed by itself."""
    original = Intake.commit

    def commit(self: Intake, messages: list[Message], on_accepted: Any, ends: Changes | None = None) -> None:
        if len(messages) == 1 or ends is not None:
            original(self, messages, on_accepted, ends)
            return
        for message in messages[:-1]:
            original(self, [message], lambda _status: None)
        original(self, messages[-1:], on_accepted)

    return [(Intake, "commit", commit)]


def parts_counted_in_memory() -> Replacements:
    """How many parts of a message have ended, and how, is in no store."""
    original = MemoryStore.write

    def write(self: MemoryStore, changes: Changes, on_done: OnDone | None = None) -> None:
        changes.group_updates = []
        original(self, changes, on_done)

    return [(MemoryStore, "write", write)]


def last_part_tells() -> Replacements:
    """Of a long message the state is told in which its last part ended, not the worst."""
    original = PartGroup.end_part

    def end_part(self: PartGroup, number: int, state: MessageState, error_code: int, now: int) -> None:
        original(self, number, state, error_code, now)
        self.state, self.error_code = state, error_code

    return [(PartGroup, "end_part", end_part)]


def parts_scattered() -> Replacements:
    """Each part goes to the link that has most room, wherever its siblings went."""
    original = PartDispatch.dispatch

    def dispatch(self: PartDispatch, pool: Any, bundle: Bundle, chosen: Any, now: float) -> None:
        for part in reversed(bundle):
            original(self, pool, [part], chosen, now)

    def siblings_link(self: PartDispatch, pool: Any, part: Message, now: float) -> None:
        return None

    return [(PartDispatch, "dispatch", dispatch), (PartDispatch, "_siblings_link", siblings_link)]


def joined_receipt_for_one_part() -> Replacements:
    """The receipt of parts that a carrier took as one ends one of them."""

    def apply_to_siblings(self: Reports, *_: Any) -> bool:
        return True

    return [(Reports, "_apply_to_siblings", apply_to_siblings)]


def replaced_while_sent() -> Replacements:
    """What is being replaced is left in its queue, from where it is sent."""

    async def hold(self: Queued, messages: Sequence[Message]) -> list[Message]:
        live = self._core.live
        return [live[message.seq] for message in messages if message.seq in live]

    def put_back(self: Queued, held: Sequence[Message]) -> None:
        """It was never taken out."""

    def is_held(self: Queued, message: Message) -> bool:
        return True

    return [(Queued, "hold", hold), (Queued, "put_back", put_back), (Queued, "is_held", is_held)]


def replaced_and_kept() -> Replacements:
    """A submit with replace_if_present_flag leaves what it should replace."""

    async def hold_matching(self: Replacement, match: object) -> list[Message]:
        return []

    return [(Replacement, "_hold_matching", hold_matching)]


def handset_parts_in_memory() -> Replacements:
    """A part from a handset is answered and waits for the others in memory alone."""
    original = MemoryStore.write

    def write(self: MemoryStore, changes: Changes, on_done: OnDone | None = None) -> None:
        changes.new_mo_parts = []
        original(self, changes, on_done)

    return [(MemoryStore, "write", write)]


def zeros_stripped() -> Replacements:
    """Carriers' ids are compared without their leading zeros."""
    original = IdDialect._normalise

    def normalise(self: IdDialect, message_id: str, conversion: str) -> str:
        return original(self, message_id, conversion).lstrip("0")

    return [(IdDialect, "_normalise", normalise)]


BUGS_OF_TEXTS: tuple[Callable[[], Replacements], ...] = (
    parts_accepted_one_by_one,
    parts_counted_in_memory,
    last_part_tells,
    parts_scattered,
    joined_receipt_for_one_part,
    replaced_while_sent,
    replaced_and_kept,
    handset_parts_in_memory,
    zeros_stripped,
)
