"""S15: the books balance: what the server counted in a life is what its store gained and what everybody else saw.

The last life begins with an orderly restart after all faults, on a store that was looked at before; so what it counted
must be the difference, to the piece. A response that a stalled machine kept back may leave an attempt in doubt; what is
in doubt is counted as such, and is allowed for.
"""

from collections import Counter
from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import DELETED
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Life, Reply, Series
from tools.chaos.wire import ESME_ROK

S15 = "S15 balance"
ESME_RSYSERR = 0x08
ESME_RX_T_APPN = 0x64
STATE_NAMES = (
    "queued", "enroute", "delivered", "expired", "deleted", "undeliverable", "accepted", "unknown", "rejected",
)  # fmt: skip
ON_THE_WIRE = ("accepted", "temporary", "throttled", "permanent", "in_doubt")
"""Outcomes of attempts that reached the carrier, or may have."""


def balanced(index: Index) -> Iterable[Violation]:
    """S15: store, ESME, carriers and metrics tell the same."""
    life = index.history.life
    if life is None or not index.history.is_drained:
        return
    yield from _messages(index, life)
    yield from _attempts(index, life)
    yield from _deliveries(index, life)
    yield from _carriers_deliveries(index, life)


def _messages(index: Index, life: Life) -> Iterable[Violation]:
    kept = [
        row for row in index.history.store.messages if (row.state, row.error_code) != (DELETED, ESME_RSYSERR)
    ]  # but for those that were refused late and unwound
    accepted = _sum(life.metrics.get("smsagg_messages_accepted_total", {}))
    if accepted != len(kept) - life.rows_before:
        yield _differ("accepted", accepted, "gained by the store", len(kept) - life.rows_before)
    seen = sum(
        submit.invoked_at >= life.began_at
        and (submit.reply is Reply.OK or (submit.reply is not Reply.FAIL and bool(index.rows[submit.nonce])))
        for submit in index.history.submits
    )
    if accepted != seen:
        yield _differ("accepted", accepted, "acknowledged to ESMEs", seen)
    over = Counter((row.account, row.state) for row in kept if not row.is_live)
    over.subtract(life.history_before)
    finished = Counter(
        {
            (account, STATE_NAMES.index(state)): int(number)
            for (account, state), number in life.metrics.get("smsagg_messages_finished_total", {}).items()
        }
    )
    for key in over.keys() | finished.keys():
        if over[key] != finished[key]:
            account, state = key
            what = f"{STATE_NAMES[state]} of {account}"
            yield _differ(f"finished as {what}", finished[key], "gained by history", over[key])


def _attempts(index: Index, life: Life) -> Iterable[Violation]:
    counted = life.metrics.get("smsagg_carrier_attempts_total", {})
    arrived: Counter[tuple[str, bool]] = Counter(
        (submit.carrier, submit.command_status == ESME_ROK)
        for submit in index.history.carrier_submits
        if submit.at >= life.began_at
    )
    for carrier in {carrier for carrier, _ in counted} | {carrier for carrier, _ in arrived}:
        outcomes = {outcome: counted.get((carrier, outcome), 0) for outcome in ON_THE_WIRE}
        in_doubt, taken = outcomes["in_doubt"], arrived[carrier, True]
        total = taken + arrived[carrier, False]
        if not total <= sum(outcomes.values()) <= total + in_doubt:
            yield _differ(f"attempts on {carrier}", sum(outcomes.values()), "that arrived", total)
        if not outcomes["accepted"] <= taken <= outcomes["accepted"] + in_doubt:
            yield _differ(f"accepted by {carrier}", outcomes["accepted"], "by its own count", taken)


def _deliveries(index: Index, life: Life) -> Iterable[Violation]:
    counted = life.metrics.get("smsagg_delivery_attempts_total", {})
    answers: Counter[tuple[str, str, str]] = Counter()
    for kind, received in (("receipt", index.history.client_receipts), ("mo", index.history.client_mo)):
        for each in received:
            if each.at >= life.began_at and each.answer in (ESME_ROK, ESME_RX_T_APPN):
                outcome = "delivered" if each.answer == ESME_ROK else "refused"
                answers[each.account, kind, outcome] += 1
    for key in answers.keys() | {key for key in counted if key[2] in ("delivered", "refused")}:
        account, kind, outcome = key
        unanswered = counted.get((account, kind, "unanswered"), 0)
        if not counted.get(key, 0) <= answers[account, kind, outcome] <= counted.get(key, 0) + unanswered:
            what = f"{kind} {outcome} to {account}"
            yield _differ(what, counted.get(key, 0), "by its ESME's count", answers[account, kind, outcome])


def _carriers_deliveries(index: Index, life: Life) -> Iterable[Violation]:
    """Carriers go on sending while the metrics are read, so these lie between what was answered and what was sent."""
    history = index.history
    receipts = [(each.carrier, each.at, each.answer) for each in history.carrier_receipts]
    texts = [(each.carrier, each.at, each.answer) for each in history.carrier_mo]
    for what, metric, events in (
        ("receipts", "smsagg_carrier_receipts_total", receipts),
        ("handset messages", "smsagg_carrier_mo_total", texts),
    ):
        counted: Counter[str] = Counter()
        for (carrier, _), number in life.metrics.get(metric, {}).items():
            counted[carrier] += int(number)
        sent = Counter(carrier for carrier, at, answer in events if at >= life.began_at and answer is None)
        answered = Counter(
            carrier for carrier, at, answer in events if life.began_at <= at < life.scraped_at and answer is not None
        )
        for carrier in sent.keys() | counted.keys():
            if not answered[carrier] <= counted[carrier] <= sent[carrier]:
                seen = f"{answered[carrier]} to {sent[carrier]}"
                yield Violation(S15, carrier, f"{counted[carrier]} {what} counted, {seen} by its own count")


def _sum(series: Series) -> int:
    return int(sum(series.values()))


def _differ(what: str, counted: float, against: str, seen: float) -> Violation:
    return Violation(S15, what, f"{counted:.0f} counted, {seen:.0f} {against}")
