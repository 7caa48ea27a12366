"""What became of the messages that were at hand when the server died at a failpoint, row by row.

Each row of the table of kill points says where such a message must be afterwards and how many copies of it the death
may cause. The invariants of the whole run are the checker's affair.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import pairwise
from math import inf

from attrs import define, field
from rich.table import Table

from tools.chaos.checker.index import Index
from tools.chaos.checker.webhooks import is_taken
from tools.chaos.failpoints import FAILPOINTS
from tools.chaos.history import History, Reply, Visit
from tools.chaos.wire import ESME_ROK


class After(Enum):
    """Where the messages at hand must be."""

    ABSENT = "absent"
    """Nowhere: not in the store, not at a carrier. But what came by HTTP under a key was asked for again."""
    PRESENT = "present"
    WHOLE = "all or none"


@define(frozen=True)
class Bound:
    """What a row promises of each message at hand; ``None``: nothing beyond the promises of the whole run."""

    after: After
    copies: int | None = 0
    receipts: int | None = 0
    """And webhooks, where one was at hand."""


BOUNDS = {
    "F01": Bound(After.ABSENT),
    "F02": Bound(After.ABSENT),
    "F03": Bound(After.PRESENT),
    "F04": Bound(After.PRESENT, copies=1),
    "F05": Bound(After.WHOLE),
    "F06": Bound(After.PRESENT),
    "F07": Bound(After.PRESENT, copies=1),
    "F08": Bound(After.PRESENT, copies=1),
    "F09": Bound(After.PRESENT),
    "F10": Bound(After.PRESENT),
    "F11": Bound(After.PRESENT, copies=None),
    "F12": Bound(After.PRESENT),
    "F13": Bound(After.PRESENT),
    "F14": Bound(After.PRESENT, receipts=1),
    "F15": Bound(After.PRESENT, receipts=1),
    "F16": Bound(After.PRESENT, copies=None, receipts=1),
    "F17": Bound(After.ABSENT),
    "F18": Bound(After.PRESENT),
    "F19": Bound(After.PRESENT),
}
"""F04: its message sets out for the carrier with the answer. F11: a receipt may be read before it is recorded that its
message was taken; then that is as F08. F16: what is told may be that a carrier has it."""


@define
class RowReport:
    """One row of the table."""

    row: str
    about: str
    hits: int = 0
    messages: int = 0
    acknowledged: int = 0
    lost: int = 0
    copies: int = 0
    copies_max: int = 0
    receipts: int = 0
    receipts_max: int = 0
    problems: list[str] = field(factory=list)

    @property
    def verdict(self) -> str:
        return "pass" if self.hits and not self.problems else "fail"


def judge(history: History, visits: Sequence[Visit], rows: Iterable[str]) -> list[RowReport]:
    """A report for each of ``rows``."""
    index = Index(history)
    reports = {row: RowReport(row, _about(row)) for row in rows}
    deaths = [fault for fault in history.faults if fault.target == "server"]
    for visit in visits:
        before = max((fault.ended_at for fault in deaths if fault.began_at < visit.at), default=-inf)
        after = min((fault.began_at for fault in deaths if fault.began_at > visit.at), default=inf)
        _judge_visit(index, visit, reports[visit.row], before, after)
    for report in reports.values():
        if not report.hits:
            report.problems.append("never passed")
    return list(reports.values())


def _about(row: str) -> str:
    text = FAILPOINTS[row].__doc__ or ""
    return " ".join(text.split()).rstrip(".")


def _judge_visit(index: Index, visit: Visit, report: RowReport, before: float, after: float) -> None:
    """Between ``before`` and ``after`` this death is the only one: what others doubled is theirs."""
    bound, problems = BOUNDS[visit.row], report.problems
    nonces = [nonce for nonce in dict.fromkeys(_nonce_of(index, subject) for subject in visit.subjects) if nonce]
    report.hits += 1
    report.messages += len(nonces)
    problems += visit.problems
    once = [nonce for nonce in nonces if nonce not in index.submits or not index.submits[nonce].is_called]
    present = [nonce for nonce in once if index.rows[nonce]]
    for nonce in nonces:
        submit = index.submits.get(nonce)
        if submit is not None and submit.reply is Reply.OK:
            report.acknowledged += 1
            if not index.rows[nonce]:
                report.lost += 1
                problems.append(f"{nonce} was acknowledged, and is lost")
        copies = _copies(index, nonce, visit.at, before, after)
        receipts = _receipt_copies(index, nonce, visit.at, before, after)
        if visit.row == "F16":
            receipts += _webhook_copies(index, nonce, visit.at, before, after)
        report.copies += copies
        report.receipts += receipts
        report.copies_max += bound.copies or 0
        report.receipts_max += bound.receipts or 0
        if bound.copies is not None and copies > bound.copies:
            problems.append(f"{nonce} was sent {copies} times more")
        if bound.receipts is not None and receipts > bound.receipts:
            problems.append(f"{nonce} was reported {receipts} times more")
    if bound.after is After.ABSENT:
        problems += [f"{nonce} is in the store" for nonce in present]
        problems += [f"{nonce} was sent" for nonce in once if index.sends[nonce]]
    elif bound.after is After.PRESENT:
        problems += [f"{nonce} is not in the store" for nonce in nonces if not index.rows[nonce]]
    elif 0 < len(present) < len(once):
        problems.append(f"of one commit {len(present)} of {len(once)} messages are in the store")


def _nonce_of(index: Index, subject: str) -> str:
    """The message that a subject names; ``""`` for one that nobody knows (the receipt was for no message of ours)."""
    kind, _, name = subject.partition(":")
    if kind == "nonce":
        return name
    if kind == "id":
        return next((row.nonce for row in index.history.store.messages if row.message_id == name), "")
    carrier, _, carrier_message_id = name.partition(":")
    send = index.issued.get((carrier, carrier_message_id))
    return "" if send is None else send.nonce


def _copies(index: Index, nonce: str, at: float, before: float, after: float) -> int:
    """Arrivals at carriers that have no other fault but this between them and the one before."""
    pairs = pairwise(index.sends[nonce])
    return sum(earlier.at > before and at < later.at < after for earlier, later in pairs)


def _receipt_copies(index: Index, nonce: str, at: float, before: float, after: float) -> int:
    """Likewise receipts at the ESME; one that it asked to come again is no copy."""
    receipts = [receipt for row in index.rows[nonce] for receipt in index.receipts[row.message_id]]
    pairs = pairwise(receipts)
    return sum(earlier.answer == ESME_ROK and earlier.at > before and at < later.at < after for earlier, later in pairs)


def _webhook_copies(index: Index, nonce: str, at: float, before: float, after: float) -> int:
    """The most that any webhook about it came again after it had been taken."""
    ids = {row.message_id for row in index.rows[nonce]}
    series = [series for series in index.told.values() if series[0].message_id in ids]
    return max(
        (
            sum(is_taken(first) and first.at > before and at < later.at < after for first, later in pairwise(one))
            for one in series
        ),
        default=0,
    )


def table_of(reports: Sequence[RowReport], title: str) -> Table:
    """For the console."""
    columns = ("row", "killed when", "hits", "at hand", "acked", "lost", "copies", "receipts", "verdict")
    table = Table(*columns, title=title)
    for report in reports:
        colour = "green" if report.verdict == "pass" else "red"
        table.add_row(
            report.row,
            FAILPOINTS[report.row].__name__.replace("_", " "),
            str(report.hits),
            str(report.messages),
            str(report.acknowledged),
            str(report.lost),
            _of(report.copies, BOUNDS[report.row].copies, report.copies_max),
            _of(report.receipts, BOUNDS[report.row].receipts, report.receipts_max),
            f"[{colour}]{report.verdict}[/]",
        )
    return table


def _of(copies: int, each: int | None, copies_max: int) -> str:
    return f"{copies}" if each is None else f"{copies} of {copies_max}"
