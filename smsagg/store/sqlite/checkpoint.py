"""Keeps the WAL bounded without making a commit wait for it.

Theory of operation. Commits append to the WAL; a checkpoint copies its pages into the database and syncs that, and
the first commit after *all* of it was copied starts the WAL from its beginning again. The copying is the slow part,
so a thread with its own connection does it (PASSIVE, which blocks nobody) once the WAL passes ``SOFT_OCTETS``. While
it copies, commits go on, so it never catches up by itself; when it has, all but ``REMAINDER_OCTETS``, the writer
copies that remainder between two commits, which takes a few milliseconds, and the next commit starts over.

::

    commits ──▶ WAL ≥ soft ──▶ thread copies ──▶ remainder large? copy again
                                             └─▶ remainder small: the writer copies it ──▶ WAL starts over

A foreign reader that keeps a snapshot open (an operator's shell) stops the copying at that snapshot: writers go on,
the WAL grows, ``StoreStatistics.wal_octets`` shows it, and the checkpointer tries again each time that another
``SOFT_OCTETS`` were written. A WAL beyond ``HARD_OCTETS`` with no such reader means that the thread cannot keep up;
then the writer waits for it.
"""

import threading
from collections.abc import Callable

import apsw

from smsagg.errors import StoreError
from smsagg.store.sqlite.connection import close

FRAME_HEADER_OCTETS = 24
SOFT_OCTETS = 16 << 20
REMAINDER_OCTETS = 1 << 20
HARD_OCTETS = 256 << 20


class Checkpointer:
    """One thread, one connection. All methods but the thread's own are called by the writer thread."""

    def __init__(self, connect: Callable[[], apsw.Connection], page_octets: int) -> None:
        self._connect = connect
        self._frame_octets = page_octets + FRAME_HEADER_OCTETS
        self._work = threading.Semaphore(0)
        self._idle = threading.Event()
        self._idle.set()
        self._closing = False
        self._copied = 0
        self._frames = 0
        self._start_at_frames = SOFT_OCTETS // self._frame_octets
        self._was_copying = False
        self._thread = threading.Thread(target=self._run, name="store-checkpointer", daemon=True)
        self._thread.start()

    @property
    def wal_octets(self) -> int:
        return self._frames * self._frame_octets

    def on_wal(self, _connection: apsw.Connection, _database: str, frames: int) -> int:
        """SQLite's WAL hook: frames in the WAL after a commit."""
        self._frames = frames
        return apsw.SQLITE_OK

    def after_commit(self, connection: apsw.Connection) -> None:
        """Start copying when the WAL is long enough, and finish what the thread has all but finished.

        Raises :class:`apsw.Error` when the writer's own copying fails; the commit before it stands all the same.
        """
        if not self._was_copying:
            if self._frames >= self._start_at_frames:
                self._begin()
            return
        if not self._idle.is_set():
            if self.wal_octets < HARD_OCTETS:
                return
            self._idle.wait()
        self._was_copying = False
        remaining = (self._frames - self._copied) * self._frame_octets
        if remaining > REMAINDER_OCTETS and self._copied >= self._start_at_frames:
            self._begin()
            return
        total, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        soft = SOFT_OCTETS // self._frame_octets
        self._start_at_frames = soft if copied >= total else total + soft

    def close(self) -> None:
        """Let a running copy end, close the connection, join the thread."""
        self._closing = True
        self._work.release()
        self._thread.join()

    def _begin(self) -> None:
        self._was_copying = True
        self._start_at_frames = self._frames
        self._idle.clear()
        self._work.release()

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        while True:
            self._work.acquire()
            if self._closing:
                break
            try:
                if connection is None:
                    connection = self._connect()
                self._copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
            except (apsw.Error, StoreError):
                # Nothing is lost: pages stay in the WAL, and the next copy writes them again, not only their sync.
                self._copied = 0
                if connection is not None:
                    close(connection)
                    connection = None
            self._idle.set()
        if connection is not None:
            close(connection)
