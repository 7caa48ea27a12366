"""Decides whether a history keeps the promises. Pure functions: a history in, violations and counts out.

Theory of operation. Each invariant is one function from the indexed history to the violations it found; the names S1 …
stand in ``docs/reliability.md``. A violation is certain whatever else is unknown, so one is enough for ``fail``. A run
that was not drained can still fail but never pass: it is ``unknown``, since what is missing might have come later.

Duplicates. A copy needs a reason: a fault between it and the copy before. It is charged to the first such fault, and
no fault may be charged with more copies than the windows that it cut. No fault, no copies.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import pairwise
from math import inf

from attrs import define, field

from tools.chaos.history import (
    CarrierReceipt,
    CarrierSubmit,
    ClientReceipt,
    Fault,
    History,
    Reply,
    StoredMessage,
    Submit,
)
from tools.chaos.wire import ESME_ROK, stat_of

ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED = range(1, 9)
FINAL = frozenset({DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED})
WORDS = {
    DELIVERED: "DELIVRD",
    EXPIRED: "EXPIRED",
    DELETED: "DELETED",
    UNDELIVERABLE: "UNDELIV",
    ACCEPTED: "ACCEPTD",
    UNKNOWN: "UNKNOWN",
    REJECTED: "REJECTD",
}
SUCCESS = frozenset({DELIVERED, ACCEPTED})
AGAIN = frozenset({-1, 0x04, 0x08, 0x14, 0x45, 0x58, 0x64, 0x67, 0xFE, 0xFF})
"""Answers of a client after which a receipt comes again: none, or one that says later."""
LATE_S = 1.0
"""A submit may reach the carrier's log so long after the server's look at the clock."""


class Verdict(Enum):
    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@define(frozen=True)
class Violation:
    """One broken promise."""

    invariant: str
    subject: str
    """Nonce, id or fault."""
    text: str


@define
class Counts:
    """The figures of the report."""

    attempt: int = 0
    acknowledged: int = 0
    refused: int = 0
    ok: int = 0
    """Acknowledged, over, and reported as far as it was asked for."""
    lost: int = 0
    unexpected: int = 0
    """Sent, stored or reported although refused or never submitted."""
    recovered: int = 0
    """Unanswered by a lost session, and present."""
    absent: int = 0
    """Unanswered by a lost session, and absent."""
    duplicated: int = 0
    duplicated_max: int = 0
    receipts_duplicated: int = 0
    receipts_duplicated_max: int = 0
    expired: int = 0
    orphan_receipts: int = 0
    faults: int = 0


@define
class Report:
    verdict: Verdict
    counts: Counts
    violations: list[Violation]
    charged: list[tuple[Fault, int, int]] = field(factory=list)
    """Each fault with the copies at carriers and at the ESME that it was charged with."""


class Index:
    """A history by the keys that the invariants need."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.faults = sorted(history.faults, key=lambda fault: fault.began_at)
        self.submits = {submit.nonce: submit for submit in history.submits}
        self.acknowledged = [submit for submit in history.submits if submit.reply is Reply.OK]
        self.sends: dict[str, list[CarrierSubmit]] = defaultdict(list)
        self.refusals: dict[str, set[int]] = defaultdict(set)
        self.issued: dict[tuple[str, str], CarrierSubmit] = {}
        for send in sorted(history.carrier_submits, key=lambda send: send.at):
            if send.command_status == ESME_ROK:
                self.sends[send.nonce].append(send)
                self.issued[send.carrier, send.carrier_message_id] = send
            else:
                self.refusals[send.nonce].add(send.command_status)
        self.reported: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.acked: dict[tuple[str, str], CarrierReceipt] = {}
        for receipt in history.carrier_receipts:
            key = (receipt.carrier, receipt.carrier_message_id)
            if receipt.answer is None:
                self.reported[key].add(receipt.state)
            elif receipt.answer == ESME_ROK:
                self.acked[key] = receipt
        self.rows: dict[str, list[StoredMessage]] = defaultdict(list)
        for row in history.store.messages:
            self.rows[row.nonce].append(row)
        self.receipts: dict[str, list[ClientReceipt]] = defaultdict(list)
        for client_receipt in sorted(history.client_receipts, key=lambda receipt: receipt.at):
            self.receipts[client_receipt.message_id].append(client_receipt)

    def is_reported(self, submit: Submit, row: StoredMessage) -> bool:
        """The client has said its last word about a receipt for it, or asked for none of that state."""
        if not wants_receipt(submit, row.state):
            return True
        return any(receipt.answer not in AGAIN for receipt in self.receipts[submit.message_id])


