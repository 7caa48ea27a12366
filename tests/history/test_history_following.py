"""An incremental reader gets every message that is over exactly once, in whatever order messages end."""

import tempfile
from pathlib import Path

import pytest
from history_store import WrittenStore, message
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.history.following import Cursor, ended_since, format_runs, parse_runs
from smsagg.history.reader import History, open_history

COLUMNS = ("seq", "m.account")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 12)),
        st.tuples(st.just("refuse"), st.integers(1, 4)),
        st.tuples(st.just("finish"), st.integers(0, 1 << 30)),
        st.tuples(st.just("drop"), st.integers(1, 3)),
        st.tuples(st.just("read"), st.integers(1, 5)),
    ),
    max_size=40,
)


def read(history: History, cursor: Cursor, rows_max: int) -> tuple[Cursor, list[int]]:
    """One run, which keeps its state as a file would."""
    seqs = [row[0] for rows in ended_since(history, cursor, COLUMNS, rows_max) for row in rows]
    return Cursor.from_json(cursor.to_json()), seqs


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_nothing_is_skipped_or_repeated(steps: list[tuple[str, int]]) -> None:
    """Messages come and end in any order, commits are refused, old history is dropped, and runs come when they come:
    whatever ended and was not dropped has come once."""
    with tempfile.TemporaryDirectory() as folder:
        written = WrittenStore(Path(folder))
        last_seq, alive, over, dropped = 0, list[int](), set[int](), set[int]()
        cursor, seen = Cursor(), list[int]()
        with open_history(written.path) as history:
            for step, number in [*steps, ("read", 3)]:
                if step == "accept":
                    new = range(last_seq + 1, last_seq + number + 1)
                    written.accept(*(message(seq) for seq in new))
                    alive += new
                    last_seq += number
                elif step == "refuse":
                    last_seq += number
                elif step == "finish" and alive:
                    seq = alive.pop(number % len(alive))
                    written.finish(seq)
                    over.add(seq)
                elif step == "drop":
                    oldest = sorted(over - dropped)[:number]
                    for seq in oldest:
                        written.connection.execute("DELETE FROM history WHERE seq = ?", (seq,))
                    dropped.update(oldest)
                elif step == "read":
                    cursor, seqs = read(history, cursor, number)
                    seen += seqs
                    assert cursor.alive == [seq for seq in alive if seq <= cursor.seen_seq]
        written.close()
        assert len(seen) == len(set(seen))
        assert over - dropped <= set(seen) <= over


def test_messages_that_end_between_two_chunks_of_a_run_come_once(written: WrittenStore) -> None:
    """Each is looked at in one transaction, before its end or after it."""
    written.accept(*(message(seq) for seq in range(1, 40)))
    cursor, seen = Cursor(), list[int]()
    order = [seq * 17 % 40 for seq in range(1, 40) if seq * 17 % 40]
    with open_history(written.path) as history:
        for _ in range(20):
            for rows in ended_since(history, cursor, COLUMNS, rows_max=3):
                seen += [row[0] for row in rows]
                if order:
                    written.finish(order.pop())
            if order:
                written.finish(order.pop())
        seen += [row[0] for rows in ended_since(history, cursor, COLUMNS) for row in rows]
    assert not order
    assert sorted(seen) == list(range(1, 40))
    assert cursor.alive == []


@given(st.sets(st.integers(1, 60)))
def test_runs_of_numbers(seqs: set[int]) -> None:
    """Written and read again."""
    assert parse_runs(format_runs(sorted(seqs))) == sorted(seqs)


@pytest.mark.parametrize("text", ["3 2", "5-4", "1-3 3", "x", "1-", "-1"])
def test_runs_that_are_none(text: str) -> None:
    """They do not ascend, or are no numbers."""
    with pytest.raises(ValueError, match=r"runs must ascend|invalid literal"):
        parse_runs(text)
