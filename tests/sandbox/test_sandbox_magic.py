"""What magic numbers promise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.carriers.magic_plan import reply_to
from smsagg.sandbox import MAGIC, Reply, magic_of
from smsagg.sandbox.magic import USUAL
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.gateway import make_message


def test_endings_are_three_digits_that_numbers_for_fiction_have() -> None:
    """From 100 to 199, so that +44 7700 900100 and +1 202 555 0100 have all of them; usual examples are not among
    them."""
    assert all(len(ending) == 3 and ending[0] == "1" and ending.isdigit() for ending in MAGIC)
    assert "123" not in MAGIC


def test_each_ending_means_something_else() -> None:
    """Two of them would be one too many."""
    assert len({magic.meaning for magic in MAGIC.values()}) == len(MAGIC)


@given(country=st.sampled_from(["44", "1", "84"]), number=st.from_regex(r"[1-9][0-9]{7}", fullmatch=True))
def test_any_number_means_something(country: str, number: str) -> None:
    """Of a magic ending what the table says, else it is delivered."""
    assert magic_of(country + number) is MAGIC.get(number[-3:], USUAL)


@given(ending=st.sampled_from(sorted(MAGIC)), early=st.floats(0, 1e6), later=st.floats(0, 1e6))
def test_what_is_taken_once_is_taken_from_then_on(ending: str, early: float, later: float) -> None:
    """A carrier that took a message does not refuse it when it is sent again."""
    magic = MAGIC[ending]
    if magic.answer(early) == ESME_ROK:
        assert magic.answer(early + later) == ESME_ROK


@pytest.mark.parametrize("magic", MAGIC.values(), ids=MAGIC)
def test_only_one_thing_happens_to_a_message(magic: object) -> None:
    """What is not taken in, or never by the carrier, has no other fate."""
    assert isinstance(magic, type(USUAL))
    is_lost = magic.refusal is not None or (magic.command_status != ESME_ROK and magic.refused_for_s is None)
    if is_lost:
        assert (magic.state, magic.cause, magic.reply) == (USUAL.state, USUAL.cause, None)


def test_an_echo_is_as_what_it_echoes() -> None:
    """A part of a long text keeps its header, so that the parts can be put together again."""
    part = make_message(0, body=bytes.fromhex("050003070201") + b"hello", esm_class=UDHI, data_coding=0)
    echo = reply_to(part, Reply.ECHO)
    assert (echo.body, echo.esm_class, echo.data_coding) == (part.body, UDHI, 0)
    assert reply_to(part, Reply.STOP).body == b"STOP"
