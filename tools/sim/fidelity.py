"""S18: what reaches a carrier is what was submitted, in parts or whole."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from tools.chaos.checker import Violation
from tools.chaos.wire import ESME_ROK
from tools.sim.facts import Facts
from tools.sim.log import Attempt, Sent
from tools.sim.scenario import SOURCE
from tools.sim.texts import destination_of, digits_of, nonce_of, version_in

PARTS_MAX = 100
"""More parts than this no text has; where fewer may wait for each other, or not at all, they need not go together."""
TAKES = {
    "as_is": ("udh", "udh16", "sar", None),
    "payload": ("udh", "udh16", "sar", None),
    "udh": ("udh", None),
    "udh16": ("udh16", None),
    "sar": ("sar", None),
}
"""The forms in which parts come to a carrier that wants long messages in this one."""


def as_submitted(facts: Facts) -> Iterable[Violation]:
    """S18: text, destination and user_message_reference of each attempt are those of its submit."""
    submits = {submit.nonce: submit for submit in facts.log.sent}
    for attempt in facts.log.history.carrier_submits:
        assert isinstance(attempt, Attempt)
        unknown = [nonce for nonce in attempt.nonces if nonce not in submits]
        if unknown:
            yield Violation("S2 no invention", unknown[0], f"came to {attempt.carrier}, and nobody submitted it")
            continue
        sent = [submits[nonce] for nonce in attempt.nonces]
        for problem in _problems(facts, attempt, sent):
            yield Violation("S18 fidelity", attempt.nonce, f"at {attempt.carrier}: {problem}")


def _problems(facts: Facts, attempt: Attempt, sent: list[Sent]) -> Iterable[str]:
    digits = {digits_of(to) for submit in sent for to in submit.planned.destinations}
    if attempt.destination not in digits:
        yield f"for {digits}, and sent to {attempt.destination}"
    senders = facts.scenario.config.accounts[sent[0].account].senders
    source = SOURCE if senders is None or SOURCE in (senders.allowed or ()) else senders.default
    if attempt.source != source:
        yield f"from {attempt.source}, and should be from {source}"
    if any(attempt.reference != submit.reference for submit in sent):
        yield f"another user_message_reference, {attempt.reference}"
    carriers = [
        config.carriers[attempt.carrier] for config in facts.scenario.all_configs if attempt.carrier in config.carriers
    ]
    forms = {carrier.settings.long_messages for carrier in carriers}
    if not any((attempt.part and attempt.part.form) in TAKES[form] for form in forms):
        yield f"takes {forms}, and got {attempt.part}"
    if len(sent) > 1:
        yield from _joined(attempt, sent)
    elif sent[0].planned.part is not None:
        yield from _part_of_customer(attempt, sent[0])
    elif attempt.part is not None:
        yield from _part_of_ours(attempt, sent[0])
    elif attempt.text != sent[0].text and not (sent[0].may_be_replaced and version_in(attempt.text)):
        yield f"another text, {attempt.text!r}"


def _joined(attempt: Attempt, sent: list[Sent]) -> Iterable[str]:
    parts = [submit.planned.part for submit in sent]
    numbers = [part.number for part in parts if part is not None]
    if attempt.part is not None or numbers != list(range(1, len(parts) + 1)):
        yield f"parts {numbers} came as one, which is {attempt.part}"
    if attempt.text != b"".join(submit.text for submit in sent):
        yield f"the text of all parts is another, {attempt.text!r}"


def _part_of_customer(attempt: Attempt, submit: Sent) -> Iterable[str]:
    was, part = submit.planned.part, attempt.part
    assert was is not None
    if part is None or (part.total, part.number) != (was.total, was.number) or part.reference != was.reference:
        yield f"was {was}, and is {part}"
    if attempt.text != submit.text:
        yield f"another text, {attempt.text!r}"


def _part_of_ours(attempt: Attempt, submit: Sent) -> Iterable[str]:
    assert attempt.part is not None
    if attempt.text not in submit.text:
        yield f"no part of what was submitted, {attempt.text!r}"


def whole_or_nothing(facts: Facts) -> Iterable[Violation]:
    """S3, S18: all messages of one submit are accepted in one transaction, and parts make up what was submitted."""
    accepted_in: dict[str, set[int]] = defaultdict(set)
    for unit, number in facts.tables.accepted_in.items():
        accepted_in[nonce_of(unit)].add(number)
    for nonce, numbers in accepted_in.items():
        if len(numbers) > 1:
            yield Violation("S3 whole or absent", nonce, f"was accepted in the transactions {sorted(numbers)}")
    texts: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
    references: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for unit, attempts in facts.attempts().items():
        for attempt in attempts:
            if "#" in unit and attempt.part is not None:
                key = nonce_of(unit), destination_of(unit)
                texts[key][attempt.part.number] = attempt.text
                references[key].add((attempt.part.reference & 0xFF, attempt.part.total))
    submits = {submit.nonce: submit for submit in facts.log.sent}
    for (nonce, destination), parts in texts.items():
        whole = b"".join(parts[number] for number in sorted(parts))
        [*others, (_, total)] = references[nonce, destination]
        if others:
            yield Violation("S18 fidelity", nonce, f"its parts say {references[nonce, destination]}")
        elif len(parts) == total and whole != submits[nonce].text:
            yield Violation("S18 fidelity", nonce, f"its parts make {whole!r}")


def parts_on_one_link(facts: Facts) -> Iterable[Violation]:
    """S18: where nothing goes wrong, parts that we cut go by one link, in order, one after the other."""
    config = facts.scenario.config.long_messages
    if not facts.scenario.is_fair or config.parts_waiting_max < PARTS_MAX or not config.parts_wait:
        return
    by_text: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in facts.log.history.carrier_submits:
        assert isinstance(attempt, Attempt)
        if attempt.part is not None and "-long" in attempt.nonce:
            by_text[attempt.nonce].append(attempt)
    for nonce, attempts in by_text.items():
        if any(attempt.command_status != ESME_ROK for attempt in attempts):
            continue
        if len({id(attempt.wire) for attempt in attempts}) > 1:
            yield Violation("S18 fidelity", nonce, f"its parts went to {[attempt.carrier for attempt in attempts]}")
        numbers = [attempt.part.number for attempt in attempts if attempt.part is not None]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            yield Violation("S18 fidelity", nonce, f"its parts went in the order {numbers}")
