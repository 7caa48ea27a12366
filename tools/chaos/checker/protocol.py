"""S17: every request has its one answer, and every PDU is one that the specification allows there."""

from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Reply


def every_request_answered(index: Index) -> Iterable[Violation]:
    """S17: a request is answered, or its session ends."""
    for submit in index.submits.values():
        if submit.reply is Reply.UNANSWERED:
            yield Violation("S17 answers", submit.nonce, "never answered on a session that lived")


def every_pdu_legal(index: Index) -> Iterable[Violation]:
    """S17: what the referees of ESMEs and carriers saw (:mod:`tools.chaos.referee`)."""
    for breach in index.history.breaches:
        yield Violation("S17 answers", breach.peer, breach.text)
