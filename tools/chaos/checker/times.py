"""S9, S11: nothing too late, nothing too early."""

from collections.abc import Iterable, Sequence

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import CarrierSubmit, ClockStep

LATE_S = 1.0
"""A submit may reach the carrier's log so long after the server's look at the clock."""


TTL_S = 86_400.0
"""Life of a message that names no validity_period."""


def not_after_expiry(index: Index) -> Iterable[Violation]:
    """S9: nothing reaches a carrier after its time, by the validity_period of the submit_sm itself.

    Time is the server's: what its clock was set forward meanwhile has passed, what it was set back comes twice.
    """
    steps = index.history.clock
    for submit in index.acknowledged:
        validity_s = min(submit.validity_s, TTL_S)
        for send in index.sends[submit.nonce]:
            late_s = send.at - submit.answered_at - validity_s
            tolerated_s = LATE_S + _held_up_s(index, send)
            if steps:
                late_s -= max(ahead_s(steps, submit.invoked_at, submit.answered_at))
                late_s += min(ahead_s(steps, send.at - tolerated_s, send.at))
            if late_s > tolerated_s:
                yield Violation("S9 expiry", submit.nonce, f"reached {send.carrier} {late_s:.1f} s after its time")


def ahead_s(steps: Sequence[ClockStep], began_at: float, ended_at: float) -> set[float]:
    """How far the server's clock may have been ahead of the true time between two instants, all that is possible."""
    possible = {0.0}
    for step in steps:
        if step.began_at > ended_at:
            break
        possible = {step.ahead_s} if step.ended_at < began_at else possible | {step.ahead_s}
    return possible


def _held_up_s(index: Index, send: CarrierSubmit) -> float:
    """How long faults that were on when the submit arrived may have held it up between the look and the log."""
    return sum(
        fault.ended_at - fault.began_at
        for fault in index.faults
        if not fault.kind.startswith("clock") and fault.began_at <= send.at <= fault.ended_at + LATE_S
    )


def order(index: Index) -> Iterable[Violation]:
    """S11: on one session a receipt never comes before the submit_sm_resp that gives its id."""
    for submit in index.acknowledged:
        for receipt in index.receipts.get(submit.message_id, ()):
            if receipt.session == submit.session and receipt.at < submit.answered_at:
                yield Violation("S11 order", submit.nonce, "reported before it was acknowledged")
