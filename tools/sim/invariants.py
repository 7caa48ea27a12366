"""What a simulation can decide beyond the checker of :mod:`tools.chaos`, because it knows what the gateway knew.

The checker bounds copies by the windows that faults cut. Here every copy is judged by itself: the gateway may send a
message (or a receipt) again only when it could not know that the first was taken. It knew when it had read the answer
in time on a connection that lived on, and has not died since; and after that was committed, dying is no excuse either.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import inf

from smsagg.carriers.smpp.link import BURST_MIN
from smsagg.model import MessageState
from tools.chaos.checker import DELETED, FINAL, UNKNOWN, Violation
from tools.chaos.history import Reply
from tools.chaos.wire import ESME_ROK
from tools.sim.facts import Facts, known_at
from tools.sim.fidelity import as_submitted, parts_on_one_link, whole_or_nothing
from tools.sim.group_receipts import told_of_groups
from tools.sim.handsets import mo_delivered
from tools.sim.log import Attempt, Receipt
from tools.sim.network import Wire
from tools.sim.replacing import nothing_that_was_replaced, one_text
from tools.sim.scenario import CARRIER_GRACE_S
from tools.sim.states import worst
from tools.sim.wire import (
    ESME_RCANCELFAIL,
    ESME_RINVMSGID,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
)

IDLE_STEPS_MAX = 1_500
"""Steps of all tasks in a second in which nothing happens but keep-alives, look-ups of orphans and sweeps."""
RECOVERED_S = 2.0
"""After so long every link is bound again."""
STUCK_S = 4.0
"""Longer than a carrier that was throttled, refused or timed out waits before it is tried again."""
VALIDITY_SLACK_MS = 1


def no_needless_copy(facts: Facts) -> Iterable[Violation]:
    """S7: nothing is sent again after its acceptance was read, unless the process died in between."""
    for nonce, attempts in facts.attempts().items():
        for earlier, later in pairwise(attempts):
            if earlier.command_status != ESME_ROK:
                continue
            known = known_at(earlier.read_at, earlier.written.taken_at, earlier.response_timeout_s, earlier.wire)
            asked_at = later.written.asked_at
            if known < asked_at and not facts.died_between(known, asked_at):
                text = f"{later.carrier} got it at {asked_at:.6f}, {earlier.carrier}'s ESME_ROK was read at {known:.6f}"
                yield Violation("S7 duplicate bound", nonce, text)


def no_zombie(facts: Facts) -> Iterable[Violation]:
    """S8: nothing is sent after it was stored that a carrier has it, or that it is over."""
    for nonce, attempts in facts.attempts().items():
        taken = facts.tables.taken.get(nonce, ())
        ended_at = min([taken_by.at for taken_by in taken] + [facts.tables.finished_at.get(nonce, inf)])
        for attempt in attempts:
            if attempt.written.asked_at > ended_at:
                text = f"sent to {attempt.carrier} at {attempt.written.asked_at:.6f}, settled at {ended_at:.6f}"
                yield Violation("S8 zombie", nonce, text)


def not_after_expiry(facts: Facts) -> Iterable[Violation]:
    """S9: nothing is written after ``expires_at``, which is what the submit_sm asked for."""
    attempts = facts.attempts()
    for row in facts.rows():
        nonce = facts.unit_of(row)
        for attempt in attempts.get(nonce, ()):
            if attempt.at_ms > row.expires_at:
                late_ms = attempt.at_ms - row.expires_at
                yield Violation("S9 expiry", nonce, f"sent to {attempt.carrier} {late_ms} ms after its time")
    classes = facts.scenario.config.message_classes
    for row in facts.rows():
        message = facts.plan_of(row)
        if message is None or message.replaces:  # one that replaces is accepted when it is its turn
            continue
        life_ms = row.expires_at - row.accepted_at - message.delay_s * 1000
        wanted_ms = 1000 * (classes[row.message_class].ttl if message.validity_s == inf else message.validity_s)
        if abs(life_ms - wanted_ms) > VALIDITY_SLACK_MS:
            yield Violation("S9 expiry", message.nonce, f"lives {life_ms} ms, not {wanted_ms}")


def no_needless_receipt(facts: Facts) -> Iterable[Violation]:
    """S10: a receipt does not come again after its acknowledgement was read, nor after that was stored."""
    by_message: dict[tuple[str, str, str], list[Receipt]] = defaultdict(list)
    for receipt in facts.log.history.client_receipts:
        assert isinstance(receipt, Receipt)
        by_message[receipt.message_id, receipt.source, receipt.text].append(receipt)
    for (message_id, source, text), receipts in by_message.items():
        receipts.sort(key=lambda receipt: receipt.written.taken_at)
        owed = facts.tables.owed.get((message_id, source, text), [])
        for place, later in enumerate(receipts):
            asked_at = later.written.asked_at
            if owed and asked_at > max(delivery.done_at for delivery in owed):
                done_at = max(delivery.done_at for delivery in owed)
                yield Violation("S10 receipts", message_id, f"came at {asked_at:.6f}, was done at {done_at:.6f}")
            known = [_known(receipt) for receipt in receipts[:place] if receipt.answer == ESME_ROK]
            over = [at for at in known if at < asked_at and not facts.died_between(at, asked_at)]
            if len(over) >= max(len(owed), 1):
                text = f"came again at {asked_at:.6f}, its ESME_ROK was read at {over[-1]:.6f}"
                yield Violation("S10 receipts", message_id, text)


def _known(receipt: Receipt) -> float:
    return known_at(receipt.read_at, receipt.written.taken_at, receipt.response_timeout_s, receipt.wire)


def intermediate_as_asked(facts: Facts) -> Iterable[Violation]:
    """S10: intermediate notifications only to who asked, and of who is not over."""
    asked = {submit.message_id: submit for submit in facts.log.history.submits if submit.message_id}
    for receipt in facts.log.intermediates:
        submit = asked.get(receipt.message_id)
        if submit is not None and not submit.registered_delivery & 0x10:
            yield Violation("S10 receipts", submit.nonce, "an intermediate notification that nobody asked for")
        if submit is not None and receipt.account != submit.account:
            yield Violation("S13 isolation", submit.nonce, "notified another account")
        if receipt.state != 1:
            yield Violation("S10 receipts", receipt.message_id, f"an intermediate notification says {receipt.state}")


def carrier_receipts_kept(facts: Facts) -> Iterable[Violation]:
    """S12: what was answered ESME_ROK to a carrier has its effect, though the carrier will never say it again."""
    answered: dict[tuple[str, str], float] = {}
    for receipt in facts.log.history.carrier_receipts:
        if receipt.answer == ESME_ROK and receipt.state in FINAL:
            answered.setdefault((receipt.carrier, receipt.carrier_message_id), receipt.at)
    for row in facts.rows():
        nonce = facts.unit_of(row)
        at = answered.get((row.carrier, row.carrier_message_id), inf)
        if row.state == UNKNOWN and at < facts.tables.finished_at.get(nonce, inf):
            yield Violation("S12 receipts kept", nonce, f"is UNKNOWN, though its receipt was answered at {at:.6f}")


def answers_tell_the_truth(facts: Facts) -> Iterable[Violation]:
    """S1, S5, S13: what query_sm says of one's own message is so, and of another's nothing."""
    states: dict[str, list[int]] = defaultdict(list)
    for row in facts.rows():
        states[row.message_id].append(row.state)
    for query in facts.log.queries:
        nonce, status = query.submit.nonce, query.command_status
        if status in (None, ESME_RSYSERR, ESME_RTHROTTLED):
            continue
        if query.account != query.submit.account:
            if status != ESME_RINVMSGID:
                yield Violation("S13 isolation", nonce, f"{query.account} was told {status:#x}")
        elif status != ESME_ROK:
            yield Violation("S1 no loss", nonce, f"query_sm answered {status:#x}")
        elif query.message_id != query.submit.message_id:
            yield Violation("S13 isolation", nonce, f"query_sm told of {query.message_id}")
        elif query.state in FINAL and worst(states[query.message_id]) != query.state:
            yield Violation("S5 one final state", nonce, f"query_sm said {query.state}")
    for cancel in facts.log.cancels:
        if cancel.command_status not in (None, ESME_ROK, ESME_RCANCELFAIL, ESME_RSYSERR, ESME_RTHROTTLED):
            yield Violation("S17 answers", cancel.submit.nonce, f"cancel_sm answered {cancel.command_status:#x}")


def alive_after_heal(facts: Facts) -> Iterable[Violation]:
    """L1: when all faults are over new messages are taken."""
    replies = {submit.nonce: submit.reply for submit in facts.log.history.submits}
    for account, nonces in facts.log.probes.items():
        if not any(replies.get(nonce) is Reply.OK for nonce in nonces):
            yield Violation("L1 recovery", account, f"took none of {nonces}")


def not_stuck(facts: Facts) -> Iterable[Violation]:
    """L1: while something is due and its carriers work, something is sent; nothing just waits for its end."""
    if facts.was_set_back:
        return
    attempts = facts.attempts()
    sent = sorted(attempt.written.taken_at for of_one in attempts.values() for attempt in of_one)
    for row in facts.tables.history.values():
        nonce = facts.unit_of(row)
        if row.state == DELETED:
            continue
        due_at = facts.tables.accepted_at[nonce] + (row.not_before - row.accepted_at) / 1000
        since = max(due_at, facts.healed_at + RECOVERED_S)
        until = attempts[nonce][0].written.taken_at if nonce in attempts else facts.tables.finished_at[nonce]
        if until - since < STUCK_S:
            continue
        times = [since, *sent[bisect_left(sent, since) : bisect_right(sent, until)], until]
        gap_s, at = max((later - earlier, earlier) for earlier, later in pairwise(times))
        if gap_s > STUCK_S:
            yield Violation("L1 recovery", nonce, f"waited while nothing was sent for {gap_s:.1f} s from {at:.6f}")


def nothing_left(facts: Facts) -> Iterable[Violation]:
    """L2: everything ends, and what is over leaves nothing in memory."""
    if facts.is_drained:
        return
    left = [
        f"{facts.unit_of(message)} {message.state.name} at {message.carrier or '-'}"
        for message in facts.tables.messages.values()
    ]
    owed = [f"{delivery.message_id} to {delivery.account}" for delivery in facts.tables.deliveries.values()]
    yield Violation("L2 drained", "run", f"messages {left}, owed {owed}, held {facts.held}")
    for message in facts.tables.messages.values():
        yield Violation("L2 drained", facts.unit_of(message), f"is still {message.state.name}")


def unknown_in_time(facts: Facts) -> Iterable[Violation]:
    """L2: who is given up is given the grace first."""
    for row in facts.tables.history.values():
        waited_ms = row.done_at - row.expires_at
        is_once = facts.scenario.config.message_classes[row.message_class].in_doubt == "fail"
        if row.state == UNKNOWN and not is_once and waited_ms < CARRIER_GRACE_S * 1000:
            yield Violation("S6 evidence", facts.unit_of(row), f"is UNKNOWN {waited_ms} ms after its time")


def balanced(facts: Facts) -> Iterable[Violation]:
    """S15: what was counted is what the store has."""
    metrics = facts.metrics
    if metrics is None or not facts.is_drained:
        return
    kept = [
        row
        for row in facts.tables.history.values()
        if (row.state, row.error_code) != (MessageState.DELETED, ESME_RSYSERR)  # refused late and unwound
    ]
    accepted = sum(child.n for child in metrics.accepted.values())
    if accepted != len(kept):
        yield Violation("S15 balance", "run", f"{accepted} counted as accepted, {len(kept)} in history")
    counted: Counter[tuple[str, str]] = Counter(
        {(str(key[0]), str(key[1])): int(child.n) for key, child in metrics.finished.items()}
    )
    stored = Counter((row.account, row.state.name.lower()) for row in kept)
    if counted != stored:
        yield Violation("S15 balance", "run", f"counted as finished {counted}, in history {stored}")


def within_rates(facts: Facts) -> Iterable[Violation]:
    """S16: a link keeps to its carrier's contract in every second."""
    by_wire: dict[Wire, list[Attempt]] = defaultdict(list)
    for attempt in facts.log.history.carrier_submits:
        assert isinstance(attempt, Attempt)
        by_wire[attempt.wire].append(attempt)
    for wire, attempts in by_wire.items():
        carrier = attempts[0].carrier
        rate: float | None = facts.scenario.config.carriers[carrier].settings.rate
        if rate is None or wire.is_disturbed:
            continue
        times = sorted(attempt.written.taken_at for attempt in attempts)
        allowed = rate + max(rate / 10, BURST_MIN) + 1
        for place, at in enumerate(times):
            number = bisect_right(times, at + 1.0) - place
            if number > allowed:
                yield Violation("S16 rate", attempts[0].nonce, f"{number} to {carrier} in a second from {at:.6f}")
                break


def idle_when_idle(facts: Facts) -> Iterable[Violation]:
    """L4: with nothing to do, next to nothing is done."""
    if facts.is_drained and facts.idle_steps > IDLE_STEPS_MAX:
        yield Violation("L4 bounds", "run", f"{facts.idle_steps} steps in an idle second")


INVARIANTS: tuple[Callable[[Facts], Iterable[Violation]], ...] = (
    no_needless_copy,
    no_zombie,
    not_after_expiry,
    no_needless_receipt,
    intermediate_as_asked,
    carrier_receipts_kept,
    answers_tell_the_truth,
    mo_delivered,
    as_submitted,
    parts_on_one_link,
    whole_or_nothing,
    told_of_groups,
    one_text,
    nothing_that_was_replaced,
    alive_after_heal,
    not_stuck,
    nothing_left,
    unknown_in_time,
    balanced,
    within_rates,
    idle_when_idle,
)
