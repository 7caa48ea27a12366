"""Exports: documented columns in CSV and Parquet, whole files only, and increments in which each record is once."""

import contextlib
import csv
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from history_store import NOW, WrittenStore, message
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.history import cdr, cdr_files, export
from smsagg.history.cdr import COLUMNS, NAMES, Selection, chosen
from smsagg.history.cdr_files import ExportError
from smsagg.history.export import Wanted, export_new, export_span
from smsagg.history.reader import Span, open_history
from smsagg.model import Cause, MessageState, PartGroup, PartReceipts
from smsagg.store.base import Changes

ALL = Span(0, 1 << 60, 1, 1 << 40)


def wanted(format: str = "csv", *names: str, bodies: bool = False, account: str = "") -> Wanted:
    return Wanted(Selection(chosen(names, bodies=bodies)), format, account)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(written: WrittenStore) -> None:
    """A plain message, a failed one with odd characters, a part of a long one, a live one."""
    written.accept(
        message(1), message(2, body='Zürich, "ja"\n€'.encode("utf-16-be"), data_coding=8, source_addr='=A,"B')
    )
    header = bytes((5, 0, 3, 7, 2, 1))
    group = PartGroup(3, "g3", "acme", "ACME", "44", 7, 2, False, PartReceipts.ALL, 1, b"", NOW, NOW, 1)
    part = message(3, esm_class=0x40, body=header + b"part", group_seq=3, part_number=1, account="bank")
    part.group = group
    written.apply(Changes(new_messages=[part], new_parts=[group]))
    written.accept(message(4))
    written.finish(1, charged=40_000)
    written.finish(2, state=MessageState.UNDELIVERABLE, cause=Cause.SPAM, carrier_message_id="", cost=0)
    written.finish(3, cost=12_345)


def test_csv_has_every_column(written: WrittenStore, tmp_path: Path) -> None:
    """In their order; money and instants exact; what there is not is empty; quotes where they are needed."""
    fill(written)
    target = tmp_path / "cdr.csv"
    with open_history(written.path) as history:
        assert export_span(history, ALL._replace(last_seq=4), wanted(bodies=True), target) == 3
    assert target.stat().st_mode & 0o777 == 0o600
    one, two, three = rows_of(target)
    assert tuple(one) == NAMES
    assert (one["accepted_at"], one["done_at"]) == ("2023-11-14T22:13:21.000Z", "2023-11-14T22:13:21.500Z")
    assert (one["state"], one["cause"], one["carrier"]) == ("delivered", "", "alpha")
    assert (one["price"], one["charged"], one["revenue"], one["cost"]) == (
        "0.040000",
        "0.040000",
        "0.050000",
        "0.020000",
    )
    assert (one["text"], one["body"]) == ("Your code is 123456", b"Your code is 123456".hex())
    assert (two["state"], two["cause"], two["carrier_message_id"], two["revenue"]) == ("failed", "spam", "", "0.000000")
    assert (two["text"], two["source_addr"]) == ('Zürich, "ja"\n€', '=A,"B')
    assert (three["udh"], three["part_number"], three["parts_total"]) == ("050003070201", "1", "2")
    assert (three["group_id"], three["group_reference"], three["text"]) == ("g3", "7", "part")
    assert one["udh"] == one["group_id"] == ""