def wants_receipt(submit: Submit, state: int) -> bool:
    """Whether the registered_delivery asks to hear of this end: of none, of every, of failure, of success."""
    asked = submit.registered_delivery & 0x03
    return asked == 1 or (asked == 2 and state not in SUCCESS) or (asked == 3 and state in SUCCESS)


def no_loss(index: Index) -> Iterable[Violation]:
    """S1, S10: what was acknowledged is in the store, and what is over was reported."""
    for submit in index.acknowledged:
        rows = index.rows[submit.nonce]
        if not rows:
            yield Violation("S1 no loss", submit.nonce, f"acknowledged as {submit.message_id} and not in the store")
        elif not rows[0].is_live and not index.history.store.deliveries and not index.is_reported(submit, rows[0]):
            yield Violation("S1 no loss", submit.nonce, "over, nothing is owed any more, and no receipt was taken")


def no_invention(index: Index) -> Iterable[Violation]:
    """S2: carriers saw only what was submitted, and nothing of what was refused; the store likewise."""
    nonces = index.sends.keys() | index.refusals.keys() | index.rows.keys()
    for nonce in nonces:
        submit = index.submits.get(nonce)
        if submit is None:
            yield Violation("S2 no invention", nonce, "nobody submitted it")
        elif submit.reply is Reply.FAIL:
            if index.sends[nonce] or index.refusals[nonce]:
                yield Violation("S2 no invention", nonce, f"refused with {submit.command_status:#x}, and sent")
            for row in index.rows[nonce]:
                if row.is_live or row.state != DELETED or index.receipts[row.message_id]:
                    yield Violation("S2 no invention", nonce, f"refused with {submit.command_status:#x}, and stored")
    known = {row.message_id for row in index.history.store.messages}
    for message_id in index.receipts.keys() - known:
        yield Violation("S2 no invention", message_id, "a receipt for a message that the store does not know")


def whole_or_absent(index: Index) -> Iterable[Violation]:
    """S3: what was never answered is there with all that belongs to it, or not at all."""
    for submit in index.submits.values():
        is_absent = submit.reply is Reply.INFO and not index.rows[submit.nonce]
        if is_absent and (index.sends[submit.nonce] or index.refusals[submit.nonce]):
            yield Violation("S3 whole or absent", submit.nonce, "sent, and not in the store")


def unique_ids(index: Index) -> Iterable[Violation]:
    """S4: an id names one message, the one that it was given to; a message has one row."""
    nonce_of: dict[str, str] = {}
    for row in index.history.store.messages:
        if nonce_of.setdefault(row.message_id, row.nonce) != row.nonce:
            yield Violation("S4 unique ids", row.message_id, f"names {nonce_of[row.message_id]} and {row.nonce}")
    owner_of: dict[str, str] = {}
    for submit in index.acknowledged:
        if owner_of.setdefault(submit.message_id, submit.nonce) != submit.nonce:
            yield Violation("S4 unique ids", submit.message_id, "was given to two submits")
        if nonce_of.get(submit.message_id, submit.nonce) != submit.nonce:
            yield Violation(
                "S4 unique ids", submit.message_id, f"was given to {submit.nonce}, the store says otherwise"
            )
    for nonce, rows in index.rows.items():
        if len(rows) > 1:
            yield Violation("S4 unique ids", nonce, f"has {len(rows)} rows")


