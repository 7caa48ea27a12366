"""Strict reading of CSV data files: a header with known columns, rows with their line numbers, every problem collected.

The first line names the columns, in any order; blank lines and lines that begin with ``#`` are skipped. Values come
without the blanks around them. What a value must look like is the affair of whoever reads the rows.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from attrs import define, field


class CsvRow(NamedTuple):
    """One row."""

    line: int
    """From 1, as an editor counts; of a row that goes over several lines the last one."""
    values: dict[str, str]
    """By column; a column that the file has not is ``""``."""


@define
class FileProblems:
    """What is wrong with one file, a line for each problem as the operator reads it."""

    file: str
    lines: list[str] = field(factory=list)
    lines_max: float = inf
    """Of what is added beyond so many, only the count is kept."""
    count: int = 0
    """Of all that were added."""

    def add(self, line: int, reason: str) -> None:
        """``line`` 0: the file as a whole."""
        self.count += 1
        if len(self.lines) < self.lines_max:
            place = f"{self.file}:{line}" if line else self.file
            self.lines.append(f"{place}: {reason}")


def read_text(path: str, problems: FileProblems) -> str | None:
    """The text of a UTF-8 file (a byte order mark is dropped); ``None``, and a problem, when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        problems.add(0, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        problems.add(0, f"is not UTF-8: {error.reason} at octet {error.start}")
    return None


def parse_rows(text: str, required: Sequence[str], optional: Collection[str], problems: FileProblems) -> list[CsvRow]:
    """The rows of ``text`` that have the right number of values. Nothing when the header is wrong."""
    return list(rows_of(text.splitlines(keepends=True), required, optional, problems))


def rows_of(
    lines: Iterable[str], required: Sequence[str], optional: Collection[str], problems: FileProblems
) -> Iterator[CsvRow]:
    """The same one by one, for files that are too large to be held."""
    reader = csv.reader((line if not line.startswith("#") else "\n" for line in lines), strict=True)
    header: list[str] | None = None
    empty = dict.fromkeys((*required, *optional), "")
    try:
        for values in reader:
            values = [value.strip() for value in values]
            if not any(values):
                continue
            if header is None:
                header = values
                if not _is_sound(header, required, optional, reader.line_num, problems):
                    return
            elif len(values) != len(header):
                problems.add(reader.line_num, f"has {len(values)} values, and the header names {len(header)} columns")
            else:
                yield CsvRow(reader.line_num, empty | dict(zip(header, values, strict=True)))
    except csv.Error as error:
        problems.add(reader.line_num, f"is not CSV: {error}")
    if header is None:
        problems.add(0, f"has no header; its columns are {', '.join(required)}")


def _is_sound(
    header: list[str], required: Sequence[str], optional: Collection[str], line: int, problems: FileProblems
) -> bool:
    before = len(problems.lines)
    known = (*required, *optional)
    for column in header:
        if column not in known:
            problems.add(line, f'no column is called "{column}"; there are {", ".join(known)}')
        elif header.count(column) > 1 and f'column "{column}"' not in "".join(problems.lines[before:]):
            problems.add(line, f'column "{column}" is named twice')
    for column in required:
        if column not in header:
            problems.add(line, f'column "{column}" is missing')
    return len(problems.lines) == before
