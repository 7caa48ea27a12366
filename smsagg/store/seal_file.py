"""The keys of a database that is sealed, in a file beside it: the database's path and ``.seal``.

The database has a random key of its own; this file holds it sealed with the store's keys. So another key of the store
takes over by replacing one line, however large the database is. Several lines, the newest first, stand here only while
the database is written anew (:mod:`smsagg.store.sqlite.rewriting`): it is sealed with one of them.
"""

import base64
import os
from pathlib import Path

from smsagg.errors import SealError, StoreFailed
from smsagg.protection import Cipher
from smsagg.store.key_files import write_private

DATABASE_KEY_OCTETS = 32
_CONTEXT = b"database"


class SealFile:
    """That of the database at ``path``. Methods raise :class:`StoreFailed`."""

    def __init__(self, path: str) -> None:
        self.path = Path(f"{path}.seal")

    def exists(self) -> bool:
        return self.path.exists()

    def key_ids(self) -> set[bytes]:
        """Of the store's keys with which it is sealed."""
        return {Cipher.key_id_of(sealed) for sealed in self._lines()}

    def is_settled(self, cipher: Cipher) -> bool:
        """Whether it holds one key, sealed with the newest of the store."""
        return [Cipher.key_id_of(sealed) for sealed in self._lines()] == [cipher.key_id]

    def read(self, cipher: Cipher) -> list[bytes]:
        """The database's keys; none: there is no such file."""
        try:
            return [cipher.open(sealed, _CONTEXT) for sealed in self._lines()]
        except SealError as error:
            raise StoreFailed(f"{self.path}: {error}") from error

    def write(self, cipher: Cipher, database_keys: list[bytes]) -> None:
        """Replace it, in one step that survives a crash; sealed with the newest key."""
        lines = [base64.b64encode(cipher.seal(key, _CONTEXT)) + b"\n" for key in database_keys]
        write_private(self.path, b"".join(lines))

    def _lines(self) -> list[bytes]:
        try:
            return [base64.b64decode(line, validate=True) for line in self.path.read_bytes().splitlines()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreFailed(f"{self.path}: {error.strerror}") from error
        except ValueError as error:
            raise StoreFailed(f"{self.path} is damaged: restore it") from error


def new_database_key() -> bytes:
    return os.urandom(DATABASE_KEY_OCTETS)
