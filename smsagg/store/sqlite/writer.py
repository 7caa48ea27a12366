"""The one thread that writes: takes queued writes and jobs in order, commits them in groups, reports each group once.

Theory of operation. What is queued while a commit runs makes up the next group, so groups grow with the load by
themselves. After each commit one call on the trio loop reports the whole group.

::

            ┌──────────────── commit ok: report ◀───────────────┐
    queue ──┴▶ group ──▶ transaction ──▶ failed ──▶ new messages, audited changes, jobs: told, absent
                                            └─────▶ owed writes: backlog ──▶ again at once, then every 0.2 s … 1 s

While a backlog is unwritten ``failing`` holds the error; what arrives then is told at once (what may be refused, jobs)
or joins the backlog (owed writes). A retry writes all pages again, so it is not the retry of a failed ``fsync``, which
could seem to succeed although the kernel had dropped the page. But the frames of a commit whose ``fsync`` failed may
still reach the medium, and a crash would find them there, valid: so after any failure but a full disk the backlog
begins with a *cover*, a small commit at the same place in the WAL, which makes them worthless. Nothing that was
reported as refused can come back.
"""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import apsw
import trio

from smsagg.errors import StoreError, StoreFailed, StoreFull
from smsagg.store.base import OnDone, StoreStatistics
from smsagg.store.sqlite.checkpoint import Checkpointer
from smsagg.store.sqlite.connection import close
from smsagg.store.sqlite.disk import FreeSpace
from smsagg.store.sqlite.errors import needs_reopening, store_error
from smsagg.store.sqlite.group import Group, Job, Write
from smsagg.store.sqlite.keys import NeededKeys
from smsagg.store.sqlite.recent_ids import RecentIds

RETRY_MAX_S = 1.0
LOW_SPACE = "too little free disk space for new messages"
INTERVAL_MIN_S = 0.001
INTERVAL_MAX_S = 0.004
INTERVAL_MAX_ROWS_PER_S = 80_000
"""Least time between the beginnings of two commits: from the least for single rows to the most for this many rows a
second and above, in proportion. A commit costs some 230 µs of CPU time before its first row, so on a fast disk, where
it ends within a millisecond, the groups of a moderate load would be small and dear: at 8,000 messages a second 29 µs a
message with 2 ms, 22 with 4. The first commit after a pause never waits."""

Reports = list[tuple[OnDone, StoreError | None]]
Report = Callable[[Reports, float, int], None]
"""(answers in order, seconds that the commit took or 0.0 when there was none, number of ``Changes`` committed)."""


def commit_interval_s(rows: int, elapsed_s: float) -> float:
    """How long the next commit waits after one of ``rows``, which began ``elapsed_s`` after the one before it."""
    if rows >= elapsed_s * INTERVAL_MAX_ROWS_PER_S:
        return INTERVAL_MAX_S
    return max(INTERVAL_MIN_S, INTERVAL_MAX_S * rows / (elapsed_s * INTERVAL_MAX_ROWS_PER_S))


class _Close:
    """Last item of the queue."""


