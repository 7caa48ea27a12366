"""S18: what arrives is what was submitted, but for what is documented to change."""

from collections.abc import Iterable

from attrs import evolve, fields

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.wire import Content

S18 = "S18 fidelity"
TON_INTERNATIONAL = NPI_ISDN = 1
FINAL_RECEIPT = 0x01


def arrives_as_submitted(index: Index) -> Iterable[Violation]:
    """S18: every attempt says what its submit_sm said."""
    for nonce, attempts in index.attempts.items():
        submit = index.submits.get(nonce)
        if submit is None or submit.content is None:
            continue
        expected = as_sent_on(submit.content)
        for attempt in attempts:
            if attempt.content is not None and attempt.content != expected:
                yield Violation(S18, nonce, f"at {attempt.carrier}: {_difference(expected, attempt.content)}")


def receipts_name_their_message(index: Index) -> Iterable[Violation]:
    """S18, S14: a receipt comes from the number that the message went to, to the address that it came from."""
    for submit in index.acknowledged:
        if submit.content is None:
            continue
        wanted = (submit.content.destination_addr, submit.content.source_addr)
        for receipt in index.receipts.get(submit.message_id, ()):
            if receipt.account == submit.account and (receipt.source, receipt.destination) != wanted:
                yield Violation(S18, submit.nonce, f"its receipt went from {receipt.source} to {receipt.destination}")


def as_sent_on(content: Content) -> Content:
    """The destination as international digits, and every carrier asked for a receipt; all else unchanged."""
    digits = content.destination_addr.removeprefix("+").removeprefix("00")
    return evolve(
        content,
        dest_addr_ton=TON_INTERNATIONAL,
        dest_addr_npi=NPI_ISDN,
        destination_addr=digits,
        registered_delivery=FINAL_RECEIPT,
    )


def _difference(expected: Content, arrived: Content) -> str:
    names = [field.name for field in fields(Content)]
    differing = [name for name in names if getattr(expected, name) != getattr(arrived, name)]
    return ", ".join(f"{name} {getattr(arrived, name)!r}, not {getattr(expected, name)!r}" for name in differing)
