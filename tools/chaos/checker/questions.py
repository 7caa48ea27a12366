"""S1, S5, S13, S17: what query_sm says is so, and of others' messages it says nothing; cancel_sm answers as it may."""

from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import FINAL
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import NO_ANSWER, Query
from tools.chaos.wire import ESME_ROK

ESME_RSYSERR = 0x08
ESME_RINVMSGID = 0x0C
ESME_RCANCELFAIL = 0x11
ESME_RTHROTTLED = 0x58
BUSY = frozenset({NO_ANSWER, ESME_RSYSERR, ESME_RTHROTTLED})
"""No answer to the question."""


def queries_tell_the_truth(index: Index) -> Iterable[Violation]:
    """S1, S5, S13: of one's own message the truth, of a foreign one what is said of an unknown one."""
    to_strangers: dict[tuple[int, bytes], Query] = {}
    for query in index.history.queries:
        if query.command_status in BUSY:
            continue
        submit = index.submits.get(query.nonce)
        if submit is not None and submit.account == query.account:
            yield from _of_ones_own(index, query)
            continue
        if query.command_status == ESME_ROK:
            yield Violation("S13 isolation", query.message_id, f"{query.account} was told of a message not its own")
        to_strangers.setdefault((query.command_status, query.answer), query)
    if len(to_strangers) > 1:
        told = ", ".join(f"{status:#x} {body.hex()}" for status, body in to_strangers)
        yield Violation("S13 isolation", "query_sm", f"foreign and unknown ids can be told apart: {told}")


def _of_ones_own(index: Index, query: Query) -> Iterable[Violation]:
    if query.command_status != ESME_ROK:
        yield Violation("S1 no loss", query.nonce, f"query_sm answered {query.command_status:#x}")
        return
    if query.told_id != query.message_id:
        yield Violation("S13 isolation", query.nonce, f"query_sm of {query.message_id} told of {query.told_id}")
    for row in index.rows[query.nonce]:
        if query.state in FINAL and (row.is_live or row.state != query.state):
            yield Violation("S5 one final state", query.nonce, f"is in state {row.state}, query_sm said {query.state}")


def cancels_answer_as_they_may(index: Index) -> Iterable[Violation]:
    """S17: done, too late, or not now."""
    for cancel in index.history.cancels:
        if cancel.command_status not in {ESME_ROK, ESME_RCANCELFAIL, *BUSY}:
            yield Violation("S17 answers", cancel.nonce, f"cancel_sm answered {cancel.command_status:#x}")