def one_final_state(index: Index) -> Iterable[Violation]:
    """S5: what is over has a final state, and every receipt says that one."""
    for row in index.history.store.messages:
        receipts = index.receipts[row.message_id]
        if row.is_live:
            if receipts:
                yield Violation("S5 one final state", row.nonce, "reported to the client while it is not over")
            continue
        if row.state not in FINAL:
            yield Violation("S5 one final state", row.nonce, f"is over in state {row.state}")
            continue
        for receipt in receipts:
            if receipt.state != row.state or stat_of(receipt.text) != WORDS[row.state]:
                yield Violation(
                    "S5 one final state", row.nonce, f"is {WORDS[row.state]}, a receipt said {stat_of(receipt.text)}"
                )


def evidence(index: Index) -> Iterable[Violation]:
    """S6, S14: a final state has its cause: a receipt of that carrier for an id that it gave to this very message."""
    for row in index.history.store.messages:
        if row.is_live or row.state not in FINAL:
            continue
        key = (row.carrier, row.carrier_message_id)
        if row.carrier_message_id:
            send = index.issued.get(key)
            if send is None or send.nonce != row.nonce:
                whose = "nobody's" if send is None else send.nonce
                yield Violation("S6 evidence", row.nonce, f"is stored under {key}, which is {whose}")
                continue
        if not _has_cause(index, row, key):
            yield Violation("S6 evidence", row.nonce, f"is {WORDS[row.state]} by no report of {key}")


def _has_cause(index: Index, row: StoredMessage, key: tuple[str, str]) -> bool:
    if row.state in index.reported.get(key, ()):
        return True
    submit = index.submits.get(row.nonce)
    if row.state == EXPIRED:
        return row.done_at_ms >= row.expires_at_ms
    if row.state in (REJECTED, UNDELIVERABLE) and row.error_code in index.refusals[row.nonce]:
        return True
    if row.state == UNDELIVERABLE and row.is_worn_out:
        return True
    if submit is None:
        return False
    if row.state == UNKNOWN:  # in doubt, or its carrier has had its time to report
        return submit.at_most_once or row.done_at_ms >= row.expires_at_ms
    if row.state == ACCEPTED:  # nobody asked the carrier for more
        return not submit.registered_delivery & 0x03 and key in index.issued
    return row.state == DELETED and (submit.is_cancelled or submit.reply is not Reply.OK)


def bounded_copies(index: Index) -> Iterable[Violation]:
    """S7: copies at carriers, each by a fault, within the windows that it cut; never for at most once."""
    for nonce, sends in index.sends.items():
        submit = index.submits.get(nonce)
        if len(sends) > 1 and submit is not None and submit.at_most_once:
            yield Violation("S7 duplicate bound", nonce, f"at most once, and sent {len(sends)} times")
    charges, unexplained = charge_copies(index)
    for nonce in unexplained:
        yield Violation("S7 duplicate bound", nonce, "sent again without a fault between")
    yield from _over_bound("S7 duplicate bound", charges, index.faults, lambda fault: fault.copies_max)


def bounded_receipts(index: Index) -> Iterable[Violation]:
    """S10: copies of a receipt, each by a fault, within the windows that it cut; identical; none that was not asked."""
    charges, unexplained = charge_receipts(index)
    for message_id in unexplained:
        yield Violation("S10 receipts", message_id, "reported again without a fault between")
    yield from _over_bound("S10 receipts", charges, index.faults, lambda fault: fault.receipts_max)
    for message_id, receipts in index.receipts.items():
        if len({receipt.text for receipt in receipts}) > 1:
            yield Violation("S10 receipts", message_id, "copies differ")
    for submit in index.acknowledged:
        receipts = index.receipts.get(submit.message_id, [])
        if any(not wants_receipt(submit, receipt.state) for receipt in receipts):
            yield Violation("S10 receipts", submit.nonce, "reported, and nobody asked")
        if any(receipt.account != submit.account for receipt in receipts):
            yield Violation("S13 isolation", submit.nonce, "reported to another account")


def charge_copies(index: Index) -> tuple[Counter[int], list[str]]:
    """Copies at carriers by fault (its place in time), and the nonces of copies that no fault explains."""
    charges: Counter[int] = Counter()
    unexplained: list[str] = []
    for nonce, sends in index.sends.items():
        for earlier, later in pairwise(sends):
            place = _first_fault(index.faults, earlier.at, later.at, lambda fault: fault.copies_max)
            if place is None:
                unexplained.append(nonce)
            else:
                charges[place] += 1
    return charges, unexplained


