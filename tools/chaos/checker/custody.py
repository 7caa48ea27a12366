"""S1 to S4: what was acknowledged is kept, nothing is invented, an unknown is whole or absent, ids name one message."""

from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import DELETED
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Reply


def no_loss(index: Index) -> Iterable[Violation]:
    """S1, S10: what was acknowledged is in the store, and what is over was reported."""
    for submit in index.acknowledged:
        rows = index.rows[submit.nonce]
        if not rows:
            yield Violation("S1 no loss", submit.nonce, f"acknowledged as {submit.message_id} and not in the store")
        elif not rows[0].is_live and not index.history.store.deliveries and not index.is_reported(submit, rows[0]):
            yield Violation("S1 no loss", submit.nonce, "over, nothing is owed any more, and no receipt was taken")


def no_invention(index: Index) -> Iterable[Violation]:
    """S2: carriers saw only what was submitted, and nothing of what was refused; the store likewise."""
    nonces = index.sends.keys() | index.refusals.keys() | index.rows.keys()
    for nonce in nonces:
        submit = index.submits.get(nonce)
        if submit is None:
            yield Violation("S2 no invention", nonce, "nobody submitted it")
        elif submit.reply is Reply.FAIL:
            if index.sends[nonce] or index.refusals[nonce]:
                yield Violation("S2 no invention", nonce, f"refused with {submit.command_status:#x}, and sent")
            for row in index.rows[nonce]:
                if row.is_live or row.state != DELETED or index.receipts[row.message_id]:
                    yield Violation("S2 no invention", nonce, f"refused with {submit.command_status:#x}, and stored")
    known = {row.message_id for row in index.history.store.messages}
    for message_id in index.receipts.keys() - known:
        yield Violation("S2 no invention", message_id, "a receipt for a message that the store does not know")


def whole_or_absent(index: Index) -> Iterable[Violation]:
    """S3: what was never answered is there with all that belongs to it, or not at all."""
    for submit in index.submits.values():
        is_absent = submit.reply is Reply.INFO and not index.rows[submit.nonce]
        if is_absent and (index.sends[submit.nonce] or index.refusals[submit.nonce]):
            yield Violation("S3 whole or absent", submit.nonce, "sent, and not in the store")


def unique_ids(index: Index) -> Iterable[Violation]:
    """S4: an id names one message, the one that it was given to; a message has one row."""
    nonce_of: dict[str, str] = {}
    for row in index.history.store.messages:
        if nonce_of.setdefault(row.message_id, row.nonce) != row.nonce:
            yield Violation("S4 unique ids", row.message_id, f"names {nonce_of[row.message_id]} and {row.nonce}")
    owner_of: dict[str, str] = {}
    for submit in index.acknowledged:
        if owner_of.setdefault(submit.message_id, submit.nonce) != submit.nonce:
            yield Violation("S4 unique ids", submit.message_id, "was given to two submits")
        if nonce_of.get(submit.message_id, submit.nonce) != submit.nonce:
            yield Violation(
                "S4 unique ids", submit.message_id, f"was given to {submit.nonce}, the store says otherwise"
            )
    for nonce, rows in index.rows.items():
        if len(rows) > 1:
            yield Violation("S4 unique ids", nonce, f"has {len(rows)} rows")
