"""Opens the database with its keys: owned, checked, migrated, and sealed if it is to be."""

import os
from pathlib import Path

import apsw
import structlog
from attrs import define, field

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.protection import Cipher
from smsagg.store.key_files import load_cipher, make_keys
from smsagg.store.seal_file import SealFile, new_database_key
from smsagg.store.sqlite.connection import Seams, close, connect, open_checked
from smsagg.store.sqlite.errors import store_error
from smsagg.store.sqlite.keys import NeededKeys, needed_keys
from smsagg.store.sqlite.owner import OwnerLock
from smsagg.store.sqlite.resealing import reseal
from smsagg.store.sqlite.rewriting import forget_copy, opens, rewrite
from smsagg.store.sqlite.sealing import give_functions, is_plain

log = structlog.get_logger("smsagg.store")


@define
class Opened:
    """A database that is ours. The connection belongs to the writer, the lock to whoever opened it."""

    lock: OwnerLock
    connection: apsw.Connection
    cipher: Cipher
    keys: NeededKeys
    database_key: bytes = field(default=b"", repr=False)


def open_database(settings: StoreSettings, seams: Seams) -> Opened:
    """See :func:`smsagg.store.sqlite.store.open_sqlite_store`, which runs this in a thread."""
    try:
        Path(settings.path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(f"{settings.path}: {error.strerror}") from error
    lock = OwnerLock(settings.path)
    try:
        forget_copy(settings.path)
        database_key = find_database_key(settings)
        connection = open_checked(settings.path, lock, seams, database_key)
        try:
            cipher, keys = _store_keys(settings, connection)
            reseal(connection, cipher)
            if settings.encryption.enabled:
                connection, database_key = _sealed(settings, seams, connection, database_key)
            give_functions(connection, cipher)
            return Opened(lock, connection, cipher, keys, database_key)
        except (StoreFailed, apsw.Error) as error:
            close(connection)
            reason = store_error(error) if isinstance(error, apsw.Error) else error
            raise StoreFailed(f"{settings.path}: {reason}") from error
        except BaseException:
            close(connection)
            raise
    except BaseException:
        lock.release()
        raise


def find_database_key(settings: StoreSettings) -> bytes:
    """The key of the database, empty when it is in plain. Raises :class:`StoreFailed`."""
    path, seal_file = settings.path, SealFile(settings.path)
    if is_plain(path):
        return b""
    if not seal_file.exists():
        raise StoreFailed(f"{path} is not in plain, and {seal_file.path}, which would hold its key, is not there")
    if not settings.encryption.enabled:
        raise StoreFailed(f"{path} is sealed: store.encryption.enabled cannot be false any more")
    for database_key in seal_file.read(load_cipher(settings)):
        if opens(path, database_key):
            return database_key
    raise StoreFailed(f"{path} is damaged, or {seal_file.path} is another database's: restore both from one backup")


def renew_database_key(settings: StoreSettings) -> None:
    """Seal the database, which no server has open, with a new key of its own. Raises :class:`StoreError`; the store is
    whole then, with the old one."""
    lock = OwnerLock(settings.path)
    try:
        old_key = find_database_key(settings)
        if not old_key:
            raise StoreFailed(f"{settings.path} is in plain: it is sealed at a start with store.encryption.enabled")
        close(open_checked(settings.path, lock, Seams(), old_key))
        seal_file, cipher, new_key = SealFile(settings.path), load_cipher(settings), new_database_key()
        seal_file.write(cipher, [new_key, old_key])
        rewrite(settings.path, old_key, new_key)
        seal_file.write(cipher, [new_key])
    finally:
        lock.release()


def _store_keys(settings: StoreSettings, connection: apsw.Connection) -> tuple[Cipher, NeededKeys]:
    """A store that needs no key yet gets one; a key that it needs is never made anew."""
    if not needed_keys(connection.execute) and not SealFile(settings.path).exists():
        make_keys(settings)
    cipher = load_cipher(settings)
    return cipher, NeededKeys(connection, cipher)


def _sealed(
    settings: StoreSettings, seams: Seams, connection: apsw.Connection, database_key: bytes
) -> tuple[apsw.Connection, bytes]:
    """A connection to the sealed database, and its key, which is sealed with the newest one."""
    seal_file, cipher = SealFile(settings.path), load_cipher(settings)
    if not database_key:
        close(connection)
        database_key = new_database_key()
        log.info("store_sealing", octets=os.path.getsize(settings.path))
        seal_file.write(cipher, [database_key])
        rewrite(settings.path, b"", database_key, seams.vfs)
        log.info("store_sealed", key=cipher.key_id.hex())
        connection = connect(settings.path, seams, database_key)
    elif not seal_file.is_settled(cipher):
        seal_file.write(cipher, [database_key])
        log.info("store_key_took_over", key=cipher.key_id.hex())
    return connection, database_key
