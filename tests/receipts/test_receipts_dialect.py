"""Message ids in carriers' dialects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.receipts.dialect import AS_IS, ID_OCTETS_MAX, IdDialect, decimal_to_hex, hex_to_decimal

UUID = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"


@pytest.mark.parametrize(
    ("dialect", "answered", "reported"),
    [
        (AS_IS, "abc-1", "abc-1"),
        (IdDialect(letter_case="lower", strip_zeros=True), "0e999f21", "E999F21"),
        (IdDialect(submit_sm_resp="hex_to_decimal"), "10C8F40D", "281605133"),
        (IdDialect(receipt="hex_to_decimal"), "281605133", "10c8f40d"),
        (IdDialect(receipt="decimal_to_hex", letter_case="upper"), "10C8F40D", "281605133"),
        (IdDialect(submit_sm_resp="hex_to_decimal", strip_zeros=True), "0010C8F40D", "0281605133"),
        (IdDialect(strip_zeros=True), "0913121205", "913121205"),
        (IdDialect(strip_zeros=True), "0000", "0"),
        (IdDialect(receipt="hex_to_decimal", submit_sm_resp="hex_to_decimal"), UUID, UUID),
    ],
)
def test_the_two_ids_of_one_message_meet(dialect: IdDialect, answered: str, reported: str) -> None:
    """What submit_sm_resp said and what the receipt says become equal."""
    assert dialect.of_submit_sm_resp(answered) == dialect.of_receipt(reported)


@pytest.mark.parametrize(
    ("one", "other"), [("0123", "123"), ("abc", "ABC"), ("10", "16"), ("10", "a"), ("1 ", "1"), (UUID, UUID.lower())]
)
def test_nothing_is_guessed(one: str, other: str) -> None:
    """Without a dialect different ids are different."""
    assert AS_IS.of_submit_sm_resp(one) != AS_IS.of_receipt(other)


@pytest.mark.parametrize("odd", ["1_000", "+7", "-7", " 7", "7 ", "0x10", "١٢", "²", "９", "", "g", "9" * 64, UUID])
@pytest.mark.parametrize("convert", [hex_to_decimal, decimal_to_hex])
def test_what_is_no_number_stays_as_it_is(odd: str, convert: object) -> None:
    """Only ASCII digits count, and only so many: Python's ``int`` would take some of these."""
    assert convert(odd) == odd  # type: ignore[operator]


def test_an_id_longer_than_an_id_may_be_is_none() -> None:
    """65 octets are taken, 66 are not."""
    for dialect in (AS_IS, IdDialect(receipt="hex_to_decimal", strip_zeros=True)):
        assert len(dialect.of_receipt("g" * ID_OCTETS_MAX)) == ID_OCTETS_MAX
        assert dialect.of_receipt("g" * (ID_OCTETS_MAX + 1)) == ""


@given(st.integers(0, 16**32 - 1))
def test_conversions_are_inverse(number: int) -> None:
    """Over the whole range that is converted, hexadecimal side first."""
    if number < 10**32:
        assert hex_to_decimal(decimal_to_hex(str(number))) == str(number)
    assert hex_to_decimal(f"{number:X}") == str(number)


@given(
    st.text(max_size=70),
    st.builds(
        IdDialect,
        st.sampled_from(["as_is", "hex_to_decimal", "decimal_to_hex"]),
        st.sampled_from(["as_is", "hex_to_decimal", "decimal_to_hex"]),
        st.sampled_from(["keep", "lower", "upper"]),
        st.booleans(),
    ),
)
def test_no_id_breaks_a_dialect(message_id: str, dialect: IdDialect) -> None:
    """And an id that there is does not vanish."""
    for normalised in (dialect.of_receipt(message_id), dialect.of_submit_sm_resp(message_id)):
        assert bool(normalised) == (0 < len(message_id) <= ID_OCTETS_MAX)


@pytest.mark.parametrize("wrong", [{"receipt": "octal"}, {"submit_sm_resp": ""}, {"letter_case": "title"}])
def test_an_unknown_word_is_refused(wrong: dict[str, str]) -> None:
    """When the configuration is read, not when the first receipt comes."""
    with pytest.raises(ValueError, match="unknown"):
        IdDialect(**wrong)  # type: ignore[arg-type]
