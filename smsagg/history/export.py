"""Exports what is over to a file: a span of time, or run by run all that has ended since the run before.

A file is written beside its final name and renamed when it is complete and on the medium, so that who sees the name
sees all of it.

Incremental runs keep a state file: a :class:`~smsagg.history.following.Cursor`, and what is becoming of the last
output. Each record is in exactly one run's output, also when a run is killed at any point:

1. the output is written and synced under its temporary name;
2. the new state is written, synced and renamed over the old one: *this* is the moment at which the run has happened. It
   names the output's temporary and its final name;
3. the output is renamed.

A run that was killed before 2 has done nothing, and what it left is overwritten by the next one; after 2 the next run
begins with step 3. Temporary names have the number of the run, so that what an unfinished run left is never taken for
the output of a finished one, though both are for the same name.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from attrs import define, field

from smsagg.history.cdr import Selection
from smsagg.history.cdr_files import ExportError, open_records
from smsagg.history.following import Cursor, ended_since
from smsagg.history.reader import History, Row, Span

STATE_FORMAT = 1
FOREVER = 1 << 62
OnProgress = Callable[[int], None]
"""Hears up to which seq the store has been read."""


@define(frozen=True)
class Wanted:
    """What is to be in the file."""

    selection: Selection
    format: str
    account: str = ""
    """``""``: of all."""

    def records(self, rows: Sequence[Row], since: int, until: int = FOREVER) -> list[Row]:
        """The records of those rows that are wanted, accepted from ``since`` until before ``until``."""
        account = self.account
        kept = [row for row in rows if since <= row[1] < until and (not account or row[2] == account)]
        return self.selection.records(kept)

    @property
    def document(self) -> dict[str, object]:
        """What must not change from run to run."""
        columns = [column.name for column in self.selection.columns]
        return {"columns": columns, "account": self.account}


@define
class _State:
    cursor: Cursor = field(factory=Cursor)
    wanted: dict[str, Any] | None = None
    """``None`` before the first run."""
    since: int = 0
    """What was accepted before was never wanted."""
    runs: int = 0
    """That have happened."""
    output: tuple[str, str] | None = None
    """Temporary and final name of the last output, as long as the second may not be there."""


def export_span(
    history: History, span: Span, wanted: Wanted, target: Path, on_progress: OnProgress = lambda _seq: None
) -> int:
    """What was accepted in ``span`` and is over, as the file ``target``; how many records that are."""
    temporary = _temporary(target)
    count = 0
    with _writing(temporary, wanted) as write:
        columns, rows_max = wanted.selection.sql, wanted.selection.rows_max
        for chunk in history.scan(columns, span.first_seq, span.last_seq, rows_max, live_columns=("seq",)):
            records = wanted.records(chunk.over, span.since, span.until)
            write(records)
            count += len(records)
            on_progress(chunk.last_seq)
    _rename(temporary, target)
    return count


def export_new(
    history: History,
    wanted: Wanted,
    target: Path,
    state_path: Path,
    begin: Span,
    on_progress: OnProgress = lambda _seq: None,
) -> int:
    """What has ended since the run before; how many records. The first run begins where ``begin`` does.

    Raises :class:`ExportError` when ``target`` is there already, another run is under way, or the state is not that of
    such runs on this store.
    """
    with _locked(state_path):
        state = _read_state(state_path)
        _finish_output(state)
        if target.exists():
            raise ExportError(f"{target} exists already: each run of an incremental export has a file of its own")
        if state.wanted is None:
            state.cursor.seen_seq, state.since = begin.first_seq - 1, begin.since
        elif state.wanted != wanted.document:
            raise ExportError(f"{state_path} belongs to an export with other columns, account or beginning")
        elif state.cursor.seen_seq > history.last_seq():
            raise ExportError(f"{state_path} belongs to an export of another store: this one has had fewer messages")
        temporary = _temporary(target, state.runs + 1)
        count = 0
        with _writing(temporary, wanted) as write:
            for rows in ended_since(history, state.cursor, wanted.selection.sql, wanted.selection.rows_max):
                records = wanted.records(rows, state.since)
                write(records)
                count += len(records)
                on_progress(state.cursor.seen_seq)
        output = (str(temporary.absolute()), str(target.absolute()))
        _write_state(state_path, _State(state.cursor, wanted.document, state.since, state.runs + 1, output))
        _rename(temporary, target)
    return count


def _temporary(target: Path, run: int = 0) -> Path:
    return target.with_name(f".{target.name}.{run}.partial" if run else f".{target.name}.partial")


@contextmanager
def _writing(path: Path, wanted: Wanted) -> Iterator[Callable[[Sequence[Row]], None]]:
    """The file at ``path``, complete and on the medium after the block, and gone when the block fails."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
        file = open_records(path, wanted.format, wanted.selection.columns)
        try:
            yield file.write
        finally:
            file.close()
        _sync(path)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ExportError(f"{path}: {error.strerror or error}") from error
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(temporary: Path, target: Path) -> None:
    os.replace(temporary, target)
    _sync(target.absolute().parent)


@contextmanager
def _locked(state_path: Path) -> Iterator[None]:
    """One run at a time."""
    path = state_path.with_name(f"{state_path.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ExportError(f"another export with {state_path} is under way") from error
        yield
    finally:
        os.close(descriptor)


def _read_state(path: Path) -> _State:
    try:
        document = orjson.loads(path.read_bytes())
        if document["format"] != STATE_FORMAT:
            raise ValueError(f"format {document['format']} is not {STATE_FORMAT}")
        output = document["output"]
        cursor = Cursor.from_json(document["cursor"])
        output = tuple(output) if output else None
        return _State(cursor, document["wanted"], document["since"], document["runs"], output)
    except FileNotFoundError:
        return _State()
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{path} is no state of an export: {error}") from error


def _write_state(path: Path, state: _State) -> None:
    document = {
        "format": STATE_FORMAT,
        "cursor": state.cursor.to_json(),
        "wanted": state.wanted,
        "since": state.since,
        "runs": state.runs,
        "output": state.output,
    }
    temporary = _temporary(path)
    temporary.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    _sync(temporary)
    _rename(temporary, path)


def _finish_output(state: _State) -> None:
    """What a run that was killed after its state was written has left to do."""
    if state.output is not None and os.path.exists(state.output[0]):
        _rename(Path(state.output[0]), Path(state.output[1]))
