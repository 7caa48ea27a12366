"""Receipts that matched nothing, tried by another rule."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.rematch import Rematch, Unmatched, digits_of

HEX_RESP = IdDialect(submit_sm_resp="hex_to_decimal")
LOWER = IdDialect(letter_case="lower")


def test_one_id_of_several_messages_is_one_id() -> None:
    """Parts that a carrier took as one share it."""
    rematch = Rematch(HEX_RESP, [Unmatched("171", "171", "")])
    rematch.offer([("AB", "1"), ("AB", "2"), ("", "3")])
    assert rematch.result().matches == {"171": "AB"}


def test_the_number_decides_where_ids_do_not() -> None:
    """However it is written; a number that nobody has decides nothing."""
    receipts = [Unmatched("a", "171", "+4477"), Unmatched("b", "171", "0044 x"), Unmatched("c", "171", "")]
    rematch = Rematch(HEX_RESP, receipts)
    rematch.offer([("AB", "004477"), ("ab", "4478")])
    result = rematch.result()
    assert (result.matches, result.ambiguous, result.unmatched) == ({"a": "AB"}, ["b", "c"], [])


@given(
    st.lists(st.text("aAbB", min_size=1, max_size=2), max_size=8),
    st.lists(st.text("aAbB", min_size=1, max_size=2), unique=True, max_size=8),
)
def test_a_match_is_the_only_equal_id(ids: list[str], receipts: list[str]) -> None:
    """Never one of several, never one that the rule does not hold for the same."""
    rematch = Rematch(LOWER, [Unmatched(one, one, "") for one in receipts])
    rematch.offer([(one, "1") for one in ids])
    result = rematch.result()
    for receipt in receipts:
        equal = {one for one in ids if one.lower() == receipt.lower()}
        assert result.matches.get(receipt) == (equal.pop() if len(equal) == 1 else None)


def test_ways_to_write_a_number() -> None:
    """Plus and international prefix do not count."""
    assert digits_of("+4477") == digits_of("004477") == digits_of("4477")
