"""S7, S10: copies, each with a fault between it and the one before, and no fault with more than the windows it cut."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from tools.chaos.checker.handset import received
from tools.chaos.checker.index import Index
from tools.chaos.checker.states import wants_receipt
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import ClientMo, Fault
from tools.chaos.wire import ESME_ROK


def bounded_copies(index: Index) -> Iterable[Violation]:
    """S7: copies at carriers, each by a fault, within the windows that it cut; never for at most once."""
    for nonce, sends in index.sends.items():
        submit = index.submits.get(nonce)
        if len(sends) > 1 and submit is not None and submit.at_most_once:
            yield Violation("S7 duplicate bound", nonce, f"at most once, and sent {len(sends)} times")
    charges, unexplained = charge_copies(index)
    for nonce in unexplained:
        yield Violation("S7 duplicate bound", nonce, "sent again without a fault between")
    yield from _over_bound("S7 duplicate bound", charges, index.faults, lambda fault: fault.copies_max)


def bounded_receipts(index: Index) -> Iterable[Violation]:
    """S10: copies of a receipt, each by a fault, within the windows that it cut; identical; none that was not asked."""
    charges, unexplained = charge_receipts(index)
    for message_id in unexplained:
        yield Violation("S10 receipts", message_id, "reported again without a fault between")
    yield from _over_bound("S10 receipts", charges, index.faults, lambda fault: fault.receipts_max)
    for message_id, receipts in index.receipts.items():
        if len({receipt.text for receipt in receipts}) > 1:
            yield Violation("S10 receipts", message_id, "copies differ")
    for submit in index.acknowledged:
        receipts = index.receipts.get(submit.message_id, [])
        if any(not wants_receipt(submit, receipt.state) for receipt in receipts):
            yield Violation("S10 receipts", submit.nonce, "reported, and nobody asked")
        if any(receipt.account != submit.account for receipt in receipts):
            yield Violation("S13 isolation", submit.nonce, "reported to another account")


def charge_copies(index: Index) -> tuple[Counter[int], list[str]]:
    """Copies at carriers by fault (its place in time), and the nonces of copies that no fault explains."""
    unexplained: list[str] = []
    excuses: list[Sequence[int]] = []
    for nonce, sends in index.sends.items():
        for earlier, later in pairwise(sends):
            places = _faults_between(index.faults, earlier.at, later.at, lambda fault: fault.copies_max)
            if places:
                excuses.append(places)
            else:
                unexplained.append(nonce)
    return _shared_out(excuses, index.faults, lambda fault: fault.copies_max), unexplained


def charge_receipts(index: Index) -> tuple[Counter[int], list[str]]:
    """Copies of receipts and handsets' texts by fault, and the ids and texts of copies that nothing explains.

    A copy that the client asked for, by answering "again later", needs no fault.
    """
    unexplained: list[str] = []
    excuses: list[Sequence[int]] = []
    for message_id, receipts in index.receipts.items():
        for earlier, later in pairwise(receipts):
            if earlier.answer != ESME_ROK:
                continue
            places = _faults_between(index.faults, earlier.at, later.at, lambda fault: fault.receipts_max)
            if places:
                excuses.append(places)
            else:
                unexplained.append(message_id)
    charges = _shared_out(excuses, index.faults, lambda fault: fault.receipts_max)
    for text, (texts, sends) in received(index).items():
        unexplained += [text] * _charge_texts(index, texts, sends, charges)
    return charges, unexplained


def _charge_texts(index: Index, texts: Sequence[ClientMo], sends: int, charges: Counter[int]) -> int:
    """How many of the copies of a handset's text nothing explains; the others are charged.

    What the carrier brought again is another message, since nothing tells that it is the same. So there may be as many
    series as it was sent; within each a copy has a fault, or the client's own word, between it and the one before.
    """
    unexplained = 0
    last_of: list[ClientMo] = []
    for mo in texts:
        for series, last in enumerate(last_of):
            places = _faults_between(index.faults, last.at, mo.at, lambda fault: fault.receipts_max)
            if last.answer != ESME_ROK or places:
                if last.answer == ESME_ROK:
                    charges[places[0]] += 1
                last_of[series] = mo
                break
        else:
            if len(last_of) < max(sends, 1):
                last_of.append(mo)
            else:
                unexplained += 1
    return unexplained


def _faults_between(
    faults: Sequence[Fault], earlier_at: float, later_at: float, bound: Callable[[Fault], int]
) -> Sequence[int]:
    """The faults that allow copies at all and were not over before the earlier nor begun after the later."""
    return [
        place
        for place, fault in enumerate(faults)
        if bound(fault) and fault.ended_at >= earlier_at and fault.began_at <= later_at
    ]


def _shared_out(
    excuses: Iterable[Sequence[int]], faults: Sequence[Fault], bound: Callable[[Fault], int]
) -> Counter[int]:
    """How many copies each fault is charged with.

    What only one fault explains is charged to it; what several do, to the first that has room, since a message that was
    at hand at one death may be sent again only after the next.
    """
    charges: Counter[int] = Counter()
    for places in sorted(excuses, key=lambda places: (len(places), places)):
        charges[next((place for place in places if charges[place] < bound(faults[place])), places[0])] += 1
    return charges


def _over_bound(
    invariant: str, charges: Counter[int], faults: Sequence[Fault], bound: Callable[[Fault], int]
) -> Iterable[Violation]:
    for place, copies in charges.items():
        fault = faults[place]
        if copies > bound(fault):
            yield Violation(invariant, f"{fault.kind} {fault.target}", f"{copies} copies, at most {bound(fault)}")
