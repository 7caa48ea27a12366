"""What a run did: operations by kind, and how much each invariant had to look at."""

from collections.abc import Sequence
from math import inf

from tools.chaos.checker.calls import taken
from tools.chaos.checker.index import Index
from tools.chaos.checker.webhooks import is_taken
from tools.chaos.history import NO_ANSWER, Call, History, Reply, Submit
from tools.chaos.wire import ESME_ROK


def operations(index: Index) -> dict[str, tuple[int, int]]:
    """By kind: (tried, went well). A run in which a kind never went well has not shown that it can."""
    history = index.history
    answered = [mo.answer for mo in history.carrier_mo if mo.answer is not None]
    return {
        "submit_sm": _taken([submit for submit in history.submits if not submit.is_called]),
        **(_by_http(history) if history.rules.endpoints else {}),
        "receipt": _answered([receipt.answer for receipt in history.client_receipts]),
        "cancel_sm": _answered([cancel.command_status for cancel in history.cancels]),
        "query_sm": _answered([query.command_status for query in history.queries]),
        "handset message": (sum(mo.answer is None for mo in history.carrier_mo), _answered(answered)[1]),
        "enquire_link": (len(history.enquiries), sum(each.answered_at < inf for each in history.enquiries)),
    }


def _by_http(history: History) -> dict[str, tuple[int, int]]:
    return {
        "message by HTTP": _taken([submit for submit in history.submits if submit.is_called]),
        "call repeated": _repeated(history.calls),
        "webhook": (len(history.told), sum(is_taken(told) for told in history.told)),
    }


def _taken(submits: Sequence[Submit]) -> tuple[int, int]:
    return len(submits), sum(submit.reply is Reply.OK for submit in submits)


def _repeated(calls: Sequence[Call]) -> tuple[int, int]:
    """Answers to what had been answered before."""
    return sum(len(call.answers) - 1 for call in calls if call.answers), sum(len(taken(call)) > 1 for call in calls)


def figures(index: Index) -> dict[str, str]:
    """By invariant, the worst that was measured, where there is a measure."""
    history, phases = index.history, index.history.phases
    told: dict[str, str] = {}
    waits_s = [
        max(0.0, each.answered_at - each.asked_at - index.down_s(each.asked_at, each.answered_at))
        for each in history.enquiries
        if each.answered_at < inf
    ]
    if waits_s:
        told["L5"] = f"slowest {max(waits_s):.2f} s"
    if history.starts:
        told["L6"] = f"slowest {max(start.accepting_at - start.began_at for start in history.starts):.1f} s"
    if phases.drained_at < inf:
        told["L1"] = f"{phases.backlog:,} drained in {phases.drained_at - phases.load_ended_at:.1f} s"
    if history.samples:
        rss_mb = max(sample.rss_octets for sample in history.samples) >> 20
        wal_mb = max(sample.wal_octets for sample in history.samples) >> 20
        fds, tasks = max(s.fds for s in history.samples), max(s.tasks for s in history.samples)
        told["L4"] = f"at most {rss_mb} MiB, WAL {wal_mb} MiB, {fds} files, {tasks} tasks"
    if history.stalls:
        stalled_s = sum(stall.ended_at - stall.began_at for stall in history.stalls)
        told["anomaly"] = f"the machine let nobody run {len(history.stalls)} times, {stalled_s:.1f} s in all"
    submits = max((submit.unanswered for submit in history.carrier_submits), default=0)
    receipts = max((receipt.unanswered for receipt in history.client_receipts), default=0)
    if submits or receipts:
        rules = history.rules
        told["S16"] = f"{submits} of {rules.link_window} on a link, {receipts} of {rules.deliver_window} on a session"
    return told


def _answered(statuses: list[int]) -> tuple[int, int]:
    return len(statuses), statuses.count(ESME_ROK)


def examined(index: Index) -> dict[str, int]:
    """By invariant, the size of what it was held against."""
    history = index.history
    acknowledged, attempts = len(index.acknowledged), len(history.carrier_submits)
    receipts = len(history.client_receipts) + len(history.client_mo)
    rows = len(history.store.messages)
    life = history.life
    return {
        "S1": acknowledged,
        "S2": attempts + rows,
        "S3": sum(submit.answered_at == inf for submit in history.submits),
        "S4": rows,
        "S5": len(history.client_receipts),
        "S6": rows,
        "S7": attempts,
        "S8": attempts,
        "S9": sum(submit.validity_s < inf for submit in index.acknowledged),
        "S10": receipts,
        "S11": len(history.client_receipts),
        "S12": len(index.acked) + sum(mo.answer == ESME_ROK for mo in history.carrier_mo),
        "S13": receipts + sum(query.command_status != NO_ANSWER for query in history.queries),
        "S15": 0 if life is None else sum(len(series) for series in life.metrics.values()),
        "S16": attempts + receipts,
        "S17": len(history.submits) + attempts + receipts + len(history.queries) + len(history.cancels),
        "S18": sum(submit.content is not None for submit in history.carrier_submits),
        "S20": sum(len(call.answers) for call in history.calls),
        "S21": len(history.told),
        "S19": sum(len(text) for text in history.outputs.values()),
        "L1": history.phases.backlog if history.phases.drained_at < inf else 0,
        "L2": rows + len(history.store.parked_at_ms),
        "L3": sum(fault.target in history.rules.pool_of or bool(fault.account) for fault in history.faults),
        "L4": len(history.samples),
        "L5": len(history.enquiries),
        "L6": len(history.starts),
        "anomaly": len(history.faults),
    }