class Writer:
    """Owns ``connection`` from construction on. ``submit`` is for the loop; all else runs on the thread."""

    def __init__(
        self,
        connection: apsw.Connection,
        reopen: Callable[[], apsw.Connection],
        keys: NeededKeys,
        checkpointer: Checkpointer,
        space: FreeSpace,
        rows_max: int,
        retry_first_s: float,
        token: trio.lowlevel.TrioToken,
        report: Report,
    ) -> None:
        self._connection = connection
        self._reopen = reopen
        self._keys = keys
        self._checkpointer = checkpointer
        self._space = space
        self._rows_max = rows_max
        self._retry_first_s = retry_first_s
        self._token = token
        self._report = report
        self._queue: queue.SimpleQueue[Write | Job | _Close] = queue.SimpleQueue()
        self._held: Write | Job | _Close | None = None
        self._closed = False
        self._closing = False
        self._abandon = False
        self._started_at = self._next_commit_at = float("-inf")
        self.recent = RecentIds()
        """For jobs."""
        self.failing: StoreError | None = None
        self.statistics = StoreStatistics()
        self._cursor = self._prepare(connection)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Write | Job) -> None:
        """Queue ``item``; never blocks. After :meth:`close` it is told that the store is closed."""
        if not self._closed:
            self._queue.put(item)
        elif item.on_done is not None:
            self._token.run_sync_soon(item.on_done, StoreFailed("the store is closed"))

    def space_is_low(self) -> bool:
        """Whether new messages are refused for want of free space; from any thread."""
        return self._space.is_low(time.monotonic())

    @property
    def queued(self) -> int:
        return self._queue.qsize()

    def close(self, abandon: bool = False) -> None:
        """End the thread after all that is queued, or, with ``abandon``, without what cannot be written now."""
        self._closed = True
        self._abandon = abandon or self._abandon
        self._queue.put(_Close())

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _prepare(self, connection: apsw.Connection) -> apsw.Cursor:
        connection.set_wal_hook(self._checkpointer.on_wal)
        return connection.cursor()

    def _run(self) -> None:
        group = Group()
        try:
            while not self._closing:
                group = self._next_group()
                if not group.is_empty or group.writes:
                    self._commit(group)
            self._tell_unheard()
            close(self._connection)
        except BaseException as error:
            self._post(partial(self._die, error, group))
            raise

    def _die(self, error: BaseException, group: Group) -> None:
        """On the loop: end the process. Nobody keeps it from ending by waiting for an answer, first of all."""
        self._closed = True
        died = StoreFailed("the store's writer thread has died")
        unheard: list[Write | Job | _Close | None] = [*group.writes, *group.jobs, self._held]
        while not self._queue.empty():
            unheard.append(self._queue.get_nowait())
        for item in unheard:
            if (isinstance(item, Job) or (isinstance(item, Write) and item.changes.audit)) and item.on_done is not None:
                item.on_done(died)
        raise died from error

    def _next_group(self) -> Group:
        """Wait for something, then take what is there, in order, up to ``rows_max`` rows."""
        group = Group()
        item = self._held if self._held is not None else self._queue.get()
        self._held = None
        early_s = self._next_commit_at - time.monotonic()
        if early_s > 0.0:
            time.sleep(early_s)
        while True:
            if isinstance(item, _Close):
                self._closing = True
                break
            if not group.takes(item, self._rows_max):
                self._held = item
                break
            group.add(item)
            if group.rows >= self._rows_max or not self._queue.qsize():
                break
            item = self._queue.get_nowait()
        return group

    def _commit(self, group: Group) -> None:
        """Make ``group`` durable, or refuse what may be refused and stay until the rest is written."""
        if any(write.changes.new_messages for write in group.writes) and self.space_is_low():
            self._tell(group.take_out_new_messages().reports(StoreFull(LOW_SPACE)))
        failure = self._attempt(group)
        if failure is None:
            return
        error = store_error(failure)
        refused = group.take_out_refusable().reports(error) + [(job.on_done, error) for job in group.jobs]
        backlog = deque(group.writes)
        cover = needs_reopening(failure)
        if backlog or cover:
            self.failing = error
            self._settle(backlog, cover, refused)
        else:
            self._tell(refused)

    def _attempt(self, group: Group, last: bool = True) -> apsw.Error | None:
        """One transaction; reports it when it is durable, else rolls it back and returns the error."""
        if group.is_empty:
            self._tell(group.reports(None))
            return None
        started_at = time.monotonic()
        self._next_commit_at = started_at + commit_interval_s(group.rows, started_at - self._started_at)
        self._started_at = started_at
        try:
            self._transact(group)
        except apsw.Error as error:
            self.recent.rolled_back()
            self.statistics.commit_failures += 1
            self._discard(error)
            return error
        seconds = time.monotonic() - started_at
        self.statistics.commits += 1
        self.statistics.rows_written += group.rows
        self.statistics.changes_committed += len(group.writes)
        if last:
            self.failing = None
        reports, changes = group.reports(None), len(group.writes)
        self._post(lambda: self._report(reports, seconds, changes))
        self._checkpoint()
        return None

    def _transact(self, group: Group) -> None:
        self._cursor.execute("BEGIN IMMEDIATE")
        group.apply(self._cursor, self.recent)
        self._keys.note(self._cursor)
        self._cursor.execute("COMMIT")
        self._keys.committed()
        self.recent.committed()

    def _discard(self, error: apsw.Error) -> None:
        """Leave no transaction open, and go on with a new connection after anything but a full disk.

        The old connection is closed after the new one is open: when the last one closes, the next would read the WAL
        anew, and take the frames of a commit whose sync failed for a commit.
        """
        with contextlib.suppress(apsw.Error):  # then it goes with the connection
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
        if needs_reopening(error) or self._connection.in_transaction:
            with contextlib.suppress(apsw.Error, StoreError):  # then the next retry begins here again
                connection = self._reopen()
                self._cursor, old = self._prepare(connection), self._connection
                self._connection = connection
                close(old)

    def _settle(self, backlog: deque[Write], cover: bool, refused: Reports) -> None:
        """Retry ``backlog`` in order until it is empty; ends early only when told to abandon it.

        ``refused`` are told after the first retry: if that succeeds, their cover is in place by then.
        """
        delay_s = 0.0
        while backlog or cover:
            if delay_s:
                self._wait(delay_s, backlog)
                if self._abandon:
                    self._tell([(w.on_done, self.failing) for w in backlog if w.on_done is not None])
                    return
            group = Group(cover=cover)
            while backlog and group.takes(backlog[0], self._rows_max):
                group.add(backlog.popleft())
            failure = self._attempt(group, last=not backlog)
            self._tell(refused)
            refused = []
            if failure is None:
                cover, delay_s = False, 0.0
                continue
            self.failing = store_error(failure)
            backlog.extendleft(reversed(group.writes))
            cover = cover or needs_reopening(failure)
            delay_s = min(RETRY_MAX_S, delay_s * 1.5 or self._retry_first_s)
        self.failing = None

    def _wait(self, delay_s: float, backlog: deque[Write]) -> None:
        """Take what is queued for ``delay_s``: answer what may be refused, add the rest to ``backlog``."""
        ends_at = time.monotonic() + delay_s
        item: Write | Job | _Close | None = self._held
        self._held = None
        while not self._abandon:
            if item is None:
                try:
                    item = self._queue.get(timeout=max(0.0, ends_at - time.monotonic()))
                except queue.Empty:
                    return
            if isinstance(item, _Close):
                self._closing = True
            elif isinstance(item, Write) and not item.changes.is_refusable:
                backlog.append(item)
            elif item.on_done is not None:
                self._tell([(item.on_done, self.failing)])
            item = None

    def _tell_unheard(self) -> None:
        """Answer what an abandoned backlog left in the queue."""
        while self._held is not None or self._queue.qsize():
            item = self._held or self._queue.get_nowait()
            self._held = None
            if not isinstance(item, _Close) and item.on_done is not None:
                self._tell([(item.on_done, self.failing or StoreFailed("the store is closed"))])

    def _checkpoint(self) -> None:
        try:
            self._checkpointer.after_commit(self._connection)
        except apsw.Error as error:
            self._discard(error)
        self.statistics.wal_octets = self._checkpointer.wal_octets

    def _tell(self, reports: Reports) -> None:
        if reports:
            self._post(lambda: self._report(reports, 0.0, 0))

    def _post(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(trio.RunFinishedError):  # nobody is left to be told
            self._token.run_sync_soon(call)
