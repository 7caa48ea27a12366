"""S2, S12, S13, S18 for messages from handsets: kept once taken, to the owner of the number, unchanged."""

from collections import defaultdict
from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import AGAIN
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import CarrierMo, ClientMo
from tools.chaos.wire import ESME_ROK


def handset_messages_kept(index: Index) -> Iterable[Violation]:
    """S12: what was answered ESME_ROK to a carrier has been taken by an account, or is owed to it still."""
    taken = {mo.text for mo in index.history.client_mo if mo.answer not in AGAIN}
    owed = set(index.history.store.owed_mo)
    for mo in index.history.carrier_mo:
        if mo.answer == ESME_ROK and mo.text not in taken and mo.text not in owed:
            yield Violation("S12 receipts kept", mo.text, f"was taken from {mo.carrier}, and nobody has it")


def handset_messages_to_their_owner(index: Index) -> Iterable[Violation]:
    """S2, S13, S18: nobody hears of what no handset wrote, or wrote to another, or wrote otherwise."""
    written: dict[str, CarrierMo] = {mo.text: mo for mo in index.history.carrier_mo if mo.answer is None}
    owners = index.history.rules.mo_owner
    for mo in index.history.client_mo:
        source = written.get(mo.text)
        if source is None:
            yield Violation("S2 no invention", mo.text, "no handset wrote it")
        elif owners.get(source.destination) != mo.account:
            yield Violation("S13 isolation", mo.text, f"was written to {source.destination}, and {mo.account} has it")
        elif (mo.source, mo.destination) != (source.source, source.destination):
            yield Violation("S18 fidelity", mo.text, f"came from {mo.source} to {mo.destination}")
    for mo_sent in index.history.carrier_mo:
        if mo_sent.answer not in (None, *AGAIN, ESME_ROK) and mo_sent.destination in owners:
            yield Violation("S12 receipts kept", mo_sent.text, f"was refused for good with {mo_sent.answer:#x}")


def received(index: Index) -> dict[str, tuple[list[ClientMo], int]]:
    """By text, what accounts received in order of time, and how often carriers sent it."""
    sends: dict[str, int] = defaultdict(int)
    for sent in index.history.carrier_mo:
        sends[sent.text] += sent.answer is None
    texts: dict[str, list[ClientMo]] = defaultdict(list)
    for mo in sorted(index.history.client_mo, key=lambda mo: mo.at):
        texts[mo.text].append(mo)
    return {text: (of_text, sends[text]) for text, of_text in texts.items()}
