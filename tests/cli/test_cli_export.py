"""``smsagg export``: a span, increments, and columns for people to look at."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from past_store import Past

from smsagg.cli import main


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    past = Past(tmp_path).fill()
    yield past
    past.close()


def run(past: Past, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "--config", str(past.config), *arguments])


def seqs(path: Path) -> list[int]:
    with path.open(newline="") as file:
        return [int(row["seq"]) for row in csv.DictReader(file)]


def test_a_span_without_texts(past: Past, tmp_path: Path) -> None:
    """What is over; texts are not in it unless they are asked for."""
    target = tmp_path / "cdr.csv"
    result = run(past, "--since", "25m", "-o", str(target))
    assert result.exit_code == 0, result.output
    assert "3 records in" in result.stderr
    assert seqs(target) == [6, 7, 8]
    assert "secret" not in target.read_text()
    assert run(past, "--bodies", "-o", str(target)).exit_code == 0
    assert "secret words" in target.read_text()


def test_masked_numbers(past: Past, tmp_path: Path) -> None:
    """For whoever counts and need not know whom."""
    target = tmp_path / "cdr.csv"
    assert run(past, "--masked", "-o", str(target)).exit_code == 0
    with target.open(newline="") as file:
        numbers = {row["destination_addr"] for row in csv.DictReader(file)}
    assert numbers
    assert all(number.endswith("•••") and len(number) == 8 for number in numbers)


def test_increments(past: Past, tmp_path: Path) -> None:
    """Each run has what ended since the one before; the first begins with the span."""
    state = str(tmp_path / "state")
    runs = []
    for number in range(3):
        target = tmp_path / f"{number}.csv"
        result = run(past, "--since", "36m", "--follow-state", state, "-o", str(target))
        assert result.exit_code == 0, result.output
        runs.append(seqs(target))
        if number == 0:
            late = past.accept(10)
            past.finish(past.accept(11))
        elif number == 1:
            past.finish(late)
    assert runs == [[5, 6, 7, 8], [11], [10]]


def test_what_is_missing_or_wrong(past: Past, tmp_path: Path) -> None:
    """Said in a line."""
    assert "Missing option '-o'" in run(past).output
    assert "--bodies" in run(past, "-o", str(tmp_path / "a"), "--columns", "seq,text").output
    assert "no column" in run(past, "-o", str(tmp_path / "a"), "--columns", "sequence").output
    result = run(past, "-o", str(tmp_path / "none" / "a"))
    assert result.exit_code == 1
    assert "No such file" in result.output
    assert "body_digest" in run(past, "--list-columns").output
