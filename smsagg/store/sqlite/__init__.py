"""The embedded store: one SQLite file, one writer thread, group commits; see :mod:`smsagg.store.sqlite.writer`."""

from smsagg.store.sqlite.store import SqliteStore, open_sqlite_store

__all__ = ["SqliteStore", "open_sqlite_store"]
