"""S21: an account that follows its messages hears of every end, at least once, signed, under one id, and nothing else.

Their order is nobody's promise.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import ACCEPTED, DELETED, DELIVERED, EXPIRED, FINAL
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Told

S21 = "S21 webhooks"
GONE = 410
KIND_OF = {
    DELIVERED: "message.delivered",
    EXPIRED: "message.expired",
    DELETED: "message.cancelled",
    ACCEPTED: "message.sent",
}
FAILED = "message.failed"
"""Every other end."""
ENDS = frozenset({FAILED, *KIND_OF.values()}) - {KIND_OF[ACCEPTED]}
"""Kinds that say nothing but an end; a message may be sent more than once."""


def webhooks_tell_the_truth(index: Index) -> Iterable[Violation]:
    """S21: each is signed, tells of a message of that account, its one end, under one id whose body never changes."""
    rows = {row.message_id: row for row in index.history.store.messages}
    ends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (endpoint, webhook_id), series in index.told.items():
        first = series[0]
        if not all(told.is_signed for told in series):
            yield Violation(S21, webhook_id, f"came to {endpoint} with a wrong signature")
        if len({told.digest for told in series}) > 1:
            yield Violation(S21, webhook_id, f"came to {endpoint} with another body")
        row = rows.get(first.message_id)
        if row is None or row.account != first.account:
            yield Violation(S21, webhook_id, f"tells {first.account} of {first.message_id}, which is not its own")
        elif first.kind in ENDS:
            ends[endpoint, first.message_id].add(webhook_id)
            if row.is_live or first.kind != _kind_of(row.state):
                yield Violation(S21, row.nonce, f"is in state {row.state}, and {endpoint} heard {first.kind}")
    for (endpoint, message_id), ids in ends.items():
        if len(ids) > 1:
            yield Violation(S21, message_id, f"ended once, and {endpoint} heard it as {' and '.join(sorted(ids))}")


def endpoints_hear_of_every_end(index: Index) -> Iterable[Violation]:
    """S21: each endpoint has taken the end of each message of its account, or is owed it."""
    history = index.history
    owed = history.store.owed_events
    heard = {(f"{told.account}/{told.endpoint}", told.message_id, told.kind) for told in history.told if is_taken(told)}
    for row in history.store.messages:
        if row.is_live or row.state not in FINAL:
            continue
        for name in history.rules.endpoints.get(row.account, ()):
            kind, endpoint = _kind_of(row.state), f"{row.account}/{name}"
            if (endpoint, row.message_id, kind) not in heard and (endpoint, row.message_id) not in owed:
                yield Violation(S21, row.nonce, f"is over, and {endpoint} neither took {kind} nor is owed it")


def webhooks_come_again_for_a_reason(index: Index) -> Iterable[Violation]:
    """S21: what was taken comes again only when a fault kept that from being known."""
    for (endpoint, webhook_id), series in index.told.items():
        for earlier, later in pairwise(series):
            if is_taken(earlier) and not index.fault_between(earlier.at, later.at):
                yield Violation(S21, webhook_id, f"came to {endpoint} again without a fault between")


def endpoints_are_left_alone(index: Index) -> Iterable[Violation]:
    """S21: who answered 410 hears no more than was on its way, in each life of the server."""
    begins = sorted(fault.began_at for fault in index.faults if fault.target == "server")
    lives = Counter(
        (f"{told.account}/{told.endpoint}", bisect_right(begins, told.at))
        for told in index.history.told
        if told.answer == GONE
    )
    for (endpoint, _), number in lives.items():
        if number > index.history.rules.gone_max:
            yield Violation(S21, endpoint, f"answered 410, and was asked {number} times in one life of the server")


def is_taken(told: Told) -> bool:
    return 200 <= told.answer < 300


def _kind_of(state: int) -> str:
    return KIND_OF.get(state, FAILED)
