"""L1 to L3, L5, L6: it recovers, nothing outlives its timer, others are not held up, it answers, it starts.

Bounds are those of a machine that lets everybody run. When it did not, the harness was held up too, and what it lost
(:class:`~tools.chaos.history.Stall`) is given back to the server.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import inf

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Fault, Reply, Submit

L1, L2, L3, L5, L6 = "L1 recovery", "L2 timers", "L3 others", "L5 answers", "L6 start"
DRAIN_S = 20.0
DRAIN_SHARE = 0.25
"""A backlog is gone after :data:`DRAIN_S` and at this share of the run's own pace."""
STUCK_S = 10.0
"""While messages are due and the faults are over, something is sent at least once in so long."""
OVERDUE_MS = 15_000
"""A message that waits is ended so long after its time at the latest."""
SWEPT_S = 75.0
"""A parked receipt is dropped so long after its time at the latest."""
ANSWER_S = 1.0
SETTLE_S = 2.0
"""After a fault, until things are as before."""
START_S = 20.0
OTHERS_S = 2.0
"""Within so long others' messages are acknowledged, 99 of 100."""
OTHERS_SHARE = 0.3
"""Of their pace, that others keep at least."""
SAMPLES_MIN = 50


def recovers(index: Index) -> Iterable[Violation]:
    """L1: after all faults every account's messages are taken, and the backlog is worked off."""
    phases = index.history.phases
    after: dict[str, list[Submit]] = {}
    for submit in index.history.submits:
        if phases.healed_at <= submit.invoked_at <= phases.load_ended_at - ANSWER_S:
            after.setdefault(submit.account, []).append(submit)
    for account, submits in after.items():
        if not any(submit.reply is Reply.OK for submit in submits):
            yield Violation(L1, account, f"none of {len(submits)} messages was taken after the faults")
    if phases.drained_at < inf:
        pace = len(index.acknowledged) / (phases.load_ended_at - phases.load_began_at)
        stalled_s = index.stalled_s(phases.load_ended_at, phases.drained_at)
        took_s, allowed_s = phases.drained_at - phases.load_ended_at, DRAIN_S + phases.backlog / (DRAIN_SHARE * pace)
        if took_s > allowed_s + stalled_s:
            text = f"{phases.backlog} messages took {took_s:.1f} s, at most {allowed_s:.1f} s"
            yield Violation(L1, "backlog", text)


def never_stuck(index: Index) -> Iterable[Violation]:
    """L1: a run that was not drained was at least at work: nothing that is due waits while nothing is sent."""
    history, given_up_at = index.history, index.history.phases.given_up_at
    waiting = [
        row
        for row in history.store.messages
        if row.is_live and not row.state and row.due_at_ms + STUCK_S * 1000 < history.store.dumped_at_ms
    ]
    if given_up_at == inf or not waiting:
        return
    sent_at = max((submit.at for submit in history.carrier_submits if submit.at < given_up_at), default=0.0)
    quiet_s = given_up_at - max(sent_at, history.phases.load_ended_at) - index.stalled_s(sent_at, given_up_at)
    if quiet_s > STUCK_S:
        yield Violation(
            L1, waiting[0].nonce, f"and {len(waiting) - 1} more wait, and nothing was sent for {quiet_s:.0f} s"
        )


def nothing_outlives_its_timer(index: Index) -> Iterable[Violation]:
    """L2: half-open sessions, waiting messages, parked receipts, places in windows."""
    history = index.history
    for text in history.overdue:
        yield Violation(L2, "session", text)
    store = history.store
    if not any(fault.kind.startswith("clock") for fault in history.faults):
        for row in store.messages:
            if row.is_live and not row.state and row.expires_at_ms + OVERDUE_MS < store.dumped_at_ms:
                late_s = (store.dumped_at_ms - row.expires_at_ms) / 1000
                yield Violation(L2, row.nonce, f"waits still, {late_s:.0f} s after its time")
        ttl_ms = 1000 * (history.rules.parked_receipt_ttl_s + SWEPT_S)
        if any(parked_at_ms + ttl_ms < store.dumped_at_ms for parked_at_ms in store.parked_at_ms):
            yield Violation(L2, "parked receipts", "are older than their time")
    if history.life is not None and history.is_drained:
        for (_, link), number in history.life.metrics.get("smsagg_carrier_link_outstanding", {}).items():
            if number:
                yield Violation(L2, link, f"{number:.0f} places of its window are taken, with nothing left to do")


