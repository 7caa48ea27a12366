"""S20: whatever was asked for under one Idempotency-Key was done once, and answered alike each time.

That a message is in the store once is S4; that it is there when its call was answered is S1.
"""

from collections.abc import Iterable, Sequence

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Call, CallAnswer

S20 = "S20 once under a key"
ACCEPTED, CONFLICT = 202, 409
NOT_NOW = frozenset({408, 429, 503})


def once_under_a_key(index: Index) -> Iterable[Violation]:
    """S20: one answer, with the same ids however often; 409 to anything else under the same key."""
    for call in index.history.calls:
        same = taken(call)
        if len({answer.message_ids for answer in same}) > 1:
            told = " and ".join(sorted({",".join(answer.message_ids) for answer in same}))
            yield Violation(S20, call.key, f"was answered with {told}")
        for answer in call.answers:
            if answer.status in NOT_NOW:
                continue
            if answer.status != (CONFLICT if answer.is_other_body else ACCEPTED):
                what = "another body under it" if answer.is_other_body else "it"
                yield Violation(S20, call.key, f"{what} was answered {answer.status}")
        rows = {nonce: index.rows[nonce][0].message_id for nonce in call.nonces if index.rows[nonce]}
        for answer in same[:1]:
            for nonce, message_id in zip(call.nonces, answer.message_ids, strict=True):
                if message_id and rows.get(nonce, message_id) != message_id:
                    yield Violation(S20, call.key, f"{nonce} was answered as {message_id}, and is {rows[nonce]}")


def taken(call: Call) -> Sequence[CallAnswer]:
    """The answers that say yes to what was asked first, all of it or some."""
    return [
        answer
        for answer in call.answers
        if answer.status == ACCEPTED and not answer.is_other_body and any(answer.message_ids)
    ]
