"""Connections to the database file, and what is checked before the first one is trusted.

WAL with ``synchronous=FULL``: a commit is on the medium before it is reported (NORMAL may roll back after a power
loss). Checkpoints are never left to a commit; see :mod:`smsagg.store.sqlite.checkpoint`.

On opening, damage is refused and never taken for an empty store: a database that is gone or empty though there was
one, a WAL without its database, commits in the WAL that SQLite cannot read (:mod:`smsagg.store.sqlite.wal`), a file
that SQLite finds corrupt or that is another program's; and what is refused is left as it was. After an unclean end
(the WAL is still there) a database of up to ``QUICK_CHECK_OCTETS_MAX`` is read through with ``PRAGMA quick_check``;
a larger one is not, since a restart under load must not take minutes, and damage shows at the first touch.

The files belong together: a copy of the database without its ``-wal`` lacks its latest commits. A backup of a running
store is made with ``VACUUM INTO`` or ``.backup`` of the ``sqlite3`` shell.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import apsw
from attrs import define, field

from smsagg.errors import StoreError, StoreFailed
from smsagg.protection import Cipher
from smsagg.store.sqlite.disk import FreeOctets, free_octets
from smsagg.store.sqlite.errors import store_error
from smsagg.store.sqlite.owner import OwnerLock
from smsagg.store.sqlite.schema import Migration, load_migrations, migrate
from smsagg.store.sqlite.sealing import give_functions, give_key, refuse_plain, vfs_of
from smsagg.store.sqlite.wal import refuse_unread_commits

PAGE_OCTETS = 4096
CACHE_OCTETS = 64 << 20
STATEMENTS_KEPT = 600
"""apsw's cache is a ring: with little more than the 90 that are in use the rarer ones are prepared anew each time."""
BUSY_TIMEOUT_MS = 5_000
"""How long a commit waits for an operator's tool that writes to the database."""
WAL_KEPT_OCTETS = 64 << 20
"""A WAL that grew beyond this is cut back when it is restarted."""
QUICK_CHECK_OCTETS_MAX = 256 << 20
FILE_MODE = 0o640
"""Of a new database, and so of its WAL: texts and numbers lie there in plain unless it is sealed."""


@define(frozen=True)
class Seams:
    """Where tests reach in; never built from configuration."""

    vfs: str | None = None
    synchronous: str = "FULL"
    free_octets: FreeOctets = free_octets
    migrations: Callable[[], list[Migration]] = load_migrations
    retry_first_s: float = field(default=0.2)


def connect(path: str, seams: Seams, database_key: bytes = b"", cipher: Cipher | None = None) -> apsw.Connection:
    """A connection as the store wants it; raises :class:`apsw.Error`. Without ``cipher`` no secret can be touched."""
    connection = apsw.Connection(path, vfs=vfs_of(seams.vfs, database_key), statementcachesize=STATEMENTS_KEPT)
    try:
        give_key(connection, database_key)
        if cipher is not None:
            give_functions(connection, cipher)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
        mode = connection.execute("PRAGMA journal_mode = WAL").get
        if mode != "wal":
            raise StoreFailed(f"{path}: the file system cannot hold a WAL (journal mode stays {mode})")
        if database_key:
            refuse_plain(path)
        connection.execute(f"PRAGMA synchronous = {seams.synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_OCTETS}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_OCTETS >> 10}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        close(connection)
        raise
    return connection


def close(connection: apsw.Connection) -> None:
    """Close it whatever the medium says: what is committed is in the WAL."""
    with contextlib.suppress(apsw.Error):
        connection.close(True)


def open_checked(path: str, lock: OwnerLock, seams: Seams, database_key: bytes) -> apsw.Connection:
    """Open, check and migrate; raises :class:`StoreError` with a text that names the file and what to do."""
    database_octets, wal_octets = _octets(path), _octets(f"{path}-wal")
    if not database_octets and lock.is_initialised:
        raise StoreFailed(
            f"{path} is missing or empty, but held messages before: restore it, or remove {lock.path} to begin anew"
        )
    if database_octets is None and wal_octets:
        raise StoreFailed(f"{path}-wal is there without {path}: put both back, or move the -wal file away")
    try:
        if database_octets is None:
            Path(path).touch(FILE_MODE)
        connection = connect(path, seams, database_key)
        try:
            # A refusal must not fold a suspect WAL into the database and remove it.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            if wal_octets:
                frames_read, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
                refuse_unread_commits(f"{path}-wal", frames_read)
            if wal_octets and (database_octets or 0) <= QUICK_CHECK_OCTETS_MAX:
                _quick_check(connection)
            migrate(connection, seams.migrations())
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        except BaseException:
            close(connection)
            raise
    except apsw.Error as error:
        raise StoreFailed(f"{path}: {store_error(error)}") from error
    except OSError as error:
        raise StoreFailed(f"{path}: {error.strerror}") from error
    except StoreError as error:
        raise type(error)(f"{path}: {error}") from error
    if not lock.is_initialised:
        lock.mark_initialised()
    return connection


def _octets(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None


def _quick_check(connection: apsw.Connection) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").get
    if verdict != "ok":
        raise StoreFailed(f"the database is corrupt ({verdict}): restore a backup")
