"""Lists of numbers: what is written is read again, and what is wrong is named by its line."""

from hypothesis import example, given
from hypothesis import strategies as st

from smsagg.config.csv_rows import FileProblems
from smsagg.consent import sender_key
from smsagg.consent.listing import header_line, list_lines, read_list
from smsagg.model.consent import ConsentKind, ConsentRecord

LIKE = ConsentRecord(ConsentKind.SUPPRESSION, "acme", "", "", 1_000, "import")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
RECORDS = st.builds(
    lambda number, sender, at, how, evidence: ConsentRecord(
        ConsentKind.SUPPRESSION, "acme", str(number), sender_key(sender), at, how, evidence
    ),
    st.integers(441_000_000_000, 449_999_999_999),
    st.sampled_from(["", "ACME", "60777"]),
    st.integers(0, 4_000_000_000_000),
    WORDS,
    WORDS,
)


def read(text: str) -> tuple[list[ConsentRecord], list[str]]:
    problems = FileProblems("list")
    return list(read_list(text.splitlines(keepends=True), LIKE, problems)), problems.lines


@example([ConsentRecord(ConsentKind.SUPPRESSION, "acme", "447700900123", "", 1_001, "x", "y")])
@given(st.lists(RECORDS, max_size=5))
def test_what_is_written_is_read_again(records: list[ConsentRecord]) -> None:
    """Commas, quotes and all."""
    assert read(header_line() + list_lines(records)) == (records, [])


def test_rows_that_are_wrong_are_named_and_left_out() -> None:
    """With their lines; what a row leaves out is as for all."""
    text = "number,at\n+44 7700 900123,\nnobody,\n447700900124,yesterday\n447700900125,2026-01-01T00:00:00Z\n"
    records, problems = read(text)
    assert [(one.number, one.at, one.how) for one in records] == [
        ("447700900123", 1_000, "import"),
        ("447700900125", 1_767_225_600_000, "import"),
    ]
    assert [line.split(": ")[0] for line in problems] == ["list:3", "list:4"]


def test_a_list_without_a_header_is_none() -> None:
    """Nothing of it is read."""
    records, problems = read("447700900123\n")
    assert records == []
    assert problems


def test_of_a_long_list_of_nonsense_the_first_problems_are_kept() -> None:
    """The others are counted: whoever sends such a list costs no memory by it."""
    problems = FileProblems("list", lines_max=3)
    assert list(read_list(["number\n", *["nobody\n"] * 1_000], LIKE, problems)) == []
    assert (problems.count, [line.partition(": ")[0] for line in problems.lines]) == (
        1_000,
        ["list:2", "list:3", "list:4"],
    )