def others_go_on(index: Index) -> Iterable[Violation]:
    """L3: while one carrier or one account's client is struck, others' messages are taken and sent as ever."""
    submits = sorted(index.history.submits, key=lambda submit: submit.invoked_at)
    times = [submit.invoked_at for submit in submits]
    pools = index.history.rules.pool_of
    sends = {pool: _arrivals(index, pool) for pool in set(pools.values())}
    for fault in index.faults:
        during = submits[bisect_left(times, fault.began_at) : bisect_right(times, fault.ended_at)]
        stalled_s = index.stalled_s(fault.began_at - SETTLE_S, fault.ended_at + SETTLE_S)
        if fault.target in pools:
            yield from _slow(fault, "acknowledged", _acceptance(during), stalled_s)
            for pool in sends.keys() - {pools[fault.target]}:
                offered = sum(submit.pool == pool and submit.reply is Reply.OK for submit in during)
                yield from _choked(fault, pool, offered, sends[pool], stalled_s)
        elif fault.account:
            others = [submit for submit in during if submit.account != fault.account]
            yield from _slow(fault, "acknowledged to others", _acceptance(others), stalled_s)


def _arrivals(index: Index, pool: str) -> list[float]:
    """When the carriers of a pool were sent something."""
    pools = index.history.rules.pool_of
    return sorted(submit.at for submit in index.history.carrier_submits if pools[submit.carrier] == pool)


def _choked(fault: Fault, pool: str, offered: int, sends: Sequence[float], stalled_s: float) -> Iterable[Violation]:
    """A pool goes on at a share of what it did in as long a time before, or of what was offered if that is less."""
    lasted_s = fault.ended_at - fault.began_at
    before = bisect_left(sends, fault.began_at) - bisect_left(sends, fault.began_at - lasted_s)
    during = bisect_right(sends, fault.ended_at) - bisect_left(sends, fault.began_at)
    expected = min(before, offered)
    if expected >= SAMPLES_MIN and not stalled_s and during < OTHERS_SHARE * expected:
        text = f"{during} messages went to {pool} during it, {before} in as long before, {offered} were to go"
        yield Violation(L3, f"{fault.kind} {fault.target}", text)


def _acceptance(submits: Sequence[Submit]) -> list[float]:
    """How long each answered submit waited; those whose session was lost are nobody's measure, nor are those that were
    asked for again until they were taken."""
    answered = (submit for submit in submits if submit.answered_at < inf and not submit.is_called)
    return sorted(submit.answered_at - submit.invoked_at for submit in answered)


def _slow(fault: Fault, what: str, waits_s: Sequence[float], stalled_s: float) -> Iterable[Violation]:
    if len(waits_s) < SAMPLES_MIN:
        return
    p99_s = waits_s[int(0.99 * len(waits_s))]
    if p99_s > OTHERS_S + stalled_s:
        text = f"99 of 100 messages {what} within {p99_s:.2f} s, at most {OTHERS_S:.2f} s"
        yield Violation(L3, f"{fault.kind} {fault.target}", text)


def answers_enquiries(index: Index) -> Iterable[Violation]:
    """L5: enquire_link is answered within a second, but while the server is stopped, dead or starting."""
    for enquiry in index.history.enquiries:
        until = min(enquiry.answered_at, enquiry.session_ended_at)
        if until == inf:
            continue
        took_s = until - enquiry.asked_at
        if took_s <= ANSWER_S:
            continue
        down_s = index.down_s(enquiry.asked_at, until)
        if took_s - down_s - index.stalled_s(enquiry.asked_at, until) > ANSWER_S:
            yield Violation(L5, "enquire_link", f"took {took_s:.2f} s, for {down_s:.2f} s of which there was no server")


def starts_in_time(index: Index) -> Iterable[Violation]:
    """L6: from the start of the process until it takes binds."""
    for start in index.history.starts:
        took_s = start.accepting_at - start.began_at
        if took_s > START_S + index.stalled_s(start.began_at, start.accepting_at):
            yield Violation(L6, "server", f"took {took_s:.1f} s to start, at most {START_S:.0f} s")
