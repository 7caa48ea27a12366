"""Message ids in their three forms: made, taken apart, and nothing else accepted."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.model.ids import COPIES_MAX, MessageIds, NamedRange, format_message_id, format_short_id, named_range

SEQS = st.integers(1, 2**62)
SUFFIXES = st.integers(0, 2**32 - 1)


@given(SEQS, SUFFIXES)
def test_an_id_names_its_message(seq: int, suffix: int) -> None:
    """Sixteen digits or more, whatever was last given out."""
    message_id = format_message_id(seq, suffix)
    assert re.fullmatch("[0-9a-f]{16,24}", message_id)
    assert named_range(message_id, 0) == NamedRange(seq, 1)


@given(SEQS, SUFFIXES, st.integers(0, 2**32 - 1))
def test_a_short_id_names_its_message_while_few_came_after(seq: int, suffix: int, later: int) -> None:
    """Eight letters and digits; found as long as fewer than 2**32 messages followed."""
    message_id = format_short_id(seq, suffix)
    assert re.fullmatch("[0-9A-Za-z]{8}", message_id)
    assert named_range(message_id, seq + later) == NamedRange(seq, COPIES_MAX)


@given(st.text(max_size=30))
def test_what_is_no_id_names_nothing_else(text: str) -> None:
    """Any text is refused, or is the one way to write what it names."""
    named = named_range(text, 1_000)
    if named is not None and len(text) != 8:
        more = "" if named.copies == 1 else f"m{named.copies - 1:02x}"
        assert text == format_message_id(named.seq, int(text.partition("m")[0][-8:], 16)) + more


@pytest.mark.parametrize(
    "text",
    ["", "-0000001", "zzzzzzzz", "0000000000000000", "00000001000000aG", "0000000100000001m", "0000000100000001mFE",
     "0000000100000001mffff", "0000000100000001m000", "0000000100000001m1", "é000000100000001"],
)  # fmt: skip
def test_near_misses_are_no_ids(text: str) -> None:
    """Capital letters, empty and overlong counts, foreign characters, seq 0."""
    assert named_range(text, 1_000) is None


@pytest.mark.parametrize("short", [False, True])
@given(before=st.integers(0, 2**40), count=st.integers(1, 1_000))
def test_copies_have_consecutive_seqs_and_one_id(short: bool, before: int, count: int) -> None:
    """The id names all of them, and the next message comes after the last."""
    ids = MessageIds(before, os.urandom)
    taken = ids.take_copies(count, short=short)
    assert [seq for seq, _ in taken] == list(range(before + 1, before + count + 1))
    (message_id,) = {message_id for _, message_id in taken}
    assert ids.last_seq == before + count
    named = named_range(message_id, ids.last_seq)
    assert named == NamedRange(before + 1, COPIES_MAX if short else count)
    assert len(message_id) <= (8 if short else 28)


@pytest.mark.parametrize("short", [False, True])
def test_ids_do_not_repeat(short: bool) -> None:
    """Batches follow one another without a gap."""
    ids = MessageIds(0, os.urandom)
    take = ids.take_short if short else ids.take
    taken = take(500) + take(500)
    assert [seq for seq, _ in taken] == list(range(1, 1_001))
    assert len({message_id for _, message_id in taken}) == 1_000
