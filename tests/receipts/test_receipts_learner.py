"""The rule by which a carrier's receipts name messages, found from those that match nothing."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipt_messages import message

from smsagg.model import Message
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.learner import (
    LEARNABLE,
    PAIRS_MIN,
    REST,
    WINDOW,
    IdLearner,
    config_of,
    messages_named,
    resp_spellings,
)

LOWER, ZEROS, LOWER_ZEROS, HEX_RESP, HEX_RECEIPT = LEARNABLE


def awaiting(ids: Sequence[str]) -> dict[str, Message]:
    return {one: message(seq=seq, carrier="alpha", carrier_message_id=one) for seq, one in enumerate(ids, 1)}


def learn(pairs: Sequence[tuple[str, str]], matched: int = 0) -> IdDialect | None:
    """What is learned from receipts for messages that await them under other spellings."""
    find = awaiting([resp for resp, _ in pairs]).get
    learner = IdLearner()
    for _, receipt_id in pairs:
        rule = learner.missed(receipt_id, matched, find)
        if rule is not None:
            return rule
    return None


RNG = Random(1)
NUMBERS = [RNG.randrange(1 << 28, 1 << 32) for _ in range(PAIRS_MIN)]


@pytest.mark.parametrize(
    ("resp", "receipt", "rule"),
    [
        (lambda n: f"{n:X}", lambda n: f"{n:x}", LOWER),
        (lambda n: f"ab-{n:X}-CD".lower(), lambda n: f"ab-{n:X}-CD".upper(), LOWER),
        (lambda n: f"{n:012d}", lambda n: f"{n}", ZEROS),
        (lambda n: f"{n}", lambda n: f"{n:020d}", ZEROS),
        (lambda n: f"0{n:x}", lambda n: f"{n:X}", LOWER_ZEROS),
        (lambda n: f"{n:X}", lambda n: f"{n}", HEX_RESP),
        (lambda n: f"{n:010x}", lambda n: f"{n:012d}", HEX_RESP),
        (lambda n: f"{n}", lambda n: f"{n:x}", HEX_RECEIPT),
        (lambda n: f"{n:015d}", lambda n: f"{n:08X}", HEX_RECEIPT),
    ],
)
def test_rules_of_carriers(resp: Callable[[int], str], receipt: Callable[[int], str], rule: IdDialect) -> None:
    """Case, zeros, and hexadecimal in one place and decimal in the other (D02): after enough pairs and not before."""
    pairs = [(resp(n), receipt(n)) for n in NUMBERS]
    assert learn(pairs) == rule
    assert learn(pairs[:-1]) is None


def test_nothing_is_learned_of_receipts_that_match() -> None:
    """A carrier whose configured rule works keeps it, whatever foreign receipts come beside."""
    pairs = [(f"{n:X}", f"{n}") for n in NUMBERS]
    find = awaiting([resp for resp, _ in pairs]).get
    learner = IdLearner()
    assert not any(learner.missed(receipt, 10 * seen, find) for seen, (_, receipt) in enumerate(pairs))
    assert learner.evidence[HEX_RESP] == PAIRS_MIN


def test_nothing_is_learned_when_much_stays_unexplained() -> None:
    """Nine in ten is the least."""
    foreign = [(f"x{n}", f"y{n}") for n in range(PAIRS_MIN // 4)]
    assert learn([*foreign, *((f"{n:X}", f"{n}") for n in NUMBERS)]) is None


def test_one_receipt_many_times_is_one_piece_of_evidence() -> None:
    """However often a carrier repeats it."""
    n = NUMBERS[0]
    assert learn([(f"{n:X}", f"{n}")] * 100) is None


def test_ambiguous_receipts_prove_nothing() -> None:
    """Two messages that differ by what a rule ignores, and receipts that two rules explain in two ways."""
    twins = awaiting([spelling for n in NUMBERS for spelling in (f"{n}", f"0{n}")])
    learner = IdLearner()
    assert not any(learner.missed(f"00{n}", 0, twins.get) for n in NUMBERS)
    assert learner.evidence == {}
    decimal = [f"{n:x}" for n in range(16, 16 + 2 * PAIRS_MIN)]
    dense = awaiting([*decimal, *(f"{int(d)}" for d in decimal if d.isdecimal()), *(f"{int(d, 16)}" for d in decimal)])
    learner = IdLearner()
    assert not any(learner.missed(f"00{d}", 0, dense.get) for d in decimal)


def test_a_rule_that_gives_two_receipts_to_one_message_is_out() -> None:
    """It cannot be the carrier's."""
    find = awaiting([f"{n:X}" for n in NUMBERS]).get
    learner = IdLearner()
    for n in NUMBERS[:-1]:
        learner.missed(f"{n}", 0, find)
    learner.missed(f"0{NUMBERS[0]}", 0, find)
    assert HEX_RESP not in learner.evidence
    assert learner.missed(f"{NUMBERS[-1]}", 0, find) is None