def charge_receipts(index: Index) -> tuple[Counter[int], list[str]]:
    """Copies of receipts by fault, and the ids of copies that nothing explains.

    A copy that the client asked for, by answering "again later", needs no fault.
    """
    charges: Counter[int] = Counter()
    unexplained: list[str] = []
    for message_id, receipts in index.receipts.items():
        for earlier, later in pairwise(receipts):
            if earlier.answer != ESME_ROK:
                continue
            place = _first_fault(index.faults, earlier.at, later.at, lambda fault: fault.receipts_max)
            if place is None:
                unexplained.append(message_id)
            else:
                charges[place] += 1
    return charges, unexplained


def _first_fault(
    faults: Sequence[Fault], earlier_at: float, later_at: float, bound: Callable[[Fault], int]
) -> int | None:
    """The first fault that allows copies at all and was not over before the earlier nor begun after the later."""
    for place, fault in enumerate(faults):
        if bound(fault) and fault.ended_at >= earlier_at and fault.began_at <= later_at:
            return place
    return None


def _over_bound(
    invariant: str, charges: Counter[int], faults: Sequence[Fault], bound: Callable[[Fault], int]
) -> Iterable[Violation]:
    for place, copies in charges.items():
        fault = faults[place]
        if copies > bound(fault):
            yield Violation(invariant, f"{fault.kind} {fault.target}", f"{copies} copies, at most {bound(fault)}")


def not_after_expiry(index: Index) -> Iterable[Violation]:
    """S9: nothing reaches a carrier after its time, by the validity_period of the submit_sm itself."""
    for submit in index.acknowledged:
        for send in index.sends[submit.nonce] if submit.validity_s < inf else ():
            late_s = send.at - submit.answered_at - submit.validity_s
            if late_s > LATE_S + _held_up_s(index, send):
                yield Violation("S9 expiry", submit.nonce, f"reached {send.carrier} {late_s:.1f} s after its time")


def _held_up_s(index: Index, send: CarrierSubmit) -> float:
    """How long faults that were on when the submit arrived may have held it up between the look and the log."""
    return sum(
        fault.ended_at - fault.began_at
        for fault in index.faults
        if fault.began_at <= send.at <= fault.ended_at + LATE_S
    )


def order(index: Index) -> Iterable[Violation]:
    """S11: on one session a receipt never comes before the submit_sm_resp that gives its id."""
    for submit in index.acknowledged:
        for receipt in index.receipts.get(submit.message_id, ()):
            if receipt.session == submit.session and receipt.at < submit.answered_at:
                yield Violation("S11 order", submit.nonce, "reported before it was acknowledged")


def carrier_receipts_kept(index: Index) -> Iterable[Violation]:
    """S12: a receipt that was answered ESME_ROK has its effect, whatever happened after."""
    parked = index.history.store.parked
    for row in index.history.store.messages:
        key = (row.carrier, row.carrier_message_id)
        if row.is_live and row.state == ENROUTE and key in index.acked and key not in parked:
            yield Violation("S12 receipts kept", row.nonce, f"awaits {key}, whose receipt was answered ESME_ROK")


def every_request_answered(index: Index) -> Iterable[Violation]:
    """S17: a request is answered, or its session ends."""
    for submit in index.submits.values():
        if submit.reply is Reply.UNANSWERED:
            yield Violation("S17 answers", submit.nonce, "never answered on a session that lived")


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
    no_anomaly,
)


def check(history: History) -> Report:
    """The verdict on a run, with its figures."""
    index = Index(history)
    violations = [violation for invariant in INVARIANTS for violation in invariant(index)]
    counts = _count(index, violations)
    is_drained = history.is_drained and not any(row.is_live for row in history.store.messages)
    is_drained = is_drained and not history.store.deliveries
    if violations:
        verdict = Verdict.FAIL
    elif not is_drained or not counts.ok:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.PASS
    copies, receipts = charge_copies(index)[0], charge_receipts(index)[0]
    charged = [(fault, copies[place], receipts[place]) for place, fault in enumerate(index.faults)]
    return Report(verdict, counts, violations, charged)


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
