"""S5, S6, S14: one final state, and its cause."""

from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import ACCEPTED, DELETED, EXPIRED, FINAL, REJECTED, UNDELIVERABLE, UNKNOWN, WORDS
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Reply, StoredMessage
from tools.chaos.wire import stat_of


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
