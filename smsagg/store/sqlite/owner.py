"""The lock that lets one store at a time own a database, and the mark that there is one to be owned.

Beside ``smsagg.db`` stands ``smsagg.db.lock``. It is locked (``flock``) by the owner for as long as it lives, so a
second process, or a second store in this one, is refused. Once the schema is in place it also holds a mark: from then
on a missing or empty database means that messages were lost, and is never taken for a new one.
"""

import fcntl
import os

from smsagg.errors import StoreFailed, StoreInUse

INITIALISED = b"initialised\n"


class OwnerLock:
    """Held from construction to :meth:`release`. Raises :class:`StoreInUse` when another store holds it."""

    def __init__(self, database: str) -> None:
        self.path = f"{database}.lock"
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreFailed(f"{self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreInUse(f"{database} is in use by another process (it holds {self.path})") from error

    @property
    def is_initialised(self) -> bool:
        return os.pread(self._descriptor, len(INITIALISED), 0) == INITIALISED

    def mark_initialised(self) -> None:
        """Durably note that the database holds a schema."""
        os.pwrite(self._descriptor, INITIALISED, 0)
        os.fsync(self._descriptor)
        directory = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def release(self) -> None:
        os.close(self._descriptor)