def test_parquet_says_the_same(written: WrittenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With types of its own, in row groups of bounded size."""
    fill(written)
    monkeypatch.setattr(cdr_files, "ROW_GROUP_OCTETS", 30)
    monkeypatch.setattr(cdr, "CHUNK_ROWS_WITH_BODIES", 1)
    target = tmp_path / "cdr.parquet"
    with open_history(written.path) as history:
        export_span(history, ALL._replace(last_seq=4), wanted("parquet", bodies=True), target)
    file = pyarrow.parquet.ParquetFile(target)
    assert file.num_row_groups == 3
    records = file.read().to_pylist()
    assert tuple(records[0]) == NAMES
    assert records[0]["cost"] == Decimal("0.020000")
    assert records[0]["accepted_at"].isoformat() == "2023-11-14T22:13:21+00:00"
    assert records[1]["cause"] == "spam"
    assert records[2]["udh"] == bytes.fromhex("050003070201")
    assert records[0]["udh"] is None
    assert records[2]["cost"] == Decimal("0.012345")


def test_an_empty_export_is_a_whole_file(written: WrittenStore, tmp_path: Path) -> None:
    """A header, or a schema, and no records."""
    with open_history(written.path) as history:
        assert export_span(history, ALL._replace(last_seq=0), wanted(), tmp_path / "a.csv") == 0
        assert export_span(history, ALL._replace(last_seq=0), wanted("parquet"), tmp_path / "a.parquet") == 0
    assert rows_of(tmp_path / "a.csv") == []
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("names", "reason"),
    [(["seq", "planet"], 'no column "planet"'), (["seq", "seq"], "named twice"), (["text"], "--bodies")],
)
def test_columns_that_cannot_be_had(names: list[str], reason: str) -> None:
    """Each with its reason."""
    with pytest.raises(ValueError, match=reason):
        chosen(names, bodies=False)


def test_columns_may_be_chosen(written: WrittenStore, tmp_path: Path) -> None:
    """In any order; texts only where they are asked for."""
    fill(written)
    with open_history(written.path) as history:
        export_span(history, ALL._replace(last_seq=4), wanted("csv", "cost", "seq", account="bank"), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "cost,seq\n0.012345,3\n"
    assert {column.name for column in COLUMNS} - {c.name for c in chosen([], bodies=False)} == {"text", "body"}


class Killed(BaseException):
    """The process is gone."""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 5)),
        st.tuples(st.just("finish"), st.integers(0, 1 << 30)),
        st.tuples(st.just("run"), st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5])),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_each_record_is_in_one_increment(steps: list[tuple[str, int]]) -> None:
    """Whatever the order in which messages end, and wherever runs are killed."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        written = WrittenStore(folder)
        last_seq, alive, over = 0, list[int](), list[int]()
        sync, left = export._sync, [0]

        def killing(path: Path) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            sync(path)

        patch.setattr(export, "_sync", killing)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # who is killed cleans nothing up
        target = folder / "out.csv"

        def take_away() -> None:
            if target.exists():
                target.rename(folder / f"{len(list(folder.glob('*.taken')))}.taken")

        with open_history(written.path) as history:
            for step, number in [*steps, ("run", 0)]:
                if step == "accept":
                    new = range(last_seq + 1, last_seq + number + 1)
                    written.accept(*(message(seq) for seq in new))
                    alive += new
                    last_seq += number
                elif step == "finish" and alive:
                    over.append(alive.pop(number % len(alive)))
                    written.finish(over[-1])
                elif step == "run":
                    left[0] = number
                    with contextlib.suppress(Killed, ExportError):
                        export_new(history, wanted("csv", "seq"), target, folder / "state", ALL)
                    if number == 0 and target.exists():
                        take_away()
                        export_new(history, wanted("csv", "seq"), target, folder / "state", ALL)
                    take_away()
        written.close()
        found = [int(row["seq"]) for path in folder.glob("*.taken") for row in rows_of(path)]
        assert sorted(found) == sorted(over)


def test_what_must_not_be_mixed_up_is_refused(written: WrittenStore, tmp_path: Path) -> None:
    """A file that is there, other columns, another store, a state that is none, a run beside another."""
    fill(written)
    state = tmp_path / "state"
    with open_history(written.path) as history:
        assert export_new(history, wanted(), tmp_path / "1.csv", state, ALL) == 3
        with pytest.raises(ExportError, match="exists already"):
            export_new(history, wanted(), tmp_path / "1.csv", state, ALL)
        with pytest.raises(ExportError, match="other columns"):
            export_new(history, wanted("csv", "seq"), tmp_path / "2.csv", state, ALL)
        with export._locked(state), pytest.raises(ExportError, match="under way"):
            export_new(history, wanted(), tmp_path / "2.csv", state, ALL)
    (tmp_path / "other").mkdir()
    other = WrittenStore(tmp_path / "other")
    with open_history(other.path) as history, pytest.raises(ExportError, match="another store"):
        export_new(history, wanted(), tmp_path / "2.csv", state, ALL)
    other.close()
    for text in ("", "{}", '{"format": 2}', "[1]", '{"format": 1, "cursor": {"seen_seq": "x", "alive": ""}}'):
        state.write_text(text)
        with open_history(written.path) as history, pytest.raises(ExportError, match="is no state"):
            export_new(history, wanted(), tmp_path / "2.csv", state, ALL)
    assert not (tmp_path / "2.csv").exists()


def test_a_run_that_fails_leaves_nothing(written: WrittenStore, tmp_path: Path) -> None:
    """No half file, under either name."""
    fill(written)
    with open_history(written.path) as history, pytest.raises(ExportError, match="No such file"):
        export_span(history, ALL._replace(last_seq=4), wanted(), tmp_path / "none" / "a.csv")
    assert not list(tmp_path.glob("**/*.csv*"))


def test_redaction_does_not_disturb_increments(written: WrittenStore, tmp_path: Path) -> None:
    """What ends after texts and numbers were taken out of others comes once, and what was redacted says so."""
    fill(written)
    state = tmp_path / "state"
    with open_history(written.path) as history:
        export_new(history, wanted(), tmp_path / "1.csv", state, ALL)
        written.connection.execute("UPDATE history SET body = x'', body_digest = x'ab', redacted = 3")
        written.finish(4)
        assert export_new(history, wanted(bodies=False), tmp_path / "2.csv", state, ALL) == 1
        export_span(history, ALL._replace(last_seq=4), wanted(bodies=True), tmp_path / "all.csv")
    assert [row["seq"] for row in rows_of(tmp_path / "2.csv")] == ["4"]
    first = rows_of(tmp_path / "all.csv")[0]
    assert (first["redacted_text"], first["redacted_number"], first["body_digest"]) == ("true", "true", "ab")
    assert first["text"] == first["body"] == first["udh"] == ""
