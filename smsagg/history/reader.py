"""A read-only connection to the store's file, for reports, exports and questions about single messages.

Theory of operation. It works in the process of a command, while the server runs and while it does not: SQLite's WAL
lets readers see the last commit without the writer's noticing. A reader that kept its snapshot would keep the WAL from
starting over, so nothing here holds one for long: :meth:`History.scan` reads a few thousand rows in a transaction, and
between two of them whatever was committed may be copied.

Where a time is. History has no index on time, for that would cost each message; but ``seq`` grows with ``accepted_at``,
so the first message of a span is found by some forty look-ups by key: a binary search. Messages that are read in one
batch are numbered in it, and their ``accepted_at`` may differ from their order by moments, so the search leaves
:data:`SLACK_MS` on both sides and each row's own time decides. A clock that was set back by more than that while the
server was stopped may hide the rows of that time from a span that begins or ends in it.

A message is in ``messages`` while it lives and in ``history`` when it is over; both are read in one transaction, so
each is seen once, wherever it is just then. Commits come in the order of ``seq``: a seq that is absent while a higher
one is there was refused, and never comes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.store.sqlite.errors import store_error
from smsagg.store.sqlite.opening import find_database_key
from smsagg.store.sqlite.schema import APPLICATION_ID, load_migrations
from smsagg.store.sqlite.sealing import give_key

CHUNK_ROWS = 5_000
"""Rows of one transaction: some 20 ms."""
CHUNK_ROWS_WITH_BODIES = 500
"""The same where rows come with their texts, each of up to 64 KiB."""
SLACK_MS = 60_000
BUSY_TIMEOUT_MS = 5_000
CACHE_OCTETS = 16 << 20
_IN_PLAIN = EncryptionSettings()

Row = tuple[Any, ...]
Ask = Callable[[str, Sequence[Any]], list[Row]]
"""A question to one snapshot: SQL and its bindings."""


class Span(NamedTuple):
    """Messages accepted within ``since <= accepted_at < until`` (UTC milliseconds)."""

    since: int
    until: int
    first_seq: int
    """None of them has a lower one."""
    last_seq: int
    """None of them has a higher one."""


class Chunk(NamedTuple):
    """What one transaction saw."""

    over: list[Row]
    """From history."""
    live: list[Row]
    last_seq: int
    """All up to this seq has been seen."""


class History:
    """See the module. Made by :func:`open_history`; raises :class:`~smsagg.errors.StoreError` when the file cannot be
    read."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @contextmanager
    def snapshot(self) -> Iterator[Ask]:
        """Questions within the block see one state of the store. Keep it short."""
        connection = self._connection

        def ask(sql: str, bindings: Sequence[Any]) -> list[Row]:
            return connection.execute(sql, tuple(bindings)).fetchall()

        try:
            connection.execute("BEGIN")
            try:
                yield ask
            finally:
                connection.execute("ROLLBACK")
        except apsw.Error as error:
            raise store_error(error) from error

    def last_seq(self) -> int:
        """The highest seq that a message has ever had, 0 for none."""
        with self.snapshot() as ask:
            return int(ask("SELECT last_seq FROM counters", ())[0][0])

    def span(self, since: int, until: int) -> Span:
        """The messages accepted from ``since`` until before ``until``, UTC milliseconds."""
        last_seq = self.last_seq()
        first = self._first_since(since - SLACK_MS, last_seq)
        beyond = self._first_since(until + SLACK_MS, last_seq)
        return Span(since, until, first, beyond - 1)

    def _first_since(self, instant: int, last_seq: int) -> int:
        """The lowest seq whose message, or the next one that there is, was accepted at ``instant`` or later."""
        low, high = 1, last_seq + 1
        while low < high:
            middle = (low + high) // 2
            found = self._next_row(middle)
            if found is None or found[1] >= instant:
                high = middle
            else:
                low = found[0] + 1
        return low

    def _next_row(self, seq: int) -> Row | None:
        """(seq, accepted_at) of the first message at or after ``seq``."""
        with self.snapshot() as ask:
            rows = [
                row
                for table in ("history", "messages")
                for row in ask(f"SELECT seq, accepted_at FROM {table} WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,))
            ]
        return min(rows, default=None)

    def scan(
        self,
        columns: Sequence[str],
        first_seq: int,
        last_seq: int,
        rows_max: int = CHUNK_ROWS,
        live_columns: Sequence[str] | None = None,
    ) -> Iterator[Chunk]:
        """The messages of a range of seqs with their ``columns``, of which the first is ``seq``, a chunk at a time.

        ``live_columns`` are those of messages that live, if others are wanted; columns may be expressions over ``m``.
        """
        assert columns[0] == "seq"
        texts = [
            f"SELECT {', '.join(wanted)} FROM {table} AS m WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?"
            for table, wanted in (("history", columns), ("messages", live_columns or columns))
        ]
        while first_seq <= last_seq:
            with self.snapshot() as ask:
                over = ask(texts[0], (first_seq, last_seq, rows_max))
                until = over[-1][0] if len(over) == rows_max else last_seq
                rows = ask(texts[1], (first_seq, until, rows_max))
            if len(rows) == rows_max and rows[-1][0] < until:
                until = rows[-1][0]
                over = [row for row in over if row[0] <= until]
            yield Chunk(over, rows, until)
            first_seq = until + 1


@contextmanager
def open_history(path: str | Path, encryption: EncryptionSettings = _IN_PLAIN) -> Iterator[History]:
    """The store at ``path`` for reading; raises :class:`StoreFailed` with what to do when that cannot be."""
    with open_connection(path, key_of(path, encryption)) as connection:
        yield History(connection)


def key_of(path: str | Path, encryption: EncryptionSettings) -> bytes:
    """Of the database at ``path``; raises :class:`StoreFailed`."""
    if not Path(path).is_file():
        raise StoreFailed(f"there is no store at {Path(path).absolute()}")
    return find_database_key(StoreSettings(path=str(path), encryption=encryption))


@contextmanager
def open_connection(path: str | Path, database_key: bytes) -> Iterator[apsw.Connection]:
    """The same for who asks SQLite itself."""
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        give_key(connection, database_key)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute(f"PRAGMA cache_size = -{CACHE_OCTETS >> 10}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        _check(connection, path)
    except apsw.Error as error:
        if connection is not None:
            connection.close(True)
        raise StoreFailed(f"{path}: {store_error(error)}") from error
    except StoreFailed:
        assert connection is not None
        connection.close(True)
        raise
    try:
        yield connection
    finally:
        connection.close(True)


def _check(connection: apsw.Connection, path: str | Path) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreFailed(f"{path}: the file is a database of another program")
    version, known = connection.pragma("user_version"), len(load_migrations())
    if version < known:
        raise StoreFailed(
            f"{path} has schema version {version}: start the server of this version once, it makes {known} of it"
        )
    if version > known:
        raise StoreFailed(f"{path} has schema version {version}, this program knows {known}: use the newer program")
