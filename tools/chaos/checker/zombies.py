"""S8: nothing is sent once it is known to be settled: by a final answer, an acknowledged cancel, a reported end."""

from collections.abc import Iterable
from itertools import pairwise
from math import inf

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import DELETED
from tools.chaos.checker.verdict import Violation
from tools.chaos.wire import ESME_ROK

S8 = "S8 no zombie"
ESME_RINVDSTADR = 0x0B
PERMANENT = frozenset({ESME_RINVDSTADR})
"""Refusals of a run's carriers after which a message is not tried again."""
LATE_S = 1.0
"""What left before it was settled may arrive so long after."""


def no_zombie(index: Index) -> Iterable[Violation]:
    """S8: attempts end with the message, and with a permanent refusal unless a fault kept that from being known."""
    for nonce, attempts in index.attempts.items():
        settled_at, why = _settled(index, nonce)
        for attempt in attempts:
            if attempt.at > settled_at + LATE_S + index.held_up_s(attempt.at, LATE_S):
                late_s = attempt.at - settled_at
                yield Violation(S8, nonce, f"reached {attempt.carrier} {late_s:.2f} s after {why}")
        for earlier, later in pairwise(attempts):
            if earlier.command_status in PERMANENT and not index.fault_between(earlier.at, later.at):
                yield Violation(S8, nonce, f"sent to {later.carrier} after {earlier.carrier} refused it for good")


def cancelled_for_good(index: Index) -> Iterable[Violation]:
    """S8: what was cancelled with ESME_ROK is DELETED, whatever happened after."""
    for cancel in index.history.cancels:
        if cancel.command_status != ESME_ROK:
            continue
        for row in index.rows[cancel.nonce]:
            if row.is_live or row.state != DELETED:
                yield Violation(S8, cancel.nonce, f"was cancelled, and is in state {row.state}")


def _settled(index: Index, nonce: str) -> tuple[float, str]:
    """(when it was settled for certain, by what)."""
    settled: list[tuple[float, str]] = [(inf, "")]
    settled += [
        (cancel.answered_at, "its cancel was acknowledged")
        for cancel in index.cancels.get(nonce, ())
        if cancel.command_status == ESME_ROK
    ]
    for row in index.rows.get(nonce, ()):
        receipts = index.receipts.get(row.message_id)
        if receipts:
            settled.append((receipts[0].at, "its end was reported"))
        acked = index.acked.get((row.carrier, row.carrier_message_id))
        if acked is not None:
            settled.append((acked.at, f"{row.carrier}'s receipt was taken"))
    return min(settled)
