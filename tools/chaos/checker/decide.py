"""Runs every invariant over a history, counts, and says the verdict."""

from collections.abc import Callable, Iterable, Sequence

from tools.chaos.checker.balance import balanced
from tools.chaos.checker.calls import once_under_a_key
from tools.chaos.checker.copies import bounded_copies, bounded_receipts, charge_copies, charge_receipts
from tools.chaos.checker.custody import no_invention, no_loss, unique_ids, whole_or_absent
from tools.chaos.checker.fidelity import arrives_as_submitted, receipts_name_their_message
from tools.chaos.checker.finality import evidence, one_final_state
from tools.chaos.checker.footprint import stays_within_bounds
from tools.chaos.checker.handset import handset_messages_kept, handset_messages_to_their_owner
from tools.chaos.checker.index import Index
from tools.chaos.checker.ledger import ledger_balances
from tools.chaos.checker.liveness import (
    answers_enquiries,
    never_stuck,
    nothing_outlives_its_timer,
    others_go_on,
    recovers,
    starts_in_time,
)
from tools.chaos.checker.protocol import every_pdu_legal, every_request_answered
from tools.chaos.checker.questions import cancels_answer_as_they_may, queries_tell_the_truth
from tools.chaos.checker.receipts import carrier_receipts_kept
from tools.chaos.checker.secrecy import nothing_told
from tools.chaos.checker.states import EXPIRED
from tools.chaos.checker.tally import examined, figures, operations
from tools.chaos.checker.times import not_after_expiry, order
from tools.chaos.checker.verdict import Counts, Report, Verdict, Violation
from tools.chaos.checker.webhooks import (
    endpoints_are_left_alone,
    endpoints_hear_of_every_end,
    webhooks_come_again_for_a_reason,
    webhooks_tell_the_truth,
)
from tools.chaos.checker.windows import within_rates, within_windows
from tools.chaos.checker.zombies import cancelled_for_good, no_zombie
from tools.chaos.history import History, Reply, Submit


def no_anomaly(index: Index) -> Iterable[Violation]:
    """What the harness saw and must never see."""
    for anomaly in index.history.anomalies:
        yield Violation("anomaly", "run", anomaly)


INVARIANTS: tuple[Callable[[Index], Iterable[Violation]], ...] = (
    no_loss,
    no_invention,
    whole_or_absent,
    unique_ids,
    one_final_state,
    evidence,
    bounded_copies,
    bounded_receipts,
    not_after_expiry,
    order,
    carrier_receipts_kept,
    every_request_answered,
    every_pdu_legal,
    no_zombie,
    cancelled_for_good,
    queries_tell_the_truth,
    cancels_answer_as_they_may,
    handset_messages_kept,
    handset_messages_to_their_owner,
    within_windows,
    within_rates,
    arrives_as_submitted,
    receipts_name_their_message,
    nothing_told,
    once_under_a_key,
    webhooks_tell_the_truth,
    endpoints_hear_of_every_end,
    webhooks_come_again_for_a_reason,
    endpoints_are_left_alone,
    balanced,
    ledger_balances,
    recovers,
    never_stuck,
    nothing_outlives_its_timer,
    others_go_on,
    stays_within_bounds,
    answers_enquiries,
    starts_in_time,
    no_anomaly,
)


def check(history: History) -> Report:
    """The verdict on a run, with its figures."""
    index = Index(history)
    violations = [violation for invariant in INVARIANTS for violation in invariant(index)]
    counts = _count(index, violations)
    is_drained = history.is_drained and not any(row.is_live for row in history.store.messages)
    is_drained = is_drained and not history.store.deliveries and not history.store.owed_events
    tried = operations(index)
    if violations:
        verdict = Verdict.FAIL
    elif not is_drained or not counts.ok or not all(ok for _, ok in tried.values()):
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.PASS
    copies, receipts = charge_copies(index)[0], charge_receipts(index)[0]
    charged = [(fault, copies[place], receipts[place]) for place, fault in enumerate(index.faults)]
    return Report(verdict, counts, violations, tried, examined(index), figures(index), charged)


def _count(index: Index, violations: Sequence[Violation]) -> Counts:
    history = index.history
    unanswered = [submit for submit in history.submits if submit.reply is Reply.INFO]
    recovered = sum(bool(index.rows[submit.nonce]) for submit in unanswered)
    return Counts(
        attempt=len(history.submits),
        acknowledged=len(index.acknowledged),
        refused=sum(submit.reply is Reply.FAIL for submit in history.submits),
        ok=sum(_is_complete(index, submit) for submit in index.acknowledged),
        lost=len({violation.subject for violation in violations if violation.invariant.startswith("S1 ")}),
        unexpected=len({violation.subject for violation in violations if violation.invariant.startswith("S2 ")}),
        recovered=recovered,
        absent=len(unanswered) - recovered,
        duplicated=sum(len(sends) - 1 for sends in index.sends.values() if sends),
        duplicated_max=sum(fault.copies_max for fault in history.faults),
        receipts_duplicated=sum(charge_receipts(index)[0].values()),
        receipts_duplicated_max=sum(fault.receipts_max for fault in history.faults),
        expired=sum(not row.is_live and row.state == EXPIRED for row in history.store.messages),
        orphan_receipts=len(history.store.parked),
        faults=len(history.faults),
    )


def _is_complete(index: Index, submit: Submit) -> bool:
    rows = index.rows[submit.nonce]
    return bool(rows) and not rows[0].is_live and index.is_reported(submit, rows[0])