def test_what_shows_nothing_is_not_looked_at_for_ever() -> None:
    """After a window of vain receipts it rests, then begins anew."""
    calls = 0

    def find(_: str) -> Message | None:
        nonlocal calls
        calls += 1
        return None

    learner = IdLearner()
    for n in range(WINDOW):
        learner.missed(f"y{n}", 0, find)
    before = calls
    for n in range(REST):
        learner.missed(f"z{n}", 0, find)
    assert calls == before
    pairs = [(f"{n:X}", f"{n}") for n in NUMBERS]
    table = awaiting([resp for resp, _ in pairs])
    assert [learner.missed(receipt, 0, table.get) for _, receipt in pairs][-1] == HEX_RESP


@given(st.sampled_from(LEARNABLE), st.text("0123456789abcdefABCDEF-x", max_size=22))
def test_spellings_are_equal_under_their_rule(rule: IdDialect, receipt_id: str) -> None:
    """Each is an id that the rule holds for the same, and there are few."""
    spellings = resp_spellings(rule, receipt_id)
    assert len(spellings) <= 3 * 22
    assert {rule.of_submit_sm_resp(one) for one in spellings} <= {rule.of_receipt(receipt_id)}


@given(st.sampled_from(LEARNABLE), st.integers(0, 2**63), st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_what_carriers_write_is_among_the_spellings(
    rule: IdDialect, n: int, resp_width: int, receipt_width: int, upper: bool
) -> None:
    """Numbers of any width in either base and case, as far as the rule allows them to differ."""
    resp = f"{n:x}" if rule.submit_sm_resp != "as_is" or rule.letter_case == "lower" else f"{n}"
    receipt = f"{n:x}" if rule.receipt != "as_is" or rule.letter_case == "lower" else f"{n}"
    if upper:
        resp = resp.upper()
    if rule.strip_zeros:
        resp, receipt = resp.zfill(resp_width), receipt.zfill(receipt_width)
    assert resp in resp_spellings(rule, receipt)


@given(
    st.sampled_from(LEARNABLE),
    st.lists(st.text("0123456789abAB", min_size=1, max_size=6), unique=True, max_size=30),
    st.text("0123456789abAB", min_size=1, max_size=6),
)
def test_named_messages_are_those_that_are_equal(rule: IdDialect, ids: list[str], receipt_id: str) -> None:
    """None is found that the rule would not hold for the same, and none in one case is left out."""
    found = {m.carrier_message_id for m in messages_named(rule, receipt_id, awaiting(ids).get)}
    equal = {one for one in ids if rule.of_submit_sm_resp(one) == rule.of_receipt(receipt_id)}
    assert found <= equal
    assert {one for one in equal if one in (one.lower(), one.upper())} == found


def test_rules_as_configuration() -> None:
    """The keys of the carrier's table."""
    assert config_of(HEX_RESP) == 'resp_id = "hex_to_decimal"\nid_strip_zeros = true'
    assert config_of(LOWER) == 'id_case = "lower"'
