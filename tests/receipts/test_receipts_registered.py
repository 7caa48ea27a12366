"""registered_delivery over all its values and all states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.model import FINAL_STATES, MessageState
from smsagg.receipts.registered import SUCCESS, wants_intermediate, wants_receipt

ANY = st.integers(0, 255)


@pytest.mark.parametrize("other_bits", [0x00, 0x04, 0x10, 0xFC])
@pytest.mark.parametrize("state", list(MessageState))
def test_the_two_lowest_bits_decide(other_bits: int, state: MessageState) -> None:
    """None, every final state, failures only, success only; other bits change nothing about that."""
    is_final, is_success = state in FINAL_STATES, state in SUCCESS
    owed = [wants_receipt(other_bits | bits, state) for bits in range(4)]
    assert owed == [False, is_final, is_final and not is_success, is_success]


@given(ANY)
def test_every_final_state_is_a_success_or_a_failure(registered_delivery: int) -> None:
    """Who asks for both kinds separately hears of each message exactly once."""
    for state in FINAL_STATES:
        assert wants_receipt(2, state) != wants_receipt(3, state)


@given(ANY)
def test_bit_four_asks_for_intermediate_notifications(registered_delivery: int) -> None:
    """Independently of the others."""
    assert wants_intermediate(registered_delivery) is bool(registered_delivery & 0x10)
