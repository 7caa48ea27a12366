"""What of the database is sealed, and how.

Single values, always: secret texts (``Message.is_secret``), by two SQL functions over the store's cipher, ``sealed``
and ``opened``, which each connection of the writer has; and what the engine seals itself before it is written. The
whole file, with ``[store.encryption] enabled``: SQLite3 Multiple Ciphers seals each page of the database and of its WAL
with ChaCha20-Poly1305 under the *database key*, so texts, numbers, indexes and all else are there in no other form,
whatever tables there are, and what has been changed is not read. Queries know nothing of it.
"""

import os
from pathlib import Path
from typing import Any

import apsw

from smsagg.errors import SealError, StoreFailed
from smsagg.protection import Cipher

CIPHER = "chacha20"
SECRET_TEXT = b"text"
"""Context of the texts of secret messages."""
_PLAIN_HEADER = b"SQLite format 3\0"


def give_functions(connection: apsw.Connection, cipher: Cipher) -> None:
    """``sealed(blob)`` and ``opened(blob)``; what was changed on the medium opens as an empty text."""

    def sealed(*values: Any) -> bytes:
        return cipher.seal(values[0], SECRET_TEXT) if values[0] else b""

    def opened(*values: Any) -> bytes:
        try:
            return cipher.open(values[0], SECRET_TEXT) if values[0] else b""
        except SealError:
            return b""

    connection.create_scalar_function("sealed", sealed, 1)
    connection.create_scalar_function("opened", opened, 1)


def give_key(connection: apsw.Connection, database_key: bytes) -> None:
    """Before anything else is done with a connection to a sealed database."""
    if database_key:
        connection.pragma("cipher", CIPHER)
        connection.pragma("key", f"raw:{database_key.hex()}")


def vfs_of(name: str | None, database_key: bytes) -> str | None:
    """The file system ``name`` with what seals pages above it, which the default one has by itself."""
    return f"multipleciphers-{name}" if name and database_key else name


def uri_of(path: Path, database_key: bytes) -> str:
    """``path`` with its key, for ``VACUUM INTO``."""
    query = f"cipher={CIPHER}&key=raw:{database_key.hex()}" if database_key else "key="
    return f"{path.absolute().as_uri()}?{query}"


def is_plain(path: str) -> bool:
    """Whether whoever reads the file can read the database; also when there is none yet."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_PLAIN_HEADER)) in (b"", _PLAIN_HEADER)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StoreFailed(f"{path}: {error.strerror}") from error


def refuse_plain(path: str) -> None:
    """A key that was given to a connection must have had its effect."""
    if os.path.getsize(path) and is_plain(path):
        raise StoreFailed("the database is in plain, although it has a key")
