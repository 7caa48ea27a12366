"""Strict reading of CSV data files."""

from pathlib import Path

from smsagg.config.csv_rows import CsvRow, FileProblems, parse_rows, read_text


def rows_of(text: str) -> tuple[list[CsvRow], list[str]]:
    problems = FileProblems("cards.csv")
    return parse_rows(text, ("prefix", "price"), ("note",), problems), problems.lines


def test_rows_have_their_lines_and_all_known_columns() -> None:
    """Comments and blank lines count as lines; a column that the file has not is empty."""
    rows, problems = rows_of("# made by hand\nprice, prefix\n\n0.01, 44\n# again\n0.02,84\n")
    assert problems == []
    assert [(row.line, row.values) for row in rows] == [
        (4, {"prefix": "44", "price": "0.01", "note": ""}),
        (6, {"prefix": "84", "price": "0.02", "note": ""}),
    ]


def test_every_wrong_row_is_told() -> None:
    """A row with too few or too many values is named by its line, and the others are read."""
    rows, problems = rows_of("prefix,price\n44\n84,0.02\n1,2,3\n")
    assert [row.line for row in rows] == [3]
    assert problems == [
        "cards.csv:2: has 1 values, and the header names 2 columns",
        "cards.csv:4: has 3 values, and the header names 2 columns",
    ]


def test_a_wrong_header_is_told_in_full() -> None:
    """Unknown, missing and doubled columns are named, and no row is read."""
    rows, problems = rows_of("prefix,prefix,cost\n44,44,1\n")
    assert rows == []
    assert problems == [
        'cards.csv:1: column "prefix" is named twice',
        'cards.csv:1: no column is called "cost"; there are prefix, price, note',
        'cards.csv:1: column "price" is missing',
    ]


def test_a_file_without_a_header_is_told() -> None:
    """Nothing at all is no table."""
    assert rows_of("\n# nothing\n") == ([], ["cards.csv: has no header; its columns are prefix, price"])


def test_broken_quotes_are_told_with_their_line() -> None:
    """A quote that never ends is named."""
    _, problems = rows_of('prefix,price\n44,"0.01\n')
    assert len(problems) == 1
    assert "is not CSV" in problems[0]


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """A file that is not there, and one that is not UTF-8; a byte order mark is no matter."""
    problems = FileProblems("x.csv")
    assert read_text(str(tmp_path / "none.csv"), problems) is None
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    assert read_text(str(tmp_path / "latin.csv"), problems) is None
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbfprefix")
    assert read_text(str(tmp_path / "marked.csv"), problems) == "prefix"
    assert problems.lines == [
        "x.csv: cannot be read: No such file or directory",
        "x.csv: is not UTF-8: unexpected end of data at octet 0",
    ]
