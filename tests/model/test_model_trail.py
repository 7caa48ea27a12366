"""The trail: what can be read is what was written, and it stays short."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.model.trail import (
    FIRST_KEPT,
    LINES_MAX,
    TrailLine,
    read_trail,
    with_attempt,
    with_late_outcome,
    with_outcome,
)

WORDS = st.text(st.characters(blacklist_characters="|\n", blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)


@given(st.lists(st.tuples(st.integers(0, 10**9), WORDS, WORDS, WORDS | st.just("")), max_size=30))
def test_what_was_written_is_read(attempts: list[tuple[int, str, str, str]]) -> None:
    """The first and the last lines of it, when there are many."""
    trail = ""
    for after_ms, link, reason, outcome in attempts:
        trail = with_attempt(trail, after_ms, f"{link}|{reason}")
        if outcome:
            trail = with_outcome(trail, outcome)
    expected = [TrailLine(*attempt) for attempt in attempts]
    if len(expected) > LINES_MAX:
        expected[FIRST_KEPT : len(expected) - LINES_MAX + FIRST_KEPT] = []
    assert read_trail(trail) == expected


def test_an_outcome_that_came_late_is_said_of_its_attempt() -> None:
    """The latest one on that link, though others followed."""
    trail = with_outcome(with_attempt("", 0, "alpha/1|first"), "in doubt, no answer")
    trail = with_attempt(trail, 2_000, "beta/1|next")
    trail = with_late_outcome(trail, "alpha/1", "accepted late")
    assert [(line.link, line.outcome) for line in read_trail(trail)] == [
        ("alpha/1", "in doubt, no answer, then accepted late"),
        ("beta/1", ""),
    ]
    assert with_late_outcome(trail, "gamma/1", "accepted late") == trail
    assert with_late_outcome("", "gamma/1", "accepted late") == ""


def test_what_is_no_trail_reads_as_nothing() -> None:
    """And an outcome without an attempt is none."""
    assert read_trail("") == []
    assert read_trail("nonsense\n|||\n12|only") == []
    assert with_outcome("", "accepted") == ""
