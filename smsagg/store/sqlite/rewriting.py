"""Writes a database anew under another key: in plain before and sealed then, or sealed and sealed otherwise.

Done at a start, before the database is used, or by a command while no server runs. Each step leaves what the next start
understands::

    seal file: [new, old] ─▶ copy beside it, synced ─▶ renamed over the database ─▶ seal file: [new]

The WAL is folded in and removed before the rename, so no page of the old database is ever read under the new one's key.
It takes as much room again as the database has, and some ten seconds a gigabyte.
"""

import contextlib
import os
from pathlib import Path

import apsw

from smsagg.errors import StoreFailed
from smsagg.store.key_files import sync_file, sync_folder
from smsagg.store.sqlite.connection import close
from smsagg.store.sqlite.errors import store_error
from smsagg.store.sqlite.sealing import give_key, is_plain, uri_of, vfs_of

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI


def rewrite(path: str, old_key: bytes, new_key: bytes, vfs: str | None = None) -> None:
    """Have the database at ``path``, which nobody has open, sealed with ``new_key``.

    Raises :class:`StoreFailed`; the old one is whole then.
    """
    copy = _copy_of(path)
    try:
        copy.unlink(missing_ok=True)
        connection = apsw.Connection(path, flags=_FLAGS, vfs=vfs_of(vfs, old_key or new_key))
        try:
            give_key(connection, old_key)
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            connection.execute("VACUUM INTO ?", (uri_of(copy, new_key),))
        finally:
            close(connection)
        sync_file(copy, Path(path))
        for name in (f"{path}-wal", f"{path}-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        os.rename(copy, path)
        sync_folder(copy)
    except (apsw.Error, OSError) as error:
        forget_copy(path)
        reason = store_error(error) if isinstance(error, apsw.Error) else error.strerror
        raise StoreFailed(f"it cannot be sealed: {reason}") from error


def forget_copy(path: str) -> None:
    """Give back the room of a copy that was cut off."""
    copy = _copy_of(path)
    for left in (copy, copy.with_name(f"{copy.name}-journal")):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def opens(path: str, database_key: bytes) -> bool:
    """Whether the database is sealed with this key; in plain it is with none.

    One that was killed while it began its first log cannot be looked at before its owner has rolled that back; it is
    sealed with the newest key then, for it was written anew just before."""
    if is_plain(path):
        return not database_key
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        give_key(connection, database_key)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.NotADBError:
        return False
    except apsw.ReadOnlyError:
        return True
    except apsw.Error as error:
        raise StoreFailed(f"{path}: {store_error(error)}") from error
    finally:
        close(connection)
    return True


def _copy_of(path: str) -> Path:
    return Path(f"{path}.rewritten")
