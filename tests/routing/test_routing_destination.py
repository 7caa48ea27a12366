"""Destinations become E.164 digits or a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.destination import BadDestination, e164_digits


@pytest.mark.parametrize("addr", ["447911123456", "+447911123456", "00447911123456"])
@pytest.mark.parametrize("ton", [0, 1])
@pytest.mark.parametrize("npi", [0, 1, 8, 9])
def test_the_ways_to_write_one_number(addr: str, ton: int, npi: int) -> None:
    """Plus, double zero or bare, international or unknown: the same number."""
    assert e164_digits(addr, ton, npi) == "447911123456"


@pytest.mark.parametrize(
    ("addr", "ton", "npi", "reason"),
    [
        ("", 1, 1, BadDestination.EMPTY),
        ("+", 1, 1, BadDestination.NOT_DIGITS),
        ("ACME", 1, 1, BadDestination.NOT_DIGITS),
        ("44 7911 123456", 1, 1, BadDestination.NOT_DIGITS),
        ("+٤٤٧٩١١١٢٣٤٥٦", 1, 1, BadDestination.NOT_DIGITS),
        ("4479111²3456", 1, 1, BadDestination.NOT_DIGITS),
        ("++447911123456", 1, 1, BadDestination.NOT_DIGITS),
        ("12345", 0, 0, BadDestination.TOO_SHORT),
        ("4479111234567890", 1, 1, BadDestination.TOO_LONG),
        ("07911123456", 0, 1, BadDestination.NATIONAL),
        ("+07911123456", 1, 1, BadDestination.NATIONAL),
        ("0000447911123", 1, 1, BadDestination.NATIONAL),
        ("7911123456", 2, 1, BadDestination.TON),
        ("447911123456", 3, 1, BadDestination.TON),
        ("62662", 6, 1, BadDestination.TON),
        ("447911123456", 5, 0, BadDestination.TON),
        ("447911123456", 1, 14, BadDestination.NPI),
        ("447911123456", 1, 6, BadDestination.NPI),
    ],
)
def test_what_is_refused_and_why(addr: str, ton: int, npi: int, reason: BadDestination) -> None:
    """Each refusal names its reason."""
    assert e164_digits(addr, ton, npi) is reason


@given(st.one_of(st.text(max_size=24), st.text("0123456789+", max_size=18)), st.integers(0, 255), st.integers(0, 255))
def test_the_answer_is_always_a_number_or_a_reason(addr: str, ton: int, npi: int) -> None:
    """Whatever comes in, what goes out as a number can be looked up and dialled."""
    answer = e164_digits(addr, ton, npi)
    if not isinstance(answer, BadDestination):
        assert 7 <= len(answer) <= 15
        assert set(answer) <= set("0123456789")
        assert answer[0] != "0"
        assert addr.endswith(answer)
